"""Picture files of any origin, read safely: what is no whole picture is refused in one sentence."""

import contextlib
import ctypes
import functools
import io
import logging
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError, _imaging

from ccfpse.errors import DataError
from ccfpse.labelspace import packed_colors

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm")
LABEL_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")

# Only these decoders meet foreign files: others start programs (EPS) or are seldom exercised.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM")

# What Pillow's decoders raise at damaged files, as found by cutting and flipping bytes.
_DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, TypeError, AttributeError),
    *(struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning),
)

_warnings = threading.Lock()  # what is said about them is said for all threads

# Pillow stretches grey PNGs of 2 and 4 bits to 0..255; in a map of ids the written number is meant.
_STRETCHED = {"L;2": 85, "L;4": 17}


def decode_photo(content: bytes, name: str, most_pixels: int | None = None) -> Image.Image:
    """A photo as RGB, turned as its EXIF entry says; transparency is dropped.

    Raises:
        DataError: `content` (of the file called `name`) is no whole picture, or has more than `most_pixels`.
    """
    picture = decode_picture(content, name, most_pixels)
    try:
        with _quietly():
            picture = ImageOps.exif_transpose(picture)
        if picture.mode in ("I", "I;16", "I;16B", "F"):
            return _from_wide(picture, name)
        if "transparency" in picture.info:
            picture = picture.convert("RGBA")
        return picture.convert("RGB")
    except _DAMAGE as error:
        raise DataError(f"{name}: cannot be turned into an RGB picture ({error})") from error


def decode_values(content: bytes, name: str) -> npt.NDArray[np.int32]:
    """The numbers in a map of ids, (H, W): grey values, palette indices, or colours as 0xRRGGBB.

    Raises:
        DataError: `content` (of the file called `name`) is no whole picture, or holds no whole numbers.
    """
    picture = decode_picture(content, name)
    try:
        return picture_values(picture)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def decode_picture(content: bytes, name: str, most_pixels: int | None = None) -> Image.Image:
    """A picture as its file has it, all pixels decoded.

    Grey PNGs of 2 and 4 bits hold the written numbers, not Pillow's stretched ones.

    Raises:
        DataError: `content` (of the file called `name`) is no single, whole picture of a usual size, or
            has more than `most_pixels`, which is found out before they are decoded.
    """
    _silence_decoders()
    try:
        with _quietly():
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            # MPO: a JPEG with a preview behind it, as phones write them.
            if getattr(picture, "is_animated", False) and picture.format != "MPO":
                raise DataError(f"{name}: holds several pictures; give one as a file of its own")
            if most_pixels is not None and picture.width * picture.height > most_pixels:
                raise DataError(
                    f"{name}: has {picture.height}x{picture.width} pixels, more than {most_pixels}; reduce it"
                )
            stretch = _STRETCHED.get(str(picture.tile[0][3])) if picture.format == "PNG" else None
        if picture.format == "TIFF":
            with _quietly():
                picture.load()
        picture.load()
    except UnidentifiedImageError as error:
        raise DataError(
            f"{name}: is not a picture (JPEG, PNG, WebP, BMP, TIFF and PPM can be read)"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{name}: declares more than {Image.MAX_IMAGE_PIXELS} pixels; reduce it") from error
    except _DAMAGE as error:
        raise DataError(f"{name}: is a damaged or truncated picture ({error})") from error
    return Image.fromarray(np.asarray(picture) // np.uint8(stretch)) if stretch else picture


def picture_values(picture: Image.Image) -> npt.NDArray[np.int32]:
    """Like `decode_values`, of a decoded picture; messages lack its name."""
    if picture.mode == "F":
        raise DataError("holds fractions; a map of ids needs whole numbers")
    if picture.mode in ("1", "L", "P", "I", "I;16", "I;16B"):
        return np.asarray(picture).astype(np.int32)
    if picture.mode in ("LA", "PA"):
        return np.asarray(picture.getchannel(0)).astype(np.int32)
    return packed_colors(np.asarray(picture.convert("RGB")))


@functools.cache
def _silence_decoders() -> None:
    """Keeps Pillow, and the libtiff it brings, from printing what is wrong with a file: we say it."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    for handler in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if (set_handler := getattr(ctypes.CDLL(_imaging.__file__), handler, None)) is not None:
            set_handler(None)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keeps Pillow's remarks about odd entries to itself, but not the one about too many pixels."""
    with _warnings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    """A picture as the content of a file; `form` and `options` are those of Pillow's `save`.

    Written by us, not by Pillow: that reports a full disk as an "encoder error", which says nothing.
    """
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _from_wide(picture: Image.Image, name: str) -> Image.Image:
    """A grey photo of 16 bits a pixel as RGB of 8."""
    values: npt.NDArray[Any] = np.asarray(picture)
    if picture.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise DataError(f"{name}: holds numbers outside 0..65535; save it as 8 bits a channel")
    return Image.fromarray((values // 257).astype(np.uint8)).convert("RGB")
