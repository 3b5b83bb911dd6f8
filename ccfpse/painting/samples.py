"""Layouts that the page offers: drawn scenes, a folder of the user's, or an empty one."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ccfpse.classfiles import load_class_table
from ccfpse.datasets.sample import render_scene
from ccfpse.errors import DataError
from ccfpse.labelspace import ClassTable
from ccfpse.layoutfiles import LayoutSource, Numbering
from ccfpse.layoutfit import Size
from ccfpse.painting.layout import Layout, reduced, with_objects

_TABLE = "cityscapes"  # of the embedded scenes
_SEED = 0
# Chosen by eye, far from those that are trained and validated on.
_SCENES = tuple(2_000_000 + i for i in (3, 8, 32, 25, 12, 17, 14, 1))
_MOST_OFFERED = 24
_GROUNDS = ("background", "sky", "wall", "road")


class Offered(Protocol):
    """Layouts to begin with."""

    def __len__(self) -> int: ...

    def layout(self, index: int) -> Layout:
        """One of them.

        Raises:
            DataError: it cannot be read.
        """


class DrawnScenes:
    """Street scenes of the embedded data set, drawn at the model's size when they are asked for."""

    def __init__(self, table: ClassTable, size: Size) -> None:
        """For a model with this table and size.

        Raises:
            DataError: the table has not the scenes' classes.
        """
        self._given = load_class_table(_TABLE)
        if missing := set(self._given.names) - set(table.names):
            raise DataError(f"the classes {', '.join(sorted(missing))} are missing")
        self._table, self._size = table, size
        self._numbering = Numbering(self._given, table, _TABLE)

    def __len__(self) -> int:
        return len(_SCENES)

    def layout(self, index: int) -> Layout:
        """As `Offered`."""
        scene = render_scene(_SEED, _SCENES[index], self._size)
        labels = self._numbering.apply(self._given.from_raw(scene.label_ids), f"scene {index}")
        return with_objects(labels, scene.instance_ids.astype(np.int32), self._table)


class FolderLayouts:
    """Layouts of files, read when they are asked for; of many, some from all over the folder."""

    def __init__(self, sources: Sequence[LayoutSource], table: ClassTable, most_pixels: int) -> None:
        """`most_pixels`: larger layouts are reduced.

        Raises:
            DataError: there is not one.
        """
        if not sources:
            raise DataError("there is no layout to begin with; give a folder that holds some, or none")
        step = max(1, -(-len(sources) // _MOST_OFFERED))
        self._sources = sources[::step]
        self._table, self._most_pixels = table, most_pixels

    def __len__(self) -> int:
        return len(self._sources)

    def layout(self, index: int) -> Layout:
        """As `Offered`."""
        return reduced(with_objects(*self._sources[index].read(), self._table), self._most_pixels)


class Blank:
    """One layout that is empty."""

    def __init__(self, table: ClassTable, size: Size) -> None:
        self._table, self._size = table, size

    def __len__(self) -> int:
        return 1

    def layout(self, index: int) -> Layout:
        """As `Offered`."""
        labels = np.full(self._size, ground(self._table), np.uint8)
        return Layout(labels, np.zeros(self._size, np.uint16))


def offered(table: ClassTable, size: Size, sources: Sequence[LayoutSource] | None) -> Offered:
    """What a page offers: the user's layouts, else drawn scenes if the model has their classes, else a blank.

    Args:
        table: the model's.
        size: the model's, (height, width).
        sources: the user's layouts, or None.
    """
    if sources is not None:
        return FolderLayouts(sources, table, size[0] * size[1])
    try:
        return DrawnScenes(table, size)
    except DataError:
        return Blank(table, size)


def ground(table: ClassTable) -> int:
    """The class that an empty layout is filled with.

    A model file does not say how common its classes are: the first of a few names that usually fill pictures,
    else the first class that is scored and no object.
    """
    names = [name.casefold() for name in table.names[: table.n_classes]]
    for name in _GROUNDS:
        if name in names:
            return names.index(name)
    plain = (i for i, c in enumerate(table.classes) if c.evaluated and not c.has_instances)
    return next(plain, 0)


def eraser(table: ClassTable) -> int:
    """The class that the eraser paints: don't care where there is one, else the ground."""
    return ground(table) if table.dont_care is None else table.dont_care
