"""`ccfpse loss-network`: makes ready the network whose features the perceptual loss compares."""

from pathlib import Path
from typing import Annotated

import typer

from .console import errors_as_messages, progress, say


def loss_network(
    params: Annotated[Path, typer.Option(help="Settings file.")] = Path("params.yaml"),
    data: Annotated[
        Path | None, typer.Option(help="Prepared store; without it, paths.prepared.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write; without it, paths.loss_network.", show_default=False),
    ] = None,
) -> None:
    """Make ready the network whose features the perceptual loss compares.

    Example:
        ccfpse loss-network --data prepared/ --out loss_network/
    """
    with errors_as_messages():
        from ccfpse.config import load_settings
        from ccfpse.device import pick_device
        from ccfpse.loss_network import prepare_loss_network
        from ccfpse.prepared import open_store

        settings = load_settings(params)
        folder = out or Path(settings.paths.loss_network)
        store = open_store(data or Path(settings.paths.prepared))
        with progress("loss network") as update:
            record = prepare_loss_network(
                store, settings.loss_network, folder, pick_device(settings.runtime.device), update
            )
        say(f"{folder}: {record['name']}")
