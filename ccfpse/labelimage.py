"""Label maps in files: ids, palettes or colours, made class ids of a table."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccfpse.errors import DataError
from ccfpse.labelspace import ClassTable, Ids
from ccfpse.opening import read_regular
from ccfpse.pictures import decode_picture, decode_values, picture_values

Coding = Literal["auto", "ids", "colors"]

WITHOUT_COLORS = ("1", "L", "LA", "P", "PA", "I", "I;16", "I;16B", "F")
"""Pillow's modes of pictures whose pixels are one number each."""


def read_label_image(path: Path, table: ClassTable, coding: Coding) -> Ids:
    """Class ids (H, W) of a label map in a file; see `decode_labels`.

    Raises:
        DataError: not readable, or refused.
    """
    return decode_label_image(_content(path, "label map"), str(path), table, coding)


def read_instance_image(path: Path) -> npt.NDArray[np.int32]:
    """Numbers that tell objects apart, (H, W): grey values, palette indices, or colours as 0xRRGGBB.

    Raises:
        DataError: not readable, or no whole picture.
    """
    return decode_values(_content(path, "instance map"), str(path))


def decode_label_image(content: bytes, name: str, table: ClassTable, coding: Coding) -> Ids:
    """Class ids (H, W) of a label map's bytes; see `decode_labels`. `name` is for messages."""
    return decode_labels(decode_picture(content, name), table, coding, name)


def decode_labels(
    picture: Image.Image | npt.NDArray[Any], table: ClassTable, coding: Coding, name: str
) -> Ids:
    """Class ids (H, W) of a label map.

    Args:
        picture: the map as a picture, or as an array: whole numbers (H, W), or uint8 (H, W, 3 or 4).
        table: says which value or colour means which class.
        coding: `ids`: grey values or palette indices; `colors`: RGB, of palette pictures too;
            `auto`: RGB pictures hold colours, all others ids, except that a palette picture whose indices
            are not all in the table, but whose used colours are, holds colours.
        name: of the map, for messages.

    Raises:
        DataError: not such a map, or values that the table does not have, each with its number of pixels.
    """
    try:
        if isinstance(picture, np.ndarray):
            if picture.ndim == 2 and np.issubdtype(picture.dtype, np.integer) and coding != "colors":
                return table.from_raw(picture)
            picture = _as_picture(picture)
        has_colors = picture.mode not in WITHOUT_COLORS
        if coding == "colors" or (coding == "auto" and has_colors):
            return table.from_colors(_rgb(picture))
        if coding == "auto" and picture.mode == "P":
            return _from_palette(picture, table)
        return table.from_raw(_grey(picture) if has_colors else picture_values(picture))
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def _from_palette(picture: Image.Image, table: ClassTable) -> Ids:
    try:
        return table.from_raw(np.asarray(picture))
    except DataError as of_indices:
        try:
            return table.from_colors(_rgb(picture))
        except DataError:
            raise of_indices from None


def _as_picture(array: npt.NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)):
        raise DataError(
            f"is {array.dtype} {array.shape}; label maps are whole numbers (H, W) or colours uint8 (H, W, 3)"
        )
    return Image.fromarray(array)


def _grey(picture: Image.Image) -> Ids:
    """The ids in a picture of three equal channels."""
    pixels = _rgb(picture)
    if (pixels != pixels[..., :1]).any():
        raise DataError("is a coloured picture where a map of ids is expected")
    return pixels[..., 0]


def _rgb(picture: Image.Image) -> Ids:
    return np.asarray(picture.convert("RGB"))


def _content(path: Path, what: str) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise DataError(f"{path}: the {what} cannot be read ({error.strerror})") from error
