"""Recipes in pictures, and files of styles, that lie or are damaged."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.hostile.spoiling import Spoil, put


def _array(values: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(values))
    return file.getvalue()


def _archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(256))
    return file.getvalue()


_VECTOR = _array([0.0] * 256)

VECTORS: dict[str, bytes] = {
    "words": b"no vector",
    "nothing": b"",
    "archive": _archive(),
    "objects": _array([None] * 256),
    "another length": _array([0.0] * 8),
    "text": _array(["a"] * 256),
    "infinite numbers": _array([np.inf] * 256),
    "numbers too large for the type": _array([1e300] * 256),
    "cut": _VECTOR[:-3],
    "header of brackets": b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16,
    "huge shape": _VECTOR.replace(b"(256,), }", b"(9**99,),}"),
    "enormous shape": _VECTOR.replace(b"(256,), }      ", b"(10000000000,),"),
    "larger than any style": b"\0" * (2**20 + 1),
}
BAD_VECTORS: dict[str, Spoil] = {name: put(content) for name, content in VECTORS.items()}


def _with_text(text: str, compressed: bool = False) -> Spoil:
    chunk = PngInfo()
    chunk.add_itxt("ccfpse", text, zip=compressed)
    file = io.BytesIO()
    Image.new("RGB", (64, 32)).save(file, "PNG", pnginfo=chunk)
    return put(file.getvalue())


def _in_the_file(change: Callable[[bytes], bytes]) -> Spoil:
    return lambda path: path.write_bytes(change(path.read_bytes()))


BAD_RECIPES: dict[str, Spoil] = {
    "recipe of nothing": _with_text(""),
    "recipe that is no json": _with_text("{"),
    "recipe of lists within lists": _with_text("[" * 100_000),
    "recipe of a number of 10000 digits": _with_text('{"format": ' + "9" * 10_000 + "}"),
    "recipe with an escape sequence": _with_text('{"format": 1, "\\u001b[2J": 1}'),
    "recipe with half a character": _with_text('{"format": 1, "model": "\\ud800"}'),
    "recipe that unpacks to 64 MiB": _with_text(" " * 2**26, compressed=True),
    "picture without a recipe": lambda path: Image.new("RGB", (64, 32)).save(path),
}
