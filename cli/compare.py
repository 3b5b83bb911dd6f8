"""`ccfpse compare`: the grid of variants and seeds."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .completion import complete_preset
from .console import errors_as_messages, progress, say, say_text

_PIPELINE = Path("compare") / "dvc.yaml"


def compare(
    preset: Annotated[
        str | None,
        typer.Option(
            help="Write this preset's settings to params.yaml first.",
            show_default=False,
            autocompletion=complete_preset,
        ),
    ] = None,
    collect: Annotated[
        bool, typer.Option("--collect", help="Write the table of cells that are there; train none.")
    ] = False,
) -> None:
    """Train, evaluate and compare variants of the model. Stopped or killed, the same command goes on.

    Example:
        ccfpse compare
    """
    with errors_as_messages():
        from ccfpse.compare.collect import CHART, MARKDOWN, PICTURES
        from ccfpse.compare.collect import collect as write_table
        from ccfpse.config import load_preset, load_settings
        from ccfpse.errors import SettingsError
        from ccfpse.preset import write_preset
        from ccfpse.variants import cell_settings

        if collect:
            if preset is not None:
                raise SettingsError("--collect is of the cells that are there; leave out --preset")
            with progress("seconds per step") as update:
                write_table(load_settings(Path("params.yaml")), update)
            return
        settings = load_settings(Path("params.yaml")) if preset is None else load_preset(preset)
        if not _PIPELINE.is_file():
            raise SettingsError(
                f"{_PIPELINE}: is not here; run `ccfpse compare` in the project's folder, whose params.yaml "
                "says what is compared"
            )
        if preset is not None:
            write_preset(preset, Path("params.yaml"), force=False)
        for variant in settings.compare.run:
            cell_settings(settings, variant, 0)  # what is wrong is said here, not after hours
        _run_pipeline()
        folder = Path(settings.paths.compare) / "table"
        say_text((folder / MARKDOWN).read_text("utf-8"))
        say(f"pictures: {folder / PICTURES}, {folder / CHART}")


def _run_pipeline() -> None:
    """DVC keeps what is finished.

    Raises:
        typer.Exit: a stage failed, and has said why.
    """
    from dvc.cli import main as dvc  # type: ignore[import-untyped]

    # Stages name `ccfpse`, which may be installed where PATH does not look.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # In this process: whoever ends it ends DVC, and with it the training that DVC runs.
    code = dvc(["repro", str(_PIPELINE)])
    if code:
        raise typer.Exit(code)
