"""Class tables: which classes a data set has, and how its label maps write them.

Class ids in the prepared store, in layouts and in model files are 0..n-1 in the table's order;
where the data set has pixels that belong to no class ("don't care"), they get id n.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ccfpse.errors import DataError
from ccfpse.notebook import swatches

Ids = npt.NDArray[np.uint8]
Color = tuple[int, int, int]

LARGEST_RAW = 65535
"""Of 16-bit label maps."""
MOST_CLASSES = 255
"""Ids are stored as uint8, and one is kept for don't care."""
_LONGEST_NAME = 200
_MOST_LISTED = 5
_AT_ONCE = 2**20  # pixels whose colours are looked up, which takes 20 bytes for each


class DamagedClassTable(DataError):
    """A class table within another file that is damaged; its reader names the file."""


@dataclasses.dataclass(frozen=True, slots=True)
class LabelClass:
    """One class of a data set."""

    name: str
    color: Color
    """Of the class in label pictures, RGB in [0, 255]."""
    raw: int | None
    """Value in id-coded label maps; None: the class is known by its colour only."""
    has_instances: bool
    evaluated: bool
    """Counts in segmentation scores (Cityscapes scores 19 of its 35 classes)."""


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class ClassTable:
    """The classes of a data set, in the order of their ids; a notebook shows them with their colours.

    >>> model.class_table
    <ClassTable streets: 4 labels (road, sky, car, don't care)>
    >>> model.class_table.names.index("car")
    2
    >>> ids = model.class_table.from_raw(np.array([[7, 7], [23, 255]]))
    >>> ids.tolist()
    [[0, 0], [1, 3]]
    """

    name: str
    classes: tuple[LabelClass, ...]
    has_dont_care: bool
    """Layouts get one more channel, for pixels of no class."""
    dont_care_raw: tuple[int, ...]
    """Values in id-coded label maps that mean don't care."""
    dont_care_colors: tuple[Color, ...]

    @property
    def n_classes(self) -> int:
        """Number of classes, don't care left out."""
        return len(self.classes)

    @property
    def n_labels(self) -> int:
        """Number of ids a label map can hold: classes, and don't care where there is one."""
        return self.n_classes + self.has_dont_care

    @property
    def dont_care(self) -> int | None:
        """Id of pixels of no class."""
        return self.n_classes if self.has_dont_care else None

    @property
    def names(self) -> tuple[str, ...]:
        """Names by id, with "don't care" last where the table has it."""
        return tuple(c.name for c in self.classes) + (("don't care",) if self.has_dont_care else ())

    @property
    def evaluated_ids(self) -> tuple[int, ...]:
        """Ids of the classes that count in segmentation scores."""
        return tuple(i for i, c in enumerate(self.classes) if c.evaluated)

    def palette(self) -> npt.NDArray[np.uint8]:
        """Colours by id, (n_labels, 3); don't care is black."""
        colors = [c.color for c in self.classes] + ([(0, 0, 0)] if self.has_dont_care else [])
        return np.array(colors, np.uint8).reshape(-1, 3)

    def colorize(self, ids: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Class ids (..., H, W) as RGB (..., H, W, 3)."""
        colored: npt.NDArray[np.uint8] = self.palette()[ids]
        return colored

    def from_raw(self, raw: npt.NDArray[Any]) -> Ids:
        """Class ids of an id-coded label map (H, W) as the data set distributes it.

        Raises:
            DataError: values that the table does not have, each with its number of pixels.
        """
        known = {c.raw: i for i, c in enumerate(self.classes) if c.raw is not None}
        known.update(dict.fromkeys(self.dont_care_raw, self.n_classes))
        values, counts = _value_counts(raw)
        unknown = [(v, n) for v, n in zip(values, counts, strict=True) if v not in known]
        if unknown:
            raise DataError(
                f"{_listed('value', unknown, len(unknown))} not in the class table of {self.name}"
            )
        lookup = np.zeros(max(values, default=0) + 1, np.uint8)
        lookup[values] = [known[v] for v in values]
        ids: Ids = lookup[raw]
        return ids

    def from_colors(self, pixels: npt.NDArray[np.uint8]) -> Ids:
        """Class ids of a colour-coded label map (H, W, 3); of classes of one colour the first is meant.

        Raises:
            DataError: colours that the table does not have, each with its number of pixels.
        """
        known = {_packed(color): self.n_classes for color in self.dont_care_colors}
        known.update({_packed(c.color): i for i, c in reversed(list(enumerate(self.classes)))})
        colors = np.array(sorted(known), np.int32)
        ids = np.array([known[color] for color in sorted(known)], np.uint8)
        found = np.empty(pixels.shape[:2], np.uint8)
        unknown: npt.NDArray[np.int32] | None = None  # pixels by colour
        rows = max(1, _AT_ONCE // max(pixels.shape[1], 1))
        for top in range(0, len(pixels), rows):
            packed = packed_colors(pixels[top : top + rows])
            at = np.searchsorted(colors, packed).clip(max=len(colors) - 1)
            is_known = colors[at] == packed
            found[top : top + rows] = ids[at]
            if not is_known.all():
                unknown = np.zeros(2**24, np.int32) if unknown is None else unknown
                values, counts = np.unique(packed[~is_known], return_counts=True)
                unknown[values] += counts.astype(np.int32)
        if unknown is not None:
            values = np.flatnonzero(unknown)
            listed = [(f"#{value:06x}", int(unknown[value])) for value in values[:_MOST_LISTED].tolist()]
            raise DataError(f"{_listed('colour', listed, len(values))} not in the class table of {self.name}")
        return found

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:4]) + (", …" if len(self.names) > 4 else "")
        return f"<ClassTable {self.name}: {self.n_labels} labels ({shown})>"

    def _repr_html_(self) -> str:
        """For notebooks: every label's id, name and colour."""
        entries = enumerate(zip(self.names, self.palette().tolist(), strict=True))
        title = f"{self.name}: {self.n_labels} labels"
        return swatches(title, ((f"{i} {name}", color) for i, (name, color) in entries))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, as manifests and model files hold them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ClassTable":
        """The inverse of `to_dict`.

        Raises:
            DamagedClassTable: the content is not what `to_dict` writes.
        """
        try:
            classes = tuple(
                LabelClass(
                    name=check_class_name(c["name"]),
                    color=parse_color(c["color"]),
                    raw=None if c["raw"] is None else _raw(c["raw"]),
                    has_instances=bool(c["has_instances"]),
                    evaluated=bool(c["evaluated"]),
                )
                for c in content["classes"]
            )
            if not 1 <= len(classes) <= MOST_CLASSES:
                raise ValueError(f"{len(classes)} classes")
            return cls(
                name=check_class_name(content["name"]),
                classes=classes,
                has_dont_care=bool(content["has_dont_care"]),
                dont_care_raw=tuple(_raw(v) for v in content["dont_care_raw"]),
                dont_care_colors=tuple(parse_color(c) for c in content["dont_care_colors"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedClassTable(f"the class table is damaged ({error!r})") from error


def parse_color(value: Any) -> Color:
    """A colour from [R, G, B] in [0, 255] or "#rrggbb".

    Raises:
        TypeError, ValueError: it is neither.
    """
    if isinstance(value, str):
        if len(value) != 7 or value[0] != "#":
            raise ValueError("no colour")
        value = bytes.fromhex(value[1:])
    r, g, b = value
    if not all(type(part) is int and 0 <= part <= 255 for part in (r, g, b)):
        raise ValueError("no colour")
    return r, g, b


def check_class_name(name: Any) -> str:
    """The name of a class, or of a table, if it is one that pictures, pages and terminals can show.

    Raises:
        ValueError: it is no text of one line, or too long.
    """
    if not isinstance(name, str) or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ValueError(
            f"{str(name)[:60]!r} cannot name a class; use printable characters, at most {_LONGEST_NAME}"
        )
    return name


def _raw(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_RAW:
        raise ValueError("a value of label maps that is no whole number from 0 to 65535")
    return value


def _value_counts(raw: npt.NDArray[Any]) -> tuple[list[int], list[int]]:
    """The different values of a map, ascending, and how many pixels have each."""
    if raw.size and int(raw.min()) >= 0 and int(raw.max()) <= LARGEST_RAW:
        all_counts = np.bincount(raw.ravel())  # twelve times as fast as sorting for np.unique
        values = np.flatnonzero(all_counts)
        return values.tolist(), all_counts[values].tolist()
    values, counts = np.unique(raw, return_counts=True)
    return values.tolist(), counts.tolist()


def packed_colors(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Colours (H, W, 3) as 0xRRGGBB, (H, W); nothing larger than the result is made on the way."""
    packed = pixels[..., 0].astype(np.int32)
    for channel in (1, 2):
        packed <<= 8
        packed |= pixels[..., channel]
    return packed


def _packed(color: Color) -> int:
    return (color[0] << 16) | (color[1] << 8) | color[2]


def _listed(what: str, found: list[tuple[Any, int]], count: int) -> str:
    """The first of `count` values with their pixels."""
    shown = found[:_MOST_LISTED]
    parts = [f"{what} {value} ({pixels} pixel{'s' if pixels > 1 else ''})" for value, pixels in shown]
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    return ", ".join(parts) + more + (" is" if count == 1 else " are")
