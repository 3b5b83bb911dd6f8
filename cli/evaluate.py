"""`ccfpse evaluate`: scores synthesized photos."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from .console import AsJson, errors_as_messages, progress, say, say_json, say_table, warn

_NAMES = {
    "miou": "mIoU",
    "accuracy": "accuracy",
    "accuracy_void_counted": "accuracy, void counted",
    "boundary_agreement": "boundary agreement",
    "instance_separation": "instance separation",
}
_ALONE = (
    "fid",
    "fid_clean_resize",
    "kid",
    "kid_subset_deviation",
    "frechet_judge_features",
    "lpips_diversity",
    "ssim",
    "psnr",
)


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
    trust_program: Annotated[
        bool,
        typer.Option(
            "--trust-program",
            help="Run the code in evaluate.segmenter where that is an exported program; only for files of "
            "people you trust.",
        ),
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the results that are there, make none.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score synthesized photos beside the real ones of the validation split.

    Example:
        ccfpse evaluate
        ccfpse evaluate --show --json
    """
    with errors_as_messages():
        from ccfpse.config import load_settings
        from ccfpse.device import pick_device
        from ccfpse.errors import DataError, ModelFileError, SettingsError
        from ccfpse.evaluation.evaluate import METRICS
        from ccfpse.evaluation.evaluate import evaluate as run
        from ccfpse.evaluation.inputs import Places
        from ccfpse.evaluation.outputs import EXTREMES, PICTURES
        from ccfpse.files import read_json
        from ccfpse.outputlock import recover
        from ccfpse.report.evaluation import read_evaluation

        settings = load_settings(params)
        places = Places.of(settings)
        if model is not None and synthesized is None:
            raise SettingsError("--model goes with --synthesized: it says which model made those photos")
        if model is not None and not model.is_file():
            raise ModelFileError(f"{model}: is not there; --model names the file that made the photos")
        if synthesized is not None:
            if out is None:
                raise SettingsError(
                    "--synthesized goes with --out, since results of other photos would replace "
                    f"those in {places.out}"
                )
            places = dataclasses.replace(places, synthesized=synthesized, model=model)
        places = dataclasses.replace(places, out=out or places.out)
        if show:
            recover(places.out)
            metrics = read_json(places.out / METRICS, DataError, "`dvc repro` makes it")
            if not isinstance(metrics, dict) or "style_of_the_photos_themselves" not in metrics:
                raise DataError(f"{places.out / METRICS}: is of another version; run `ccfpse evaluate` again")
            read_evaluation(places.out)  # says what is wrong with it, if something is
            try:
                _answer(metrics, as_json)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise DataError(
                    f"{places.out / METRICS}: is not as this version writes it ({error!r}); "
                    "run `ccfpse evaluate` again"
                ) from error
        else:
            with progress("evaluate") as update:
                device = pick_device(settings.runtime.device)
                metrics = run(settings, places, device, update, trust_program=trust_program)
            _answer(metrics, as_json)
        if not as_json:
            say(f"pictures: {places.out / PICTURES}, {places.out / EXTREMES}")


def _answer(metrics: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(metrics)
    else:
        _show(metrics)


def _show(metrics: dict[str, Any]) -> None:
    if metrics["style_of_the_photos_themselves"]:
        warn(
            "the style came from the real photos themselves: the figures are better than a layout alone gives"
        )
    others = [metrics["real"], metrics["shuffled_labels"]]
    intervals = metrics["intervals"]
    rows = [
        (shown, _figure(metrics, name), _interval(intervals.get(name)), *(_figure(s, name) for s in others))
        for name, shown in _NAMES.items()
    ]
    rows += [
        (f"IoU {name}", f"{iou:.3f}", "", *(_figure(s and s["iou"], name) for s in others))
        for name, iou in metrics["iou"].items()
    ]
    style = metrics["style"] or "not known"
    title = f"{metrics['photos']} photos, {metrics['width']}x{metrics['height']}, style {style}"
    header = ("", "synthesized", "95 % interval", "real", "shuffled")
    say_table(f"{title}; protocol {metrics['protocol']}", header, rows)
    for name in _ALONE:
        if metrics.get(name) is not None:
            interval = intervals.get(name)
            shown = "" if interval is None else f" ({interval['low']:.4g} to {interval['high']:.4g})"
            say(f"{name}: {metrics[name]:.4g}{shown}")
    missing = {name: metrics[f"{name}_missing"] for name in _ALONE if f"{name}_missing" in metrics}
    for reason in dict.fromkeys(missing.values()):
        warn(f"no {', '.join(name for name in missing if missing[name] == reason)}: {reason}")
    for source in metrics["sources"]:
        say(f"{source['role']}: {source['name']}")
        unknown = source.get("classes_the_network_has_not")
        if unknown:
            warn(
                f"{source['name']} does not know {len(unknown)} of the evaluated classes, which are left out "
                f"of its scores as void is: {', '.join(unknown[:5])}{', ...' if len(unknown) > 5 else ''}"
            )
    if metrics["judge_too_weak"]:
        real = metrics.get("judge", metrics)["real"]
        warn(
            f"the judge reaches mean IoU {real['miou']:.3f} on real photos, below "
            f"evaluate.judge_floor ({metrics['judge_floor']}): it is too weak to rank models"
        )


def _figure(section: dict[str, Any] | None, name: str) -> str:
    return "-" if section is None or section.get(name) is None else f"{section[name]:.3f}"


def _interval(interval: dict[str, float] | None) -> str:
    return "" if interval is None else f"{interval['low']:.3f} to {interval['high']:.3f}"
