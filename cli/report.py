"""`ccfpse report`: one page of an evaluation."""

from pathlib import Path
from typing import Annotated

import typer

from .console import errors_as_messages, say


def report(
    evaluation: Annotated[
        list[str] | None,
        typer.Argument(
            help="Folders that `ccfpse evaluate` wrote, or NAME=FOLDER; others are compared with the first. "
            "Without any, paths.evaluation.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write; without it, index.html in paths.report, or for the grid in "
            "paths.compare/report. Needed with folders.",
            show_default=False,
        ),
    ] = None,
    params: Annotated[Path, typer.Option(help="Settings file; not read with folders.")] = Path("params.yaml"),
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder of another evaluation, or NAME=FOLDER, beside the pipeline's own; as often as there "
            "are others. Needs --out.",
            show_default=False,
        ),
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="The evaluations of `ccfpse compare`, and its table.")
    ] = False,
) -> None:
    """Write one page of an evaluation, and of how other runs differ from it.

    Example:
        ccfpse report ours=evaluation/ theirs=other/ --out page.html
    """
    with errors_as_messages():
        from ccfpse.errors import SettingsError
        from ccfpse.report.reports import report_folders, report_grid, report_pipeline

        if (evaluation or beside) and grid:
            raise SettingsError("--grid has evaluations of its own; name no folders with it")
        if evaluation and beside:
            raise SettingsError("--beside is for the pipeline's own page; name all folders or none")
        if (evaluation or beside) and out is None:
            raise SettingsError(
                "folders go with --out, since a page of theirs would replace the pipeline's; name a file"
            )
        if evaluation and out is not None:
            report_folders(evaluation, out)
            path = out
        else:
            from ccfpse.config import load_settings

            settings = load_settings(params)
            path = report_grid(settings, out) if grid else report_pipeline(settings, out, beside or ())
        say(f"report: {path}")
