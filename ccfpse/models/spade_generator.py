"""SPADE's generator, which CC-FPSE is compared with: the layout scales and shifts, kernels are fixed."""

import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.condition import Layout
from ccfpse.models.doubling import DoublingGenerator
from ccfpse.models.spade import SpadeNorm, SpadeShortcut
from ccfpse.models.spectral_norm import SpectralNormConv2d
from ccfpse.ops import Condition, enlarged


class SpadeBlock(nn.Module):
    """Residual block, twice ``conv3x3(lrelu(spade(x)))`` beside a shortcut.

    Features of half the condition's size are enlarged (nearest) before.

    Source: Park et al. 2019, arXiv:1903.07291, figure 4.
    """

    def __init__(self, in_channels: int, out_channels: int, n_condition: int, hidden: int) -> None:
        """A block in -> min(in, out) -> out; ``hidden`` channels inside its SPADEs."""
        super().__init__()
        middle = min(in_channels, out_channels)
        self.norm1 = SpadeNorm(in_channels, n_condition, hidden)
        self.conv1 = SpectralNormConv2d(in_channels, middle, 3, bias=True)
        self.norm2 = SpadeNorm(middle, n_condition, hidden)
        self.conv2 = SpectralNormConv2d(middle, out_channels, 3, bias=True)
        self.shortcut = (
            None
            if in_channels == out_channels
            else SpadeShortcut(in_channels, out_channels, n_condition, hidden)
        )

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Features (B, in, H, W), or half that size, and their condition -> features (B, out, H, W)."""
        if self.training:  # the batch's statistics are those of the enlarged map
            x = enlarged(x, condition.size)
        kept = enlarged(x, condition.size) if self.shortcut is None else self.shortcut(x, condition)
        residual = self.conv1(F.leaky_relu(self.norm1(x, condition), 0.2))
        residual = self.conv2(F.leaky_relu(self.norm2(residual, condition), 0.2))
        added: Tensor = kept + residual
        return added


class SpadeGenerator(DoublingGenerator):
    """SPADE blocks, which see the layout at their own scale and nothing else.

    Source: Park et al. 2019, arXiv:1903.07291, appendix A.
    """

    def __init__(
        self,
        n_layout: int,
        *,
        width: int = 64,
        hidden: int = 128,
        n_doublings: int = 6,
        size: tuple[int, int] | None = None,
        style_dim: int | None = None,
    ) -> None:
        """A generator for layouts of ``n_layout`` channels.

        Args:
            n_layout: K, channels of the layout.
            width: F, channels of the last block.
            hidden: channels inside the SPADEs.
            n_doublings: from the head's size to the image's: 6, or 5 (then middle1 keeps middle0's size).
            size: the one (height, width) of a generator with style, whose start is a linear layer.
            style_dim: length of the style vector; None for a generator without style.

        Raises:
            ValueError: the numbers describe no generator, or the size does not fit.
        """
        super().__init__(
            n_layout,
            lambda n_in, n_out: SpadeBlock(n_in, n_out, n_layout, hidden),
            width=width,
            n_doublings=n_doublings,
            size=size,
            style_dim=style_dim,
        )

    def _conditions(self, layout: Layout) -> list[Condition]:
        return [layout.alone(*size) for size in self.sizes(layout.channels)]
