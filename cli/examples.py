"""The example that ends every command's help, from the section `Example:` of its docstring."""

import inspect
from collections.abc import Callable

import typer

_SECTION = "\n\nExample:\n"


def add_command(app: typer.Typer, command: Callable[..., None], name: str | None = None) -> None:
    """Adds a command to an app, its help ending with what to type.

    Args:
        app: where to.
        command: its docstring has a section `Example:`, a command line a line.
        name: where Python does not allow it as a function's.
    """
    text, _, examples = (inspect.getdoc(command) or "").partition(_SECTION)
    lines = ["Example:", *map(str.strip, examples.strip().splitlines())]
    epilog = "\n\n".join(lines) if examples else None  # paragraphs: older Typers join the lines of one
    app.command(name, help=text, epilog=epilog)(command)
