"""`ccfpse train`."""

import dataclasses
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .completion import complete_variant
from .console import AsJson, advise, errors_as_messages

if TYPE_CHECKING:
    from ccfpse.config import Settings


def train(
    params: Annotated[Path, typer.Option(help="Settings file.")] = Path("params.yaml"),
    data: Annotated[Path | None, typer.Option(help="Prepared store; otherwise paths.prepared.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; otherwise paths.training.")] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            help="One of compare.variants, trained as `ccfpse compare` does.",
            show_default=False,
            autocompletion=complete_variant,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Goes with --variant.", show_default=False)] = None,
    extend: Annotated[
        bool,
        typer.Option(
            "--extend",
            help="Go on from a run with other steps, decay_start or learning rates, though a run of these "
            "settings alone would have become another.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print settings, parameters and memory, and stop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a generator and a discriminator. Stopped or killed, the same command goes on.

    Example:
        ccfpse train --dry-run
        ccfpse train
    """
    from ccfpse.config import load_settings
    from ccfpse.errors import SettingsError
    from ccfpse.variants import cell_settings

    with errors_as_messages():
        settings = load_settings(params)
        if (variant is None) != (seed is None):
            raise SettingsError("--variant and --seed belong together: give both, or neither")
        if variant is not None and seed is not None:
            settings = cell_settings(settings, variant, seed)
        if as_json and not dry_run:
            raise SettingsError("--json goes with --dry-run; training itself writes its figures to files")
        store = data or Path(settings.paths.prepared)
        if dry_run:
            _describe(settings, store, as_json)
            return
        from ccfpse.errors import TrainingStopped
        from ccfpse.training.fit import fit
        from ccfpse.training.inputs import Places

        from .training_display import TrainingDisplay

        judge = Path(settings.paths.judge)
        places = Places(
            data=store,
            loss_network=Path(settings.paths.loss_network),
            # What judges the variants in the end has no part in their training, not even in its curves.
            judge=judge if judge.exists() and variant is None else None,
            out=out or _usual_out(settings, variant, seed),
        )
        advise(settings.runtime.device)
        try:
            fit(settings, places, TrainingDisplay(), extend)
        except TrainingStopped as stopped:
            raise TrainingStopped(f"{stopped}: {_command()}", stopped.exit_code) from stopped


def _command() -> str:
    """What was typed to get here."""
    if "DVC_STAGE" in os.environ:
        return "dvc repro"
    return shlex.join(["ccfpse" if "LOCAL_RANK" not in os.environ else "torchrun … ccfpse", *sys.argv[1:]])


def _usual_out(settings: "Settings", variant: str | None, seed: int | None) -> Path:
    from ccfpse.compare.grid import Cell

    if variant is None or seed is None:
        return Path(settings.paths.training)
    return Cell(variant, seed).folder(settings, "training")


def _describe(settings: "Settings", store: Path, as_json: bool) -> None:
    import yaml

    from ccfpse.prepared import open_store
    from ccfpse.training.estimate import estimate

    from .console import say, say_json, say_text

    advise(settings.runtime.device)
    found = estimate(settings, open_store(store).class_table)
    if as_json:
        say_json({"settings": settings.to_dict(), **dataclasses.asdict(found)})
        return
    say_text(yaml.safe_dump(settings.to_dict(), sort_keys=False, default_flow_style=None))
    for name, count in found.parameters.items():
        say(f"{name:14} {count / 1e6:9.2f} M parameters")
    say(f"{'steps':14} {settings.train.steps:9}")
    gib = 2**30
    total = found.state_bytes + found.activation_bytes
    say(
        f"{'memory':14} {total / gib:9.2f} GiB per process, estimated: "
        f"{found.state_bytes / gib:.2f} weights, gradients and Adam, "
        f"{found.activation_bytes / gib:.2f} kept for the generator's backward pass"
    )
    kept = settings.runtime.keep_checkpoints
    say(
        f"{'checkpoint':14} {found.checkpoint_bytes / gib:9.2f} GiB each, {kept} are kept; "
        "as much memory of the machine while one is written"
    )
