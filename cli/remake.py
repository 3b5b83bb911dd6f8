"""`ccfpse remake`: a photo again, from the recipe in its file."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .completion import complete_device
from .console import errors_as_messages, progress, say
from .settled import trained_model

NOT_THE_SAME = 4
"""Exit code where the photo was made again and its pixels differ."""


def remake(
    picture: Annotated[Path, typer.Argument(help="PNG that ccfpse synthesized.", show_default=False)],
    model: options.TrainedModel = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Its label map, a folder of them, or a prepared store; without it, that of params.yaml."
        ),
    ] = None,
    instances: Annotated[
        Path | None, typer.Option(help="Its instance map, or a folder of them.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG file for the photo; without it, it is compared only.")
    ] = None,
    classes: options.Classes = None,
    coding: options.Coding = "auto",
    params: Annotated[Path, typer.Option(help="Settings that say where the model and the store are.")] = Path(
        "params.yaml"
    ),
    device: Annotated[
        str | None,
        typer.Option(
            help="auto, cpu, cuda, cuda:1 or mps; without it, that of the recipe if there is one.",
            autocompletion=complete_device,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there with --out.")
    ] = False,
) -> None:
    """Make a synthesized photo again, and say whether it is the same.

    Exit code 0: the pixels are the same; 4: they differ.

    Example:
        ccfpse remake photos/good.png --model model.safetensors --labels layouts/
    """
    with errors_as_messages(), contextlib.ExitStack() as held:
        import ccfpse
        from ccfpse.classfiles import read_class_yaml
        from ccfpse.config import load_settings
        from ccfpse.files import read_bytes, replacing
        from ccfpse.layoutfiles import find_layouts
        from ccfpse.outputlock import output_lock
        from ccfpse.recipe import read_recipe
        from ccfpse.remaking import check_model, check_out, device_for, find_layout
        from ccfpse.remaking import remake as make_again

        if out is not None:
            held.enter_context(output_lock(out))
            check_out(out, overwrite)
        if model is None or labels is None:
            settings = load_settings(params)
            model = model or trained_model(settings)
            labels = labels or Path(settings.paths.prepared)
        given = read_bytes(picture)
        recipe = read_recipe(given, str(picture))
        check_model(model, recipe, str(picture))
        network = ccfpse.load(model, device=device or device_for(recipe), precision=recipe.precision)
        table = None if classes is None else read_class_yaml(classes)
        layouts = find_layouts(labels, instances, network, table, coding)
        with progress("looking at layouts") as update:
            layout = find_layout(layouts, recipe, network, labels, update)
        remade = make_again(given, str(picture), recipe, network, *layout)
        if out is not None:
            with replacing(out) as temporary:
                temporary.write_bytes(remade.content)
        say(f"{picture}: {remade.told}")
        for difference in remade.differences:
            say(f"  {difference}")
        if not remade.same_pixels:
            raise typer.Exit(NOT_THE_SAME)
