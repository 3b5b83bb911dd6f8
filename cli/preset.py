"""`ccfpse preset`: writes the settings file of a data set."""

from pathlib import Path
from typing import Annotated

import typer

from .completion import complete_preset
from .console import errors_as_messages, say


def preset(
    name: Annotated[
        str,
        typer.Argument(
            help="cityscapes, coco-stuff, ade20k, camvid, custom or sample.",
            show_default=False,
            autocompletion=complete_preset,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Settings file to write.")] = Path("params.yaml"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file with edits of your own; a copy is kept.")
    ] = False,
) -> None:
    """Write the settings file of a data set.

    Example:
        ccfpse preset cityscapes
    """
    from ccfpse.preset import write_preset

    with errors_as_messages():
        copy = write_preset(name, out, force=force)
        if copy is not None:
            say(f"kept your edits as {copy}")
        say(f"wrote {out}")
