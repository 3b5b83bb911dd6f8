"""What can stand where a file should: things that are no files, and contents that are no good."""

import io
import os
import stat
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Spoil = Callable[[Path], object]
"""Puts something bad at a path, in place of what is there."""


def put(content: bytes) -> Spoil:
    def do(path: Path) -> None:
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    return do


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def socket(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mknod(path, stat.S_IFSOCK | 0o600)


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def link_to(target: str) -> Spoil:
    def do(path: Path) -> None:
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return do


def loop(path: Path) -> None:
    link_to(path.name)(path)


NO_FILES: dict[str, Spoil] = {
    "pipe": pipe,
    "socket": socket,
    "folder": folder,
    "dangling link": link_to("nowhere"),
    "link to itself": loop,
    "device": link_to("/dev/zero"),
}
"""What is no file; none of it may keep a command waiting."""


def picture(kind: str, mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    values = np.arange(32 * 64 * 3, dtype=np.uint8).reshape(32, 64, 3)
    Image.fromarray(values).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG whose header declares this size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(width: int, height: int) -> bytes:
    """A TIFF whose directory declares this size."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value % 2**32) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


def jpeg(width: int, height: int) -> bytes:
    """A JPEG whose frame declares this size."""
    content = bytearray(picture("JPEG"))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def bmp(width: int, height: int) -> bytes:
    """A BMP whose header declares this size."""
    content = bytearray(picture("BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def several(kind: str) -> bytes:
    return picture(kind, save_all=True, append_images=[Image.new("RGB", (64, 32), "red")])


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


BAD_PICTURES: dict[str, Spoil] = {
    "png of 100000 x 100000": put(png(100000, 100000)),
    "jpeg of 65500 x 65500": put(jpeg(65500, 65500)),
    "tiff of 100000 x 100000": put(tiff(100000, 100000)),
    "bmp of 100000 x 100000": put(bmp(100000, 100000)),
    "bmp of negative width": put(bmp(-64, 32)),
    "ppm of 100000 x 100000": put(b"P6 100000 100000 255\n"),
    "png without pixels": put(png(0, 0)),
    "png with too few pixels": put(png(64, 32, b"\0" * 100)),
    "png with a wrong checksum": put(flipped(png(64, 32, b"\0" * 65 * 32), 20)),
    "animated png": put(several("PNG")),
    "animated webp": put(several("WEBP")),
    "tiff of two pages": put(several("TIFF")),
    "cut png": put(picture("PNG")[:-40]),
    "cut jpeg": put(picture("JPEG")[:-40]),
    "cut webp": put(picture("WEBP")[:-40]),
    "cut tiff": put(picture("TIFF", compression="tiff_lzw")[:-200]),
    "gif": put(picture("GIF")),
    "postscript": put(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"),
    "svg with a script": put(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
    "words": put(b"these are words"),
    "nothing": put(b""),
}
"""Contents of files that are called pictures."""

BAD_LABELS: dict[str, Spoil] = {
    "label map of fractions": put(picture("TIFF", "F")),
    "label map in cmyk": put(picture("TIFF", "CMYK")),
    "label map of unknown colours": put(picture("PNG")),
    "label map of unknown palette indices": put(picture("PNG", "P")),
    "label map of unknown wide values": put(picture("PNG", "I;16")),
    "label map of unknown values": put(picture("PNG", "L")),
}
"""Pictures that are no label maps of the class table."""
