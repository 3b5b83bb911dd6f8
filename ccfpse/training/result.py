"""A finished run's model file."""

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from ccfpse.config import plain
from ccfpse.modelfile import ModelFile, save_model, with_prefix
from ccfpse.prepared import PreparedStore
from ccfpse.training.trainer import Trainer


def write_model(
    path: Path,
    trainer: Trainer,
    store: PreparedStore,
    loss_network: dict[str, Any],
    extends: Sequence[dict[str, Any]],
) -> None:
    """Writes generator (the average, where there is one), encoder and discriminator with their story.

    Args:
        path: model file to write.
        trainer: after its last step.
        store: what it was trained on.
        loss_network: record of the network whose features the perceptual loss compared.
        extends: courses that the run had before its settings' own, see `runs.Start`.
    """
    settings = trainer.settings
    networks = {
        "generator": trainer.shown_generator,
        "encoder": trainer.networks.encoder,
        "discriminator": trainer.networks.discriminator,
    }
    weights = {
        entry: tensor
        for name, network in networks.items()
        if network is not None
        for entry, tensor in with_prefix(name, network.state_dict()).items()
    }
    save_model(
        path,
        ModelFile(
            settings={
                "model": plain(settings.model),
                "size": list(settings.data.size),
                "has_boundary": settings.data.instances,
            },
            class_table=store.class_table,
            provenance={
                "made_by": f"ccfpse {metadata.version('ccfpse')}",
                "torch": torch.__version__,
                "data": {"name": store.name, "checksum": store.checksum, "photos": len(store.split("train"))},
                "train": plain(settings.train),
                "loss_network": loss_network,
                "processes": trainer.processes.count,
                **({"extends": list(extends)} if extends else {}),
            },
            weights=weights,
        ),
    )
