"""Label maps that photos are held against: their own layouts', and those of other photos."""

from typing import Any

import numpy.typing as npt

from ccfpse.errors import DataError
from ccfpse.evaluation.edges import Borders, borders
from ccfpse.evaluation.reading import Reading
from ccfpse.prepared import PreparedSplit, PreparedStore


class Truth:
    """Label maps of a split, for every photo its own or another's.

    Args:
        split: validation split that photos were synthesized from.
        full: the same photos in a store of a protocol's own size, if there is one.
        shift: photo i is held against the labels of photo i + shift, around the end.
    """

    def __init__(self, split: PreparedSplit, full: PreparedSplit | None = None, shift: int = 0) -> None:
        self._split = split
        self._full = full
        self._shift = shift

    def labels(self, index: int, reading: Reading) -> npt.NDArray[Any]:
        """Class ids at the reading's size."""
        i = self._other(index)
        if self._full is not None and self._full.size == reading.size:
            return self._full.labels(i)
        return reading.fitted(self._split.labels(i))

    def borders(self, index: int) -> Borders:
        """Of the layout, at the photos' own size."""
        i = self._other(index)
        return borders(self._split.labels(i), self._split.instances(i))

    def _other(self, index: int) -> int:
        return (index + self._shift) % len(self._split)


def full_labels(store: PreparedStore, own: PreparedStore, size: tuple[int, int]) -> PreparedSplit:
    """The validation split of a store: of the same photos and classes as `own`, at another size.

    Raises:
        DataError: it has other photos, other classes, or another size.
    """
    path, full = store.path, store.split("val")
    if store.class_table != own.class_table:
        raise DataError(
            f"{path}: has another class table than {own.path}; prepare the same data set there, at another "
            "size alone"
        )
    if full.names != own.split("val").names:
        raise DataError(
            f"{path}: its validation photos are not those of the synthesized layouts; prepare the same data "
            "set there, at another size alone"
        )
    if full.size != size:
        raise DataError(
            f"{path}: its validation photos are {full.size[0]}x{full.size[1]}, the protocol compares at "
            f"{size[0]}x{size[1]}; prepare it with that data.size"
        )
    return full
