"""Photos and their maps brought to one size: stretched, cut, or padded; the same way for all three."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Fit = Literal["stretch", "crop", "pad"]
Size = tuple[int, int]
Array = npt.NDArray[Any]


def fit_photo(photo: Image.Image, size: Size, fit: Fit) -> npt.NDArray[np.uint8]:
    """An RGB photo at `size`, bicubic; padding repeats the edge.

    Returns:
        (H, W, 3).
    """
    return _fit(photo, size, fit, Image.Resampling.BICUBIC, lambda array, by: np.pad(array, by, mode="edge"))


def fit_map(values: Array, size: Size, fit: Fit, padding: int | None) -> npt.NDArray[np.int32]:
    """A map of ids (H, W) at `size`, nearest neighbour.

    Args:
        values: whole numbers within int32.
        size: height and width of the result.
        fit: as for the photo.
        padding: the value around a padded map; None repeats the edge.
    """

    def pad(array: Array, by: list[tuple[int, int]]) -> Array:
        if padding is None:
            return np.pad(array, by, mode="edge")
        return np.pad(array, by, constant_values=padding)

    return _fit(Image.fromarray(values.astype(np.int32)), size, fit, Image.Resampling.NEAREST, pad)


def changes_aspect(source: Size, size: Size) -> bool:
    """Whether stretching from one size to the other changes width : height by more than a tenth."""
    ratio = (size[1] / size[0]) / (source[1] / source[0])
    return max(ratio, 1 / ratio) > 1.1


def _fit(
    picture: Image.Image,
    size: Size,
    fit: Fit,
    resampling: Image.Resampling,
    pad: Callable[[Array, list[tuple[int, int]]], Array],
) -> Array:
    H, W = size
    if fit == "crop":
        return np.array(picture.resize((W, H), resampling, box=_centre(picture.size, size)))
    if fit == "stretch":
        return np.array(picture.resize((W, H), resampling))
    width, height = picture.size
    scale = min(H / height, W / width)
    inner_H, inner_W = max(1, min(H, round(height * scale))), max(1, min(W, round(width * scale)))
    array = np.array(picture.resize((inner_W, inner_H), resampling))
    margins = [_halves(H - inner_H), _halves(W - inner_W), (0, 0)]
    return pad(array, margins[: array.ndim])


def _centre(source: tuple[int, int], size: Size) -> tuple[int, int, int, int]:
    """The largest box of the aspect of `size` in the middle: left, upper, right, lower; whole pixels."""
    width, height = source
    H, W = size
    box_width = max(1, min(width, round(height * W / H)))
    box_height = max(1, min(height, round(width * H / W)))
    left, upper = (width - box_width) // 2, (height - box_height) // 2
    return left, upper, left + box_width, upper + box_height


def _halves(margin: int) -> tuple[int, int]:
    return margin // 2, margin - margin // 2
