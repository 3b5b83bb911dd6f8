"""`ccfpse shrink`: a small model file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import options
from .console import errors_as_messages, progress, say, say_table

if TYPE_CHECKING:
    from ccfpse.shrinking import Change, Sizes

_NOT_MEASURED = "what this does to the photos was not measured; --params or --judge and --store say with what"


def shrink(
    model: Annotated[Path, typer.Argument(help="Model file.")],
    out: Annotated[Path, typer.Argument(help="Small model file to write.")],
    weights: Annotated[
        Literal["bf16", "int8", "float32"],
        typer.Option(
            help="bf16: half the size; int8: a quarter, with a scale for every output channel; float32: only "
            "the discriminator is left out."
        ),
    ] = "bf16",
    judge: Annotated[
        Path | None,
        typer.Option(help="Judge that measures the change; or --params names it.", show_default=False),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Prepared store with the layouts; or --params names it.", show_default=False),
    ] = None,
    params: Annotated[
        Path | None,
        typer.Option(help="Settings that name judge and store.", show_default=False),
    ] = None,
    device: options.Device = "auto",
) -> None:
    """Write a model file with generator and encoder alone, in fewer bits, and measure the change.

    Example:
        ccfpse shrink model.safetensors small.safetensors --weights int8
    """
    with errors_as_messages():
        from ccfpse.config import load_settings
        from ccfpse.device import pick_device
        from ccfpse.errors import SettingsError
        from ccfpse.judge import load_judge
        from ccfpse.prepared import open_store
        from ccfpse.shrinking import check_measurable, measure
        from ccfpse.shrinking import shrink as write

        if params is not None:
            paths = load_settings(params).paths
            judge, store = judge or Path(paths.judge), store or Path(paths.prepared)
        if judge is None and store is None:
            _say(model, out, weights, write(model, out, weights), None)
            return
        if judge is None or store is None:
            given, missing = ("--store", "--judge") if judge is None else ("--judge", "--store")
            raise SettingsError(f"{given} measures nothing without {missing}; give both, or --params")
        reader, opened = load_judge(judge, pick_device(device)), open_store(store)
        check_measurable(model, reader, opened, store)
        sizes = write(model, out, weights)
        with progress("comparing photos") as update:
            change = measure(model, out, reader, opened, store, device, update)
        _say(model, out, weights, sizes, change)


def _say(model: Path, out: Path, weights: str, sizes: "Sizes", change: "Change | None") -> None:
    before, after = ("-", "-") if change is None else (f"{s.miou:.4f}" for s in (change.before, change.after))
    rows = [
        (str(model), f"{sizes.given / 1e6:.1f}", "", before),
        ("its generator and encoder, float32", f"{sizes.networks / 1e6:.1f}", "100%", before),
        (f"{out}, {weights}", f"{sizes.written / 1e6:.1f}", f"{sizes.written / sizes.networks:.0%}", after),
    ]
    say_table("Small model file", ("file", "MB", "size", "mean IoU by the judge"), rows)
    if change is None:
        say(_NOT_MEASURED)
    else:
        say(
            f"{change.photos} validation layouts: mean IoU {_signed(change)}; "
            f"pixels differ by {change.mean:.2f} of 255 on average, by {change.largest} at most"
        )


def _signed(change: "Change") -> str:
    return f"{round(change.after.miou - change.before.miou, 4) + 0.0:+.4f}"  # never -0.0000
