"""Published class tables, recognised by evidence that other labels do not give by chance."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from ccfpse.classfiles import load_class_table
from ccfpse.labelspace import ClassTable, Color

TITLES = {
    "cityscapes": "Cityscapes",
    "coco-stuff": "COCO-Stuff",
    "ade20k": "ADE20K",
    "camvid": "CamVid",
    "facades": "the CMP Facade Database",
}
"""Published tables by the names of their files."""
_FEWEST = 5
"""Colours that must be a table's own; two or three may be so by chance."""
_SHARE = 0.9
"""Of the files must have a data set's names."""

_FILE_NAMES = {
    "coco-stuff": re.compile(r"0{6}\d{6}"),
    "ade20k": re.compile(r"ADE_(train|val)_\d{8}"),
    "camvid": re.compile(r"(0001TP|0006R0|0016E5|Seq05VD)_f?\d+(_L)?"),
    "facades": re.compile(r"cmp_[bx]\d{4}"),
}


def by_palette(palette: Mapping[int, Color]) -> tuple[ClassTable, str] | None:
    """The table in which every value has the colour that palette pictures give it, and why it is the one."""
    for name in TITLES:
        table = load_class_table(name)
        colors = {c.raw: c.color for c in table.classes} | dict.fromkeys(table.dont_care_raw, (0, 0, 0))
        if len(set(palette.values())) >= _FEWEST and all(colors.get(v) == c for v, c in palette.items()):
            return table, f"all {len(palette)} values have its colours in the palettes"
    return None


def by_colors(found: Collection[Color]) -> tuple[ClassTable, str] | None:
    """The table that has all these colours, and why it is the one."""
    for name in TITLES:
        table = load_class_table(name)
        known = {c.color for c in table.classes} | set(table.dont_care_colors)
        if len(set(found) - {(0, 0, 0)}) >= _FEWEST and set(found) <= known:
            return table, f"all {len(found)} colours are in its table"
    return None


def by_names(values: Collection[int], names: Iterable[str]) -> tuple[ClassTable, str] | None:
    """The table of the data set whose files have such names, if it has all the values; and why it is the one.

    Values alone prove nothing: 0 to 11 may be anybody's.
    """
    stems = [PurePosixPath(name).stem for name in names]
    for name, pattern in _FILE_NAMES.items():
        fitting = sum(pattern.fullmatch(stem) is not None for stem in stems)
        table = load_class_table(name)
        known = {c.raw for c in table.classes} | set(table.dont_care_raw)
        if stems and fitting >= _SHARE * len(stems) and set(values) <= known:
            return table, f"the files are named as its are, and all {len(values)} values are in its table"
    return None
