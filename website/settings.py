"""Writes the page of settings from the records that check them, whenever the site is built."""

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from collections.abc import Iterator
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from ccfpse.config import Settings, plain, preset_text

PAGE = "reference/settings.md"
_PRESETS = ("sample", "cityscapes")
_HEAD = f"""# params.yaml

Every key of the settings file, what it means, and its value in two of the presets: `{_PRESETS[0]}`, the drawn
street scenes on a CPU, and `{_PRESETS[1]}`, the paper's. `ccfpse preset NAME` writes the whole file of one.
All keys have to be there; an unknown or missing one is an error that names it.

"""
_NAMES = {int: "whole number", float: "number", bool: "true or false", str: "text", types.NoneType: "null"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the page to the site (called by MkDocs)."""
    files.append(File.generated(config, PAGE, content=page()))
    return files


def page() -> str:
    """The page, in Markdown."""
    presets = {name: yaml.safe_load(preset_text(name)) for name in _PRESETS}
    return _HEAD + "\n".join(_section(path, record, presets) for path, record in sections())


def sections() -> Iterator[tuple[str, type]]:
    """Every record of the settings by its path, such as `data.custom`; outer ones first."""
    for name, kind in typing.get_type_hints(Settings).items():
        yield from _nested(name, kind)


def meanings(record: type) -> dict[str, str]:
    """What stands below each field of a record, as one line."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    assert isinstance(body, ast.ClassDef)
    found = {field.name: "" for field in dataclasses.fields(record)}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(below):
            found[field.target.id] = " ".join(below.value.value.split())  # type: ignore[attr-defined]
    return found


def _nested(path: str, kind: Any) -> Iterator[tuple[str, type]]:
    for one in typing.get_args(kind) or (kind,):
        if dataclasses.is_dataclass(one) and isinstance(one, type):
            yield path, one
            for name, inner in typing.get_type_hints(one).items():
                if typing.get_origin(inner) is not dict:
                    yield from _nested(f"{path}.{name}", inner)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _section(path: str, record: type, presets: dict[str, Any]) -> str:
    kinds, texts = typing.get_type_hints(record), meanings(record)
    rows = []
    for name, kind in kinds.items():
        values = " | ".join(_value(presets[preset], f"{path}.{name}") for preset in presets)
        rows.append(f"| `{name}` | {_cell(texts[name])} _({_kind(kind)})_ | {values} |")
    head = ["| key | | " + " | ".join(presets) + " |", "| --- " * (2 + len(presets)) + "|"]
    return f"## {path}\n\n{_about(record)}" + "\n".join([*head, *rows]) + "\n"


def _about(record: type) -> str:
    """The record's docstring after the key it is for."""
    text = " ".join((inspect.getdoc(record) or "").split()).partition("`")[2].partition("`")[2].lstrip(": .")
    return f"{text[:1].upper()}{text[1:]}\n\n" if text else ""


def _kind(kind: Any) -> str:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(part) for part in parts)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in parts)
    if origin is tuple:
        inner = _kind(parts[0])
        return f"list of {inner}s" if parts[-1] is Ellipsis else f"{len(parts)} {inner}s"
    if origin is dict:
        return "keys"
    return _NAMES.get(kind, "section below")


def _value(content: Any, path: str) -> str:
    for name in path.split("."):
        if not isinstance(content, dict) or name not in content:
            return ""
        content = content[name]
    if isinstance(content, dict):
        return ""
    text = (
        yaml.safe_dump(plain(content), default_flow_style=True, width=1000)
        .removesuffix("\n")
        .removesuffix("\n...")
    )
    return f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
