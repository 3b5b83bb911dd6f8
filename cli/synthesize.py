"""`ccfpse synthesize`: photos of label maps."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import typer

from . import options
from .completion import complete_style
from .console import AsJson, advise, errors_as_messages, progress, say, say_json, warn
from .settled import trained_model


def synthesize(
    labels: options.Layouts,
    out: Annotated[Path, typer.Argument(help="Folder for the photos.", show_default=False)],
    model: options.TrainedModel = None,
    instances: options.Instances = None,
    style: Annotated[
        list[str],
        typer.Option(
            help="prior, mean, own (prepared store only), the path of a photo, or of a vector (.npy); twice "
            "with --share: mean, photos or vectors.",
            autocompletion=complete_style,
        ),
    ] = ["prior"],  # noqa: B006 - Typer copies it
    share: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Of two styles, how far from the first to the second.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of the prior's styles.")] = 0,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Photos at a time; without it, runtime.inference_batch, or 8."),
    ] = None,
    precision: options.Precision = "float32",
    format: Annotated[Literal["png", "jpg", "webp"], typer.Option(help="Of the photos.")] = "png",
    size: Annotated[
        Literal["input", "model"], typer.Option(help="Of the photos: the label map's, or the model's.")
    ] = "input",
    classes: options.Classes = None,
    coding: options.Coding = "auto",
    params: Annotated[
        Path | None,
        typer.Option(help="Settings whose runtime says device and batch, with --model.", show_default=False),
    ] = None,
    device: options.SettledDevice = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out bad label maps; list them at the end, exit code 3.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace photos that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make photos of label maps.

    Example:
        ccfpse synthesize layouts/ photos/ --model model.safetensors
    """
    with errors_as_messages():
        import ccfpse
        from ccfpse.classfiles import read_class_yaml
        from ccfpse.config import load_settings
        from ccfpse.errors import SkippedFilesError
        from ccfpse.layoutfiles import find_layouts
        from ccfpse.styleoptions import read_style
        from ccfpse.synthesis import synthesize_files
        from ccfpse.synthesisplan import Output, listed

        if model is None or params is not None:
            settings = load_settings(params or Path("params.yaml"))
            model = model or trained_model(settings)
            device = device or settings.runtime.device
            batch = batch or settings.runtime.inference_batch
        table = None if classes is None else read_class_yaml(classes)
        network = ccfpse.load(model, device=device or "auto", precision=precision)
        advise(str(network.device))
        report = synthesize_files(
            network,
            find_layouts(labels, instances, network, table, coding),
            Output(folder=out, format=format, size=size, overwrite=overwrite),
            style=read_style(network, style, share),
            seed=seed,
            batch=batch or 8,
            skip_bad=skip_bad,
            progress=progress,
            warn=warn,
        )
        if as_json:
            say_json({"folder": str(out), **dataclasses.asdict(report)})
        else:
            say(f"{out}: {report}")
        if report.bad:
            raise SkippedFilesError(listed(report.bad, most=len(report.bad)))
