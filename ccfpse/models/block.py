"""The conditional-convolution residual block: convolutions whose kernels the layout decides."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.batch_norm import BatchNorm2d
from ccfpse.models.condition import layer
from ccfpse.models.spade import SpadeShortcut
from ccfpse.ops import Condition, Scaled, enlarged, filtered, gated


class Predictor(nn.Module):
    """Numbers predicted at every position from the condition: convolution, ReLU, convolution."""

    def __init__(self, n_condition: int, hidden: int, n_predicted: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_condition, hidden, 3, padding=1)
        self.last = nn.Conv2d(hidden, n_predicted, 3, padding=1)

    def gate(self, x: Tensor, condition: Condition) -> Tensor:
        """Leaky ReLU of x (B, n_predicted, H, W) times the sigmoid of the predicted numbers."""
        return gated(x, condition, layer(self.first), layer(self.last))

    def filter(self, x: Scaled, condition: Condition) -> Tensor:
        """Features (B, C, H, W) filtered with the predicted numbers as kernels; no map holds these."""
        return filtered(x, condition, layer(self.first), layer(self.last))


class LearnedKernels(nn.Conv2d):
    """Depthwise kernels that are the same at every position; what predicted ones are compared with."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__(channels, channels, size, padding=size // 2, groups=channels, bias=False)

    def filter(self, x: Scaled, condition: Condition) -> Tensor:
        """Features filtered, (B, C, H, W), at the condition's size."""
        filtered: Tensor = self(x.at(condition.size))
        return filtered


class BlockDesign(NamedTuple):
    """What all blocks of a generator have in common; the paper's ablations are the last three."""

    n_condition: int
    """Channels that the predictors see."""
    hidden: int
    """Channels inside the predictors."""
    has_gates: bool
    has_kernels: bool
    """Kernels are predicted, not learned."""
    kernel_size: int


class ConditionalConv(nn.Module):
    """Batch norm, predicted depthwise kernels, 1x1 convolution, predicted gate, leaky ReLU.

    ``lrelu(conv1x1(depthwise(bn(x), kernels)) · sigmoid(gate))``

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.1: conditional convolution in its
    depthwise form, and the conditional attention that gates its output.
    """

    def __init__(self, in_channels: int, out_channels: int, design: BlockDesign) -> None:
        super().__init__()
        self.norm = BatchNorm2d(in_channels)
        self.kernels = (
            Predictor(design.n_condition, design.hidden, in_channels * design.kernel_size**2)
            if design.has_kernels
            else LearnedKernels(in_channels, design.kernel_size)
        )
        self.mix = nn.Conv2d(in_channels, out_channels, 1)
        self.gate = Predictor(design.n_condition, design.hidden, out_channels) if design.has_gates else None

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Features (B, in, H, W), or half that size, and their condition -> features (B, out, H, W)."""
        mixed: Tensor = self.mix(self.kernels.filter(self.norm.lazily(x), condition))
        return F.leaky_relu(mixed, 0.2) if self.gate is None else self.gate.gate(mixed, condition)


class ConditionalBlock(nn.Module):
    """Residual block of two conditional convolutions, ``shortcut(x) + conv2(conv1(x))``.

    Features of half the condition's size are enlarged (nearest) before.

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.1.
    """

    def __init__(self, in_channels: int, out_channels: int, design: BlockDesign) -> None:
        """A block in -> min(in, out) -> out."""
        super().__init__()
        middle = min(in_channels, out_channels)
        self.conv1 = ConditionalConv(in_channels, middle, design)
        self.conv2 = ConditionalConv(middle, out_channels, design)
        self.shortcut = (
            None
            if in_channels == out_channels
            else SpadeShortcut(in_channels, out_channels, design.n_condition, design.hidden)
        )

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Features (B, in, H, W), or half that size, and their condition -> features (B, out, H, W)."""
        if self.training:  # the batch's statistics are those of the enlarged map
            x = enlarged(x, condition.size)
        residual = self.conv2(self.conv1(x, condition), condition)
        kept = enlarged(x, condition.size) if self.shortcut is None else self.shortcut(x, condition)
        added: Tensor = kept + residual
        return added
