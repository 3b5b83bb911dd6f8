"""The weight predictor's view of the layout: local detail and global context at every scale.

The layout goes down an encoder to a few positions and comes back up with lateral
connections, so that a kernel predicted at one position has seen the whole layout.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.batch_norm import BatchNorm2d
from ccfpse.models.condition import Layout
from ccfpse.models.spectral_norm import SpectralNormConv2d
from ccfpse.ops import Finish, conv3x3, conv3x3_of_layout


class NormalisedUnit(nn.Module):
    """Spectrally normalised convolution without bias, batch norm, leaky ReLU."""

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = SpectralNormConv2d(in_channels, out_channels, size, stride)
        self.norm = BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H / stride, W / stride)."""
        folded = self._folded(x)
        if folded is None:
            return F.leaky_relu_(self.norm(self.conv(x)), 0.2)
        if self.conv.is_plain_3x3:
            return conv3x3(x, *folded, Finish.LEAKY_RELU)
        return F.leaky_relu_(F.conv2d(x, *folded, self.conv.stride, self.conv.padding), 0.2)

    def of_layout(self, layout: Layout) -> Tensor:
        """The same of a layout of `in` channels; stride 1."""
        if layout.one_hot is None:
            return self.forward(layout.channels)
        folded = self._folded(layout.channels)
        if folded is None:
            convolved = conv3x3_of_layout(layout.one_hot, self.conv.normalised_weight(), None)
            return F.leaky_relu_(self.norm(convolved), 0.2)
        return conv3x3_of_layout(layout.one_hot, *folded, Finish.LEAKY_RELU)

    def _folded(self, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Weight and bias that hold the norm too, where it can be folded into them."""
        folded = self.norm.folded(x)
        if folded is None:
            return None
        scale, shift = folded
        return self.conv.normalised_weight() * scale[:, None, None, None], shift


class LayoutPyramid(nn.Module):
    """Feature pyramid of the layout, one level for each of the generator's scales.

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.1, feature pyramid weight prediction.
    """

    def __init__(self, n_layout: int, width: int, n_doublings: int) -> None:
        """A pyramid from full size down to 1/2^n_doublings of it, ``width`` channels throughout."""
        super().__init__()
        self.encoder = nn.ModuleList(
            [NormalisedUnit(n_layout, width, 3)]
            + [NormalisedUnit(width, width, 3, stride=2) for _ in range(n_doublings)]
        )
        self.laterals = nn.ModuleList(NormalisedUnit(width, width, 1) for _ in range(n_doublings))
        self.decoder = nn.ModuleList(NormalisedUnit(width, width, 3) for _ in range(n_doublings))

    def forward(self, layout: Layout) -> list[Tensor]:
        """Levels from the coarsest (1/2^n of the layout's size) to full size, each (B, F, h, w)."""
        bottom_up: list[Tensor] = []
        for unit in self.encoder:
            bottom_up.append(unit(bottom_up[-1]) if bottom_up else unit.of_layout(layout))  # type: ignore[operator]
        levels = [bottom_up.pop()]
        for lateral, unit in zip(self.laterals, self.decoder, strict=True):
            finer = F.interpolate(levels[-1], scale_factor=2.0, mode="nearest") + lateral(bottom_up.pop())
            levels.append(unit(finer))
        return levels
