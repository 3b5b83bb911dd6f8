"""`ccfpse evaluate`: scores synthesized photos."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from .console import errors_as_messages, progress, say, say_table, warn

_COLUMNS = {"synthesized": None, "real photos": "real", "shuffled labels": "shuffled_labels"}


def evaluate(
    params: Annotated[Path, typer.Option(help="Settings file.")] = Path("params.yaml"),
    synthesized: Annotated[
        Path | None,
        typer.Option(
            help="Folder of other photos, of the same names; without it, paths.synthesized.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Model file that made the photos of --synthesized, as the section synthesize says.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the results; without it, paths.evaluation. Needed with --synthesized.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the results that are there, make none.")
    ] = False,
) -> None:
    """Score synthesized photos beside the real ones of the validation split."""
    with errors_as_messages():
        from ccfpse.config import load_settings
        from ccfpse.device import pick_device
        from ccfpse.errors import DataError, SettingsError
        from ccfpse.evaluation.evaluate import METRICS, PICTURES, Places
        from ccfpse.evaluation.evaluate import evaluate as run
        from ccfpse.files import read_json

        settings = load_settings(params)
        places = Places.of(settings)
        if model is not None and synthesized is None:
            raise SettingsError("--model goes with --synthesized: it says which model made those photos")
        if synthesized is not None:
            if out is None:
                raise SettingsError(
                    "--synthesized goes with --out, since results of other photos would replace "
                    f"those in {places.out}"
                )
            places = dataclasses.replace(places, synthesized=synthesized, model=model)
        places = dataclasses.replace(places, out=out or places.out)
        if show:
            metrics = read_json(places.out / METRICS, DataError, "`dvc repro` makes it")
        else:
            with progress("evaluate") as update:
                metrics = run(settings, places, pick_device(settings.runtime.device), update)
        _show(metrics)
        say(f"pictures: {places.out / PICTURES}")


def _show(metrics: dict[str, Any]) -> None:
    sections = [metrics if key is None else metrics[key] for key in _COLUMNS.values()]
    rows = [
        (name, *("-" if section is None else f"{section[name]:.3f}" for section in sections))
        for name in ("miou", "accuracy")
    ]
    rows += [
        (f"IoU {name}", *("-" if section is None else f"{section['iou'][name]:.3f}" for section in sections))
        for name in metrics["iou"]
    ]
    style = metrics["style"] or "not known"
    say_table(f"{metrics['photos']} photos, style {style}", ("", *_COLUMNS), rows)
    for name in ("fid", "frechet_judge_features", "ssim", "psnr"):
        if metrics.get(name) is not None:
            say(f"{name}: {metrics[name]:.3f}")
        elif f"{name}_missing" in metrics:
            warn(f"no {name}: {metrics[f'{name}_missing']}")
    for source in metrics["sources"]:
        say(f"{source['role']}: {source['name']}")
    if metrics["style"] == "own":
        warn(
            "the style came from the real photos themselves: the figures are better than a layout alone gives"
        )
    if metrics["judge_too_weak"]:
        warn(
            f"the judge reaches mean IoU {metrics['real']['miou']:.3f} on real photos, below "
            f"evaluate.judge_floor ({metrics['judge_floor']}): it is too weak to rank models"
        )
