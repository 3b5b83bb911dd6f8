"""`ccfpse judge`: trains the segmentation network that evaluation asks."""

from pathlib import Path
from typing import Annotated

import typer

from .console import errors_as_messages, progress, say, warn


def judge(
    params: Annotated[Path, typer.Option(help="Settings file.")] = Path("params.yaml"),
    data: Annotated[
        Path | None, typer.Option(help="Prepared store; without it, paths.prepared.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; without it, paths.judge.", show_default=False)
    ] = None,
) -> None:
    """Train the judge: a segmentation network of the real training photos.

    Example:
        ccfpse judge --data prepared/ --out judge/
    """
    with errors_as_messages():
        from ccfpse.config import load_settings
        from ccfpse.device import pick_device
        from ccfpse.judge import train_judge
        from ccfpse.prepared import open_store

        settings = load_settings(params)
        folder = out or Path(settings.paths.judge)
        store = open_store(data or Path(settings.paths.prepared))
        with progress("judge") as update:
            scores = train_judge(store, settings.judge, folder, pick_device(settings.runtime.device), update)
        say(f"{folder}: mean IoU {scores.miou:.3f}, accuracy {scores.accuracy:.3f} on real validation photos")
        floor = settings.evaluate.judge_floor
        if scores.miou < floor:
            warn(
                f"the judge's mean IoU on real photos is below evaluate.judge_floor ({floor}): it is too "
                "weak to rank models; more judge.steps or photos would help"
            )
