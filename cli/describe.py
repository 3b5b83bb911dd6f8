"""`ccfpse describe`: what the networks cost."""

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .completion import complete_preset
from .console import AsJson, errors_as_messages, progress, say, say_json, say_table

if TYPE_CHECKING:
    from ccfpse.complexity import Complexity

_HEADER = (
    "network",
    "parameters, M",
    "weights, MB",
    "GFLOP",
    "multiplications, G",
    "on the fast path, G",
    "kept in training, MB",
)


def describe(
    params: Annotated[Path, typer.Option(help="Settings file.")] = Path("params.yaml"),
    preset: Annotated[
        str | None,
        typer.Option(
            help="Settings of a preset instead of a file's.",
            show_default=False,
            autocompletion=complete_preset,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Height x width of the photo, as 256x512; otherwise data.size.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the networks: parameters, multiplications and memory for one photo.

    Example:
        ccfpse describe --size 256x512
    """
    with errors_as_messages():
        from ccfpse.complexity import Networks, unused_published_parameters
        from ccfpse.config import load_preset, load_settings
        from ccfpse.datasets import class_table
        from ccfpse.errors import SettingsError

        settings = load_settings(params) if preset is None else load_preset(preset)
        height, width = settings.data.size if size is None else _parsed(size)
        n_layout = class_table(settings.data).n_labels + settings.data.instances
        try:
            with progress("counting") as update:
                rows = Networks(settings.model, n_layout, (height, width)).complexities(update)
        except ValueError as error:
            raise SettingsError(str(error)) from error
        unused = unused_published_parameters(settings.model.width)
        millions = unused / 1e6
        if as_json:
            say_json(
                {
                    "settings": preset or str(params),
                    "size": [height, width],
                    "layout_channels": n_layout,
                    "networks": [dataclasses.asdict(row) for row in rows],
                    "unused_published_parameters": unused,
                }
            )
            return
        title = f"{preset or params}: one photo of {height}x{width}, layouts of {n_layout} channels"
        say_table(title, _HEADER, [_cells(row) for row in rows])
        say(
            "GFLOP: multiply-adds of one forward pass counted twice, depthwise products left out. Fast path: "
            "what compiled kernels multiply, Winograd tiles and layouts looked up. Kept in training: for the "
            f"backward pass of one photo, float32, in PyTorch. Published CC-FPSE files hold {millions:.2f} M "
            "parameters more, of batch norms that nothing uses."
        )


def _parsed(size: str) -> tuple[int, int]:
    from ccfpse.errors import SettingsError

    sides = size.lower().split("x")
    if len(sides) != 2 or not all(re.fullmatch("[1-9][0-9]{0,4}", side) for side in sides):
        raise SettingsError(f"--size is {size}; it must be height x width, such as 256x512")
    return int(sides[0]), int(sides[1])


def _cells(row: "Complexity") -> tuple[str, ...]:
    def shown(value: float | None, unit: float, digits: int) -> str:
        return "-" if value is None else f"{value / unit:,.{digits}f}"

    return (
        row.name,
        shown(row.parameters, 1e6, 2),
        shown(row.parameters * 4, 2**20, 0),
        shown(row.flop, 1e9, 1),
        shown(row.flop / 2, 1e9, 1),
        shown(row.fast_multiplications, 1e9, 1),
        shown(row.kept_bytes, 2**20, 0),
    )
