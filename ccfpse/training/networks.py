"""The networks of a run, from its settings."""

import dataclasses

import torch

from ccfpse.config import Settings
from ccfpse.labelspace import ClassTable
from ccfpse.modelfile import make_discriminator, make_encoder, make_generator
from ccfpse.models import Discriminator, Generator, StyleEncoder, initialise


@dataclasses.dataclass(frozen=True)
class Untrained:
    """Generator, discriminator and, where the settings ask for a style, encoder."""

    generator: Generator
    discriminator: Discriminator
    encoder: StyleEncoder | None

    def named(self) -> dict[str, torch.nn.Module]:
        """The networks there are, by name."""
        found = {"generator": self.generator, "discriminator": self.discriminator, "encoder": self.encoder}
        return {name: network for name, network in found.items() if network is not None}


def build_networks(settings: Settings, class_table: ClassTable) -> Untrained:
    """New networks, initialised from `train.seed`."""
    networks = shape_networks(settings, class_table)
    random = torch.Generator().manual_seed(settings.train.seed)
    for network in networks.named().values():
        initialise(network, random)
    return networks


def shape_networks(settings: Settings, class_table: ClassTable) -> Untrained:
    """New networks with whatever weights PyTorch gives them."""
    n_layout = class_table.n_labels + settings.data.instances
    model = settings.model
    return Untrained(
        generator=make_generator(model, n_layout, settings.data.size),
        discriminator=make_discriminator(model, n_layout),
        encoder=make_encoder(model) if model.style else None,
    )


def count_parameters(settings: Settings, class_table: ClassTable) -> dict[str, int]:
    """Of generator and discriminator."""
    with torch.device("meta"):
        networks = shape_networks(settings, class_table)
    return {
        "generator": sum(p.numel() for p in networks.generator.parameters()),
        "discriminator": sum(p.numel() for p in networks.discriminator.parameters()),
    }
