"""What callers of a model hand it (pictures and arrays), decoded for its networks."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccfpse.errors import DataError
from ccfpse.labelimage import decode_labels
from ccfpse.labelspace import ClassTable, Ids
from ccfpse.pictures import picture_values

Array: TypeAlias = npt.NDArray[Any]
Picture: TypeAlias = Image.Image | Array
"""A photo, label map or instance map in memory."""
Pixels: TypeAlias = npt.NDArray[np.uint8]
Instances: TypeAlias = npt.NDArray[np.int32]
Coding = Literal["auto", "ids", "colors", "classes"]


def decoded_labels(picture: Picture, table: ClassTable, coding: Coding, where: str) -> Ids:
    """Class ids (H, W) of a label map; `coding` as in `Model.synthesize`, `where` for messages.

    Raises:
        DataError: no such map, or values that the table does not have.
    """
    if isinstance(picture, np.ndarray) and picture.size == 0:
        raise DataError(f"{where}: is an empty array; a label map has at least one pixel")
    if coding != "classes":
        return decode_labels(picture, table, coding, where)
    ids: Array = np.asarray(picture)
    if ids.ndim != 2 or not np.issubdtype(ids.dtype, np.integer):
        raise DataError(f"{where}: is {ids.dtype} {ids.shape}; class ids are whole numbers, (H, W)")
    if ids.min() < 0 or ids.max() >= table.n_labels:
        raise DataError(f"{where}: has class ids outside 0 to {table.n_labels - 1}, the model's")
    narrow: Ids = ids.astype(np.uint8)
    return narrow


def decoded_instances(maps: Sequence[Picture] | None, labels: Sequence[Ids]) -> list[Instances | None]:
    """Numbers that tell objects apart, (H, W), one map for every label map; None where there are none.

    Raises:
        DataError: other numbers or sizes of maps than of label maps.
    """
    if maps is None:
        return [None] * len(labels)
    if len(maps) != len(labels):
        raise DataError(f"{len(labels)} label maps need as many instance maps, not {len(maps)}")
    numbers = [
        picture_values(picture) if isinstance(picture, Image.Image) else picture.astype(np.int32)
        for picture in maps
    ]
    for i, (number, label) in enumerate(zip(numbers, labels, strict=True)):
        if number.shape != label.shape:
            raise DataError(f"instances[{i}]: has shape {number.shape}, but its label map has {label.shape}")
    return list(numbers)


def fitted_photo(photo: Picture, size: tuple[int, int]) -> Pixels:
    """A photo as it enters training, uint8 (H, W, 3) of `size`.

    Raises:
        DataError: the array is no photo.
    """
    if isinstance(photo, np.ndarray) and (photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3):
        raise DataError(f"a photo is an array uint8 (H, W, 3); this one is {photo.dtype} {photo.shape}")
    image = Image.fromarray(photo) if isinstance(photo, np.ndarray) else photo.convert("RGB")
    if image.size != size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BICUBIC)
    return np.asarray(image)
