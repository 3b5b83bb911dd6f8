"""The starting values of every network: one seed, the same weights."""

import torch
from torch import nn

from ccfpse.models.spectral_norm import SpectralNormConv2d

GAIN = 0.02


@torch.no_grad()
def initialise(module: nn.Module, random: torch.Generator) -> None:
    """Draw all weights of ``module`` anew, in place.

    Convolutions and linear layers: Xavier normal with gain 0.02, biases zero. Batch norms: scale
    N(1, 0.02), shift zero. Spectral norms: one power iteration from a random vector.

    Args:
        module: any of the networks, on the CPU.
        random: the source of randomness, on the CPU.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_normal_(layer.weight, gain=GAIN, generator=random)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02, generator=random)
            nn.init.zeros_(layer.bias)
        if isinstance(layer, SpectralNormConv2d):
            layer.u.copy_(torch.randn(layer.u.shape, generator=random))
            layer.iterate()
