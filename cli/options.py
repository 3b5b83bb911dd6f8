"""Options that mean the same in several commands."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .completion import complete_device

Layouts = Annotated[
    Path, typer.Argument(help="Folder of label maps (nested), one label map, or a prepared store.")
]
TrainedModel = Annotated[
    Path | None, typer.Option(help="Model file; without it, the one that params.yaml trains.")
]
Instances = Annotated[
    Path | None,
    typer.Option(help="Folder of instance maps with the label maps' names.", show_default=False),
]
Classes = Annotated[
    Path | None, typer.Option(help="Class table (YAML) of the label maps, if not the model's.")
]
Coding = Annotated[Literal["auto", "ids", "colors"], typer.Option(help="How label maps say their class.")]
Precision = Annotated[Literal["float32", "bf16"], typer.Option(help="Of the computation.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.", autocompletion=complete_device)]
SettledDevice = Annotated[
    str | None,
    typer.Option(
        help="auto, cpu, cuda, cuda:1 or mps; without it, runtime.device, or auto.",
        autocompletion=complete_device,
    ),
]
