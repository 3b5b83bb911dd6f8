"""A finished run's model file."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ccfpse.config import plain
from ccfpse.modelfile import ModelFile, save_model, with_prefix
from ccfpse.prepared import PreparedStore
from ccfpse.training.trainer import Trainer


def write_model(
    path: Path,
    trainer: Trainer,
    store: PreparedStore,
    loss_network: dict[str, Any],
    story: Mapping[str, Any],
) -> None:
    """Writes generator (the average, where there is one), encoder and discriminator with their story.

    Args:
        path: model file to write.
        trainer: after its last step.
        store: what it was trained on.
        loss_network: record of the network whose features the perceptual loss compared.
        story: of the run: ``extends``, courses that it had before its settings' own, and ``machines`` that
            computed it, see `runs.Start`.
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
                "data": {"name": store.name, "checksum": store.checksum, "photos": len(store.split("train"))},
                "train": plain(settings.train),
                "loss_network": loss_network,
                **{name: told for name, told in story.items() if told},
            },
            weights=weights,
        ),
    )
