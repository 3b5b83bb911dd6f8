"""`ccfpse prepare`."""

from pathlib import Path
from typing import Annotated

import typer

from .completion import complete_preset
from .console import errors_as_messages, progress, say, warn


def prepare(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="cityscapes, coco-stuff, ade20k, camvid, custom or sample; otherwise that of params.yaml.",
            show_default=False,
            autocompletion=complete_preset,
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Raw data, a folder or archives; otherwise data.source.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; otherwise paths.prepared.")] = None,
    params: Annotated[
        Path | None,
        typer.Option(help="Settings file; otherwise params.yaml of this data set, or its preset."),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out files that cannot be used, and list them.")
    ] = False,
) -> None:
    """Make the prepared store of a data set. Interrupted, the same command goes on.

    Example:
        ccfpse prepare custom --source raw/ --out prepared/
    """
    from ccfpse.preparing.choice import choose_settings

    with errors_as_messages():
        settings, origin = choose_settings(dataset, params, source)
        say(f"settings of {settings.data.dataset} from {origin}, raw data in {settings.data.source}")
        from ccfpse.preparing import store

        report = store.prepare(
            settings.data,
            out or Path(settings.paths.prepared),
            skip_bad=skip_bad,
            workers=settings.runtime.workers,
            progress=progress,
        )
        for note in report.notes:
            warn(note)
        if report.skipped:
            count = len(report.skipped)
            head = f"{count} {'file was' if count == 1 else 'files were'} left out:"
            warn(head, *(file.problem for file in report.skipped))
        if report.continued:
            say(f"went on after {report.continued} samples that an earlier run had finished")
        counts = " and ".join(f"{count} for {split}" for split, count in report.counts.items())
        say(f"{report.path}: {counts}{', verified' if report.verified else ''}")
