"""Style encoder: a photo becomes the distribution of its style vector."""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.alone import one_at_a_time
from ccfpse.models.spectral_norm import SpectralNormConv2d

WIDTHS = (1, 2, 4, 8, 8, 8)
SIZE = 256
STYLE_DIM = 256


class StyleEncoder(nn.Module):
    """Six halvings of a 256x256 image, then mean and log-variance of the style.

    Source: Park et al. 2019, arXiv:1903.07291, appendix A; used by Liu et al. 2019 as it is.
    """

    def __init__(self, width: int = 64, style_dim: int = STYLE_DIM) -> None:
        super().__init__()
        self.width, self.style_dim = width, style_dim
        channels = [3, *(factor * width for factor in WIDTHS)]
        self.convs = nn.ModuleList(
            SpectralNormConv2d(n_in, n_out, 3, stride=2) for n_in, n_out in itertools.pairwise(channels)
        )
        n_flat = channels[-1] * (SIZE // 2 ** len(WIDTHS)) ** 2
        self.mu = nn.Linear(n_flat, style_dim)
        self.logvar = nn.Linear(n_flat, style_dim)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, each (B, style_dim), of images (B, 3, H, W) in [-1, 1] of any size.

        In evaluation mode a style is the same, to the last bit, whatever batch its image is in.
        """
        both = self._encode(image) if self.training else one_at_a_time(self._encode, image)
        return both[:, 0], both[:, 1]

    def _encode(self, image: Tensor) -> Tensor:
        x = image
        if x.shape[2:] != (SIZE, SIZE):
            x = F.interpolate(x, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
        for conv in self.convs:
            x = F.leaky_relu(F.instance_norm(conv(x)), 0.2)
        flat = x.flatten(1)
        return torch.stack([self.mu(flat), self.logvar(flat)], dim=1)  # (B, 2, style_dim)


def sample_style(mu: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """Draw a style, ``mu + noise · exp(logvar / 2)``; noise is standard normal, (B, style_dim)."""
    return mu + noise * torch.exp(logvar / 2)
