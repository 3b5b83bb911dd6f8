"""The text of a project's files: settings and class table as YAML with comments."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from ccfpse.labelspace import ClassTable, Color
from ccfpse.projects.choices import Reasoned

_LINE = re.compile(r"(?P<indent> *)(?P<key>[a-z_]+):(?P<value>[^#]*)(?P<comment>#.*)?\n")
_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*")
_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n", ".", ".inf", ".nan")


def with_values(text: str, values: Mapping[str, Reasoned]) -> str:
    """A settings file in which some values are others, each with its reason in a line above it.

    Args:
        text: of a preset: block style, a key a line.
        values: by dotted key.

    Raises:
        KeyError: the text has no such key.
    """
    wanted = dict(values)
    lines: list[str] = []
    path: list[str] = []
    replaced: int | None = None  # indent of a section that was replaced as a whole
    for line in text.splitlines(keepends=True):
        found = _LINE.fullmatch(line)
        if found is None:
            lines.append(line)
            continue
        depth = len(found["indent"]) // 2
        if replaced is not None and depth > replaced:
            continue
        replaced = None
        path[depth:] = [found["key"]]
        new = wanted.pop(".".join(path), None)
        if new is None:
            lines.append(line)
            continue
        if not found["value"].strip():
            replaced = depth
        lines += [f"{found['indent']}# {reason}\n" for reason in new.why.splitlines()]
        lines.append(f"{found['indent']}{found['key']}: {flow(new.value)}\n")
    if wanted:
        raise KeyError(f"not in this settings file: {', '.join(wanted)}")
    return "".join(lines)


def flow(value: Any) -> str:
    """A value as YAML in one line; texts of any kind come back as they were."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.casefold() not in _WORDS:
            return value
        quoted: str = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=10**9)
        return quoted.rstrip("\n")
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def class_text(table: ClassTable, head: list[str]) -> str:
    """A class table as a YAML list, don't care last.

    Args:
        table: the classes.
        head: lines of a comment.
    """
    lines = [f"# {line}\n" for line in head]
    for one in table.classes:
        entry: dict[str, Any] = {"name": one.name}
        if one.raw is not None:
            entry["id"] = one.raw
        entry["color"] = hexadecimal(one.color)
        if one.has_instances:
            entry["instances"] = True
        lines.append(f"- {flow(entry)}\n")
    raws, colors = list(table.dont_care_raw), list(table.dont_care_colors)
    for place in range(max(len(raws), len(colors))):
        name = "don't care" if place == 0 else f"don't care {place + 1}"
        entry = {"name": name}
        if place < len(raws):
            entry["id"] = raws[place]
        if place < len(colors):
            entry["color"] = hexadecimal(colors[place])
        lines.append(f"- {flow(entry | {'ignore': True})}\n")
    return "".join(lines)


def hexadecimal(color: Color) -> str:
    """A colour as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*color)
