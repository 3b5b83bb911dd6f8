"""`ccfpse evaluate`: scores synthesized photos."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from .console import errors_as_messages, progress, say, warn

_COLUMNS = {"synthesized": None, "real photos": "real", "shuffled labels": "shuffled_labels"}


def evaluate(
    params: Annotated[Path, typer.Option(help="Settings file.")] = Path("params.yaml"),
    synthesized: Annotated[
        Path | None,
        typer.Option(help="Folder of photos; without it, paths.synthesized.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results; without it, paths.evaluation.", show_default=False),
    ] = None,
) -> None:
    """Score synthesized photos beside the real ones of the validation split."""
    with errors_as_messages():
        from ccfpse.config import load_settings
        from ccfpse.device import pick_device
        from ccfpse.evaluation.evaluate import PICTURES, Places
        from ccfpse.evaluation.evaluate import evaluate as run

        settings = load_settings(params)
        places = Places.of(settings)
        places = dataclasses.replace(
            places, synthesized=synthesized or places.synthesized, out=out or places.out
        )
        with progress("evaluate") as update:
            metrics = run(settings, places, pick_device(settings.runtime.device), update)
        _show(metrics)
        say(f"pictures: {places.out / PICTURES}")


def _show(metrics: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", *_COLUMNS, title=f"{metrics['photos']} photos, style {metrics['style']}")
    sections = [metrics if key is None else metrics[key] for key in _COLUMNS.values()]
    for name in ("miou", "accuracy"):
        table.add_row(name, *("-" if section is None else f"{section[name]:.3f}" for section in sections))
    table.add_section()
    for name in metrics["iou"]:
        table.add_row(
            f"IoU {name}",
            *("-" if section is None else f"{section['iou'][name]:.3f}" for section in sections),
        )
    console = Console()
    console.print(table)
    for name in ("fid", "frechet_judge_features", "ssim", "psnr"):
        if metrics.get(name) is not None:
            say(f"{name}: {metrics[name]:.3f}")
        elif f"{name}_missing" in metrics:
            warn(f"no {name}: {metrics[f'{name}_missing']}")
    for network in metrics["networks"]:
        say(f"{network['role']} network: {network['name']}")
    if metrics["style"] == "own":
        warn(
            "the style came from the real photos themselves: the figures are better than a layout alone gives"
        )
    if metrics["judge_too_weak"]:
        warn(
            f"the judge reaches mean IoU {metrics['real']['miou']:.3f} on real photos, below judge.floor "
            f"({metrics['judge_floor']}): it is too weak to rank models"
        )
