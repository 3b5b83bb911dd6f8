"""One training step: the losses of generator and encoder, then those of the discriminator.

Everything here is exact: what needs no gradient gets none (the real branch and the
discriminator's weights in the generator's turn, the loss network's view of the real photo).
"""

import contextlib
import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ccfpse import losses
from ccfpse.models import (
    Discriminator,
    Generator,
    PerceptualNetwork,
    SmallPerceptualNetwork,
    StyleEncoder,
    sample_style,
)
from ccfpse.models.discriminator import Features


@dataclasses.dataclass(frozen=True)
class Networks:
    """The networks that train together, and the fixed one whose features are compared."""

    generator: Generator
    discriminator: Discriminator
    encoder: StyleEncoder | None
    loss_network: PerceptualNetwork | SmallPerceptualNetwork | None

    @property
    def creators(self) -> nn.ModuleList:
        """What the generator's optimiser updates: generator and encoder."""
        return nn.ModuleList([self.generator, *([] if self.encoder is None else [self.encoder])])


def generator_losses(
    networks: Networks, layout: Tensor, real: Tensor, noise: Tensor | None
) -> tuple[dict[str, Tensor], Tensor]:
    """Unweighted losses of generator and encoder on one batch, and the photos they are about.

    Args:
        networks: in training mode.
        layout: (B, K, H, W).
        real: photos of these layouts, (B, 3, H, W) in [-1, 1].
        noise: standard normal (B, style_dim) for the style; None without an encoder.

    Returns:
        ``hinge``, ``features``, and ``perceptual`` and ``style`` where they apply; and the generated
        photos, (B, 3, H, W).

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.3.
    """
    named: dict[str, Tensor] = {}
    style = None
    if networks.encoder is not None and noise is not None:
        mu, logvar = networks.encoder(real)
        style = sample_style(mu, logvar, noise)
        named["style"] = losses.style_kl(mu, logvar)
    fake = networks.generator(layout, style)
    with _frozen(networks.discriminator):
        scores, fake_features = networks.discriminator(fake, layout)
        real_features = _features_of_real(networks.discriminator, real, layout)
    named["hinge"] = losses.hinge_generator(scores)
    named["features"] = losses.feature_matching(fake_features, real_features)
    if (network := networks.loss_network) is not None:
        with torch.no_grad():
            target = network(real)
        named["perceptual"] = losses.perceptual(network(fake), target, network.weights)
    return named, fake


@torch.no_grad()
def fresh_fake(networks: Networks, layout: Tensor, real: Tensor, noise: Tensor | None) -> Tensor:
    """Photos by the generator as it is now, in training mode, for the discriminator's turn; (B, 3, H, W)."""
    style = None
    if networks.encoder is not None and noise is not None:
        mu, logvar = networks.encoder(real)
        style = sample_style(mu, logvar, noise)
    fake: Tensor = networks.generator(layout, style)
    return fake


def discriminator_losses(
    discriminator: Discriminator, layout: Tensor, real: Tensor, fake: Tensor
) -> dict[str, Tensor]:
    """``fake`` and ``real`` hinge losses; both kinds of photo pass the network in one batch."""
    scores, _ = discriminator(torch.cat([fake, real]), layout)
    halves = [score.chunk(2) for score in scores]
    return {
        "fake": losses.hinge_discriminator_fake([fake_score for fake_score, _ in halves]),
        "real": losses.hinge_discriminator_real([real_score for _, real_score in halves]),
    }


@torch.no_grad()
def _features_of_real(discriminator: Discriminator, real: Tensor, layout: Tensor) -> Features:
    # The fake has just advanced the power iteration; in evaluation mode the real photos see the
    # same weights, as if both had passed in one batch. Nothing else differs between the modes.
    discriminator.eval()
    features = discriminator.features(real, layout)
    discriminator.train()
    return features


@contextlib.contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """No gradients for the network's weights while the block runs; gradients pass through it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
