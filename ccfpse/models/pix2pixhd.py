"""pix2pixHD's global generator, which CC-FPSE is compared with: it reads the layout once, as an image."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.generator import Generator

N_HALVINGS = 4
N_RESIDUAL_BLOCKS = 9
SMALLEST_SIDE = 32
"""Reflection at the narrowest maps needs two positions."""


class ResidualUnit(nn.Module):
    """``x + norm(conv(relu(norm(conv(x)))))``, borders reflected, instance norm without affine."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3)
        self.conv2 = nn.Conv2d(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        hidden = F.relu(F.instance_norm(self.conv1(_reflected(x, 1))))
        return x + F.instance_norm(self.conv2(_reflected(hidden, 1)))


class Pix2PixHdGenerator(Generator):
    """Four halvings, nine residual units, four doublings; instance norm and ReLU between; no style.

    Source: Wang et al. 2018, arXiv:1711.11585, section 3.1 and appendix, global generator.
    """

    def __init__(self, n_layout: int, *, width: int = 64) -> None:
        """A generator for layouts of ``n_layout`` channels, ``width`` channels at full size."""
        super().__init__(n_layout, 2**N_HALVINGS, None, None)
        self.smallest_side = SMALLEST_SIDE
        widths = [width * 2**i for i in range(N_HALVINGS + 1)]
        self.start = nn.Conv2d(n_layout, width, 7)
        self.down = nn.ModuleList(nn.Conv2d(n, 2 * n, 3, stride=2, padding=1) for n in widths[:-1])
        self.middle = nn.ModuleList(ResidualUnit(widths[-1]) for _ in range(N_RESIDUAL_BLOCKS))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(2 * n, n, 3, stride=2, padding=1, output_padding=1) for n in widths[-2::-1]
        )
        self.to_rgb = nn.Conv2d(width, 3, 7)

    def _check(self, layout: Tensor, style: Tensor | None) -> None:
        super()._check(layout, style)
        if any(side < SMALLEST_SIDE for side in layout.shape[2:]):
            raise ValueError(
                f"size {layout.shape[2]}x{layout.shape[3]} is too small for pix2pixHD; both sides must be "
                f"at least {SMALLEST_SIDE}"
            )

    def _generate(self, layout: Tensor, style: Tensor | None) -> Tensor:
        x = _normalised(self.start(_reflected(layout, 3)))
        for conv in self.down:
            x = _normalised(conv(x))
        for unit in self.middle:
            x = unit(x)
        for conv in self.up:
            x = _normalised(conv(x))
        return torch.tanh(self.to_rgb(_reflected(x, 3)))


def _normalised(x: Tensor) -> Tensor:
    return F.relu(F.instance_norm(x))


def _reflected(x: Tensor, margin: int) -> Tensor:
    return F.pad(x, [margin] * 4, mode="reflect")
