"""Reads class tables: those that ship with the package, and your own in YAML."""

import colorsys
from collections import Counter
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from ccfpse.errors import SettingsError
from ccfpse.labelspace import (
    LARGEST_RAW,
    MOST_CLASSES,
    ClassTable,
    Color,
    LabelClass,
    check_class_name,
    parse_color,
)
from ccfpse.opening import read_regular
from ccfpse.strict import shorten, shown
from ccfpse.yamltext import parse_yaml


def load_class_table(name: str) -> ClassTable:
    """The table that ships for a data set: cityscapes, coco-stuff, ade20k or camvid."""
    file = resources.files("ccfpse").joinpath("tables", f"{name.replace('-', '_')}.tsv")
    lines = file.read_text("utf-8").splitlines()
    header = lines[0].split("\t")
    rows = [dict(zip(header, line.split("\t"), strict=False)) for line in lines[1:]]
    raw_column = "png_value" if "png_value" in header else "id"
    # Cityscapes gives its void classes channels of their own; elsewhere void is don't care.
    void = [] if name == "cityscapes" else [r for r in rows if not _is_class(r, len(rows))]
    kept = [r for r in rows if r not in void]
    classes = tuple(
        LabelClass(
            name=row["name"],
            color=_tsv_color(row, i),
            # Licence plate: id -1, which an 8-bit label map holds as 255; published networks call it 34.
            raw=255 if row[raw_column] == "-1" else int(row[raw_column]),
            has_instances=row.get("has_instances") == "1",
            evaluated=row["train_id"] not in ("", "255", "-1"),
        )
        for i, row in enumerate(kept)
    )
    return ClassTable(
        name=name,
        classes=classes,
        has_dont_care=bool(void),
        dont_care_raw=tuple(int(r[raw_column]) for r in void),
        dont_care_colors=((0, 0, 0),) if void else (),
    )


def read_class_yaml(path: Path) -> ClassTable:
    """Your own class table: a YAML list, one entry a class, in the order of their channels.

    An entry has `name`, and `id` (value in id-coded label maps), `color` ([R, G, B] or "#rrggbb"),
    or both; `instances: true` where objects are told apart, `ignore: true` for don't care.

    Raises:
        SettingsError: unreadable, or an entry is refused; the sentence says which.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise SettingsError(
            f"{path}: the class table cannot be read ({error.strerror}); see data.custom.classes"
        ) from error
    return parse_class_yaml(content, path)


def parse_class_yaml(content: bytes, path: Path) -> ClassTable:
    """The same, of the bytes of the file `path`."""
    entries = parse_yaml(content, str(path))
    if not isinstance(entries, list) or not entries:
        raise SettingsError(
            f"{path}: must be a list with one entry a class, such as `- {{name: sky, id: 1}}`"
        )
    table = _table_of_entries(path, entries)
    _refuse_doubles(path, table)
    return table


def _table_of_entries(path: Path, entries: list[Any]) -> ClassTable:
    classes: list[LabelClass] = []
    dont_care_raw: list[int] = []
    dont_care_colors: list[Color] = []
    for number, entry in enumerate(entries, start=1):
        name, raw, color, flags = _entry(f"{path}: entry {number}", entry)
        if flags["ignore"]:
            dont_care_raw += [] if raw is None else [raw]
            dont_care_colors += [] if color is None else [color]
        else:
            classes.append(
                LabelClass(
                    name, color or made_up_color(len(classes)), raw, flags["instances"], evaluated=True
                )
            )
    if not 1 <= len(classes) <= MOST_CLASSES:
        raise SettingsError(f"{path}: has {len(classes)} classes; there must be 1 to {MOST_CLASSES}")
    has_dont_care = bool(dont_care_raw or dont_care_colors)
    return ClassTable(path.stem, tuple(classes), has_dont_care, tuple(dont_care_raw), tuple(dont_care_colors))


def _entry(where: str, entry: Any) -> tuple[str, int | None, Color | None, dict[str, bool]]:
    if not isinstance(entry, dict):
        raise SettingsError(f"{where} is {shown(entry)}; it must be a mapping such as {{name: sky, id: 1}}")
    unknown = sorted(map(str, set(entry) - {"name", "id", "color", "instances", "ignore"}))
    if unknown:
        key = shorten(unknown[0])
        raise SettingsError(f"{where}: {key} is not known; use name, id, color, instances, ignore")
    name, raw = entry.get("name"), entry.get("id")
    if not isinstance(name, str) or not name.strip():
        raise SettingsError(f"{where}: name is {shown(name)}; every class needs a name")
    try:
        check_class_name(name)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error
    if raw is not None and (type(raw) is not int or not 0 <= raw <= LARGEST_RAW):
        raise SettingsError(f"{where}: id is {shown(raw)}; it must be a whole number from 0 to {LARGEST_RAW}")
    if raw is None and entry.get("color") is None:
        raise SettingsError(f"{where}: {name} has neither id nor color; give at least one")
    try:
        color = None if entry.get("color") is None else parse_color(entry["color"])
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"{where}: color is {shown(entry['color'])}; it must be [R, G, B] from 0 to 255 or '#rrggbb'"
        ) from error
    flags = {key: entry.get(key, False) for key in ("instances", "ignore")}
    for key, flag in flags.items():
        if not isinstance(flag, bool):
            raise SettingsError(f"{where}: {key} is {shown(flag)}; it must be true or false")
    return name, raw, color, flags


def _refuse_doubles(path: Path, table: ClassTable) -> None:
    raws = [c.raw for c in table.classes if c.raw is not None] + list(table.dont_care_raw)
    for what, values in (("id", raws), ("name", [c.name for c in table.classes])):
        double, times = Counter(values).most_common(1)[0] if values else (None, 1)
        if times > 1:
            raise SettingsError(f"{path}: {what} {double!r} is given twice; every class needs its own")


def _is_class(row: Mapping[str, str], n_rows: int) -> bool:
    return row["train_id"].isdigit() and int(row["train_id"]) < n_rows - 1


def _tsv_color(row: Mapping[str, str], index: int) -> Color:
    return (int(row["r"]), int(row["g"]), int(row["b"])) if row["r"] else made_up_color(index)


def made_up_color(index: int) -> Color:
    """A colour for a class without one: hues a golden section apart, in three brightnesses."""
    r, g, b = colorsys.hsv_to_rgb(index * 0.618034 % 1, 0.65, (0.95, 0.75, 0.55)[index % 3])
    return round(255 * r), round(255 * g), round(255 * b)
