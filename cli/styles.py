"""`ccfpse styles`: what a model's styles do to layouts, in one picture."""

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .console import advise, errors_as_messages, progress, say
from .settled import trained_model


def styles(
    labels: options.Layouts,
    out: Annotated[Path, typer.Argument(help="PNG file for the picture.", show_default=False)],
    model: options.TrainedModel = None,
    instances: options.Instances = None,
    layouts: Annotated[int, typer.Option(min=1, max=100, help="Rows, evenly spaced over the layouts.")] = 4,
    seeds: Annotated[int, typer.Option(min=0, max=100, help="Styles of the prior: seeds 0, 1, …")] = 4,
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="One more column, any number of times: own (prepared store only), the path of a photo or of "
            "a vector (.npy).",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=0, max=100, help="Styles between every two that follow each other in --style.")
    ] = 3,
    classes: options.Classes = None,
    coding: options.Coding = "auto",
    precision: options.Precision = "float32",
    params: Annotated[
        Path | None,
        typer.Option(help="Settings whose runtime says the device, with --model.", show_default=False),
    ] = None,
    device: options.SettledDevice = None,
) -> None:
    """Draw layouts x styles as one picture, and say how different a layout's photos are.

    Example:
        ccfpse styles layouts/ styles.png --model model.safetensors
    """
    with errors_as_messages():
        import ccfpse
        from ccfpse.classfiles import read_class_yaml
        from ccfpse.config import load_settings
        from ccfpse.evaluation.picture import evenly_spaced
        from ccfpse.layoutfiles import LayoutFile, find_layouts
        from ccfpse.outputlock import output_lock
        from ccfpse.stylegrid import check_out, make_grid, measure, style_columns

        lpips = None
        if model is None or params is not None:
            settings = load_settings(params or Path("params.yaml"))
            model = model or trained_model(settings)
            device = device or settings.runtime.device
            lpips = settings.evaluate.lpips
        table = None if classes is None else read_class_yaml(classes)
        network = ccfpse.load(model, device=device or "auto", precision=precision)
        found = find_layouts(labels, instances, network, table, coding)
        maps = [layout.instances for layout in found if isinstance(layout, LayoutFile) and layout.instances]
        check_out(out, [*(layout.origin for layout in found), *maps, *map(Path, style or [])])
        columns = style_columns(network, style or [], seeds=seeds, steps=steps)
        rows = [found[i] for i in evenly_spaced(len(found), layouts)]
        advise(str(network.device))
        with output_lock(out), progress("synthesizing") as update:
            photos = make_grid(network, rows, columns, out, update)
        say(f"{out}: {len(rows)} layouts in {len(columns)} styles")
        diversity = measure(network, columns, photos, lpips)
        if diversity is None:
            say("how different a layout's photos are needs two styles of the prior: --seeds 2")
            return
        say(
            f"standard deviation between a layout's {diversity.styles} photos in styles of the prior: "
            f"{diversity.deviation:.2f} of 255 levels, mean over the pixels of {diversity.layouts} layouts"
        )
        if diversity.lpips is None:
            say(f"LPIPS between them: not measured ({diversity.no_lpips})")
        else:
            say(f"LPIPS between them: {diversity.lpips:.3f}, the mean over pairs and layouts")
