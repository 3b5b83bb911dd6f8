"""How a label map of any size fills a network's input, and how the photo comes back to its size."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

Size = tuple[int, int]
SizeChoice = Literal["input", "model"]
Number = TypeVar("Number", bound=np.generic)


@dataclasses.dataclass(frozen=True, slots=True)
class Fit:
    """Where a label map lies in the network's input; all sizes are (height, width)."""

    size: Size
    """Of the label map."""
    network_size: Size
    corner: tuple[int, int]
    """First row and column of the label map's window in the network's input."""
    window: Size
    """Of the label map inside the network's input, after resizing."""
    repeats_edge: bool
    """What lies around the window is the nearest edge, even where don't care could be had."""

    def apply(self, array: npt.NDArray[Number], fill: int | None) -> npt.NDArray[Number]:
        """A map (H, W) of `size` as one of `network_size`: resized to the window by nearest, then padded.

        Args:
            array: class ids or instance numbers.
            fill: value around the window; None: the nearest edge is repeated.
        """
        rows, columns = (_nearest(old, new) for old, new in zip(array.shape, self.window, strict=True))
        resized = array if self.window == self.size else array[rows[:, None], columns]
        padding = [
            (before, whole - before - inner)
            for before, inner, whole in zip(self.corner, self.window, self.network_size, strict=True)
        ]
        if fill is None or self.repeats_edge:
            return np.pad(resized, padding, mode="edge")
        return np.pad(resized, padding, constant_values=fill)

    def undo(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A photo (H, W, 3) of `network_size` as one of `size`: the window, resized (bicubic) if need be."""
        (top, left), (height, width) = self.corner, self.window
        inner = pixels[top : top + height, left : left + width]
        if self.window == self.size:
            return inner
        enlarged = Image.fromarray(inner).resize(self.size[::-1], Image.Resampling.BICUBIC)
        return np.asarray(enlarged)


def fit_to_size(size: Size, network_size: Size) -> Fit:
    """The largest window of `size`'s aspect in the middle of `network_size`."""
    scale = min(whole / side for side, whole in zip(size, network_size, strict=True))
    height, width = (
        min(max(round(side * scale), 1), whole) for side, whole in zip(size, network_size, strict=True)
    )
    corner = (network_size[0] - height) // 2, (network_size[1] - width) // 2
    return Fit(size, network_size, corner, (height, width), repeats_edge=False)


def fit_to_multiple(size: Size, multiple: int, least: int) -> Fit:
    """The label map as it is, in the first corner of the next size made of multiples, `least` at least."""
    height, width = (max(-(-side // multiple) * multiple, least) for side in size)
    return Fit(size, (height, width), (0, 0), size, repeats_edge=True)


def _nearest(old: int, new: int) -> npt.NDArray[Any]:
    """For each of `new` positions, the one of `old` whose middle is nearest to its own."""
    return ((np.arange(new) + 0.5) * (old / new)).astype(np.intp)


def equal_batches(sizes: Sequence[Size], most: int, usual: Size) -> list[list[int]]:
    """Positions of equal sizes together, in batches in the order of their first.

    A batch holds at most `most` positions, and fewer where they are larger than `usual`: no more pixels
    than `most` of that size, but always one.
    """
    open_batches: dict[Size, list[int]] = {}
    batches: list[list[int]] = []
    for position, size in enumerate(sizes):
        members = open_batches.get(size)
        fitting = most * usual[0] * usual[1] // (size[0] * size[1])
        if members is None or len(members) >= min(most, max(1, fitting)):
            members = open_batches[size] = []
            batches.append(members)
        members.append(position)
    return batches
