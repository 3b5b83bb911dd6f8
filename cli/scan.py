"""`ccfpse scan`."""

from pathlib import Path
from typing import Annotated

import typer

from .console import errors_as_messages, say


def scan(
    params: Annotated[Path, typer.Option(help="Settings file.")] = Path("params.yaml"),
    code: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a checksum of the code of every stage; in the pipeline of `ccfpse init`.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the raw files with sizes and times, so that DVC sees when they change.

    Example:
        ccfpse scan
    """
    from ccfpse.config import load_settings

    with errors_as_messages():
        settings = load_settings(params)
        from ccfpse.preparing.rawlist import write_raw_list

        if code is not None:
            from ccfpse.projects.stages import write_checksums

            write_checksums(code)
        count = write_raw_list(settings.data, Path(settings.paths.raw_list))
        found = f"{count} raw files" if count else "no raw files; `ccfpse prepare` draws the scenes"
        say(f"{settings.paths.raw_list}: {found}")
