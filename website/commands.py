"""Writes the page of commands from the commands themselves, whenever the site is built."""

import typing
from collections.abc import Iterator
from typing import Any, Literal

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from ccfpse_cli.main import app

PAGE = "reference/commands.md"
_HEAD = """# Commands

Everything that `ccfpse --help` and `ccfpse COMMAND --help` say. [In scripts](../scripts.md) has exit codes
and `--json`.

"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the page to the site (called by MkDocs)."""
    files.append(File.generated(config, PAGE, content=page()))
    return files


def page() -> str:
    """The page, in Markdown."""
    return _HEAD + "\n".join(_described(name, command) for name, command in walk(typer.main.get_command(app)))


def walk(command: Any, name: str = "ccfpse") -> Iterator[tuple[str, Any]]:
    """Every command below one, with the words that call it; groups before what is in them."""
    yield name, command
    for sub, one in getattr(command, "commands", {}).items():
        yield from walk(one, f"{name} {sub}")


def _described(name: str, command: Any) -> str:
    parts = [f"## {name}", command.help]
    if command.epilog:
        lines = [line for line in command.epilog.splitlines() if line][1:]
        parts.append("\n".join(["```bash", *lines, "```"]))
    kinds = typing.get_type_hints(command.callback) if command.callback else {}
    rows = [_row(one, kinds.get(one.name)) for one in command.params if one.name != "help"]
    if rows:
        parts.append("\n".join(["| | | default |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(parts) + "\n"


def _row(parameter: Any, kind: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    names = [parameter.name.upper()] if is_argument else [*parameter.opts, *parameter.secondary_opts]
    shown = ", ".join(f"`{name}`" for name in names)
    meaning = getattr(parameter, "help", None) or ""
    text = _escaped(meaning)
    if typing.get_origin(kind) is Literal:
        text += f" One of {', '.join(f'`{choice}`' for choice in typing.get_args(kind))}."
    return f"| {shown} | {text} | {_default(parameter)} |"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if value is None or callable(value) or value == () or value is False:
        return ""
    return f"`{value}`"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*").replace("<", "&lt;")
