"""What a block's predictors see: the layout at the block's size beside the pyramid level of that size."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.ops import Finish, OneHot, compiled_for, conv3x3, conv3x3_of_layout, find_one_hot


@dataclasses.dataclass(frozen=True)
class Layout:
    """A layout (B, K, H, W), and as codes where its channels can be looked up instead of multiplied."""

    channels: Tensor
    one_hot: OneHot | None

    @classmethod
    def of(cls, channels: Tensor) -> "Layout":
        """The layout at full size."""
        # Codes have no gradient: whoever wants the layout's gets the multiplications.
        looked_up = compiled_for(channels) is not None and not channels.requires_grad
        return cls(channels, find_one_hot(channels) if looked_up else None)

    def resized(self, height: int, width: int) -> Tensor:
        """Its channels at another size (nearest)."""
        return F.interpolate(self.channels, size=(height, width), mode="nearest")

    def condition(self, level: Tensor) -> "Condition":
        """The condition of the blocks at a pyramid level's size."""
        height, width = level.shape[2:]
        if self.one_hot is None:
            return Condition(torch.cat([self.resized(height, width), level], dim=1), None)
        return Condition(level, self.one_hot.at_stride(self.channels.shape[2] // height))


@dataclasses.dataclass(frozen=True)
class Condition:
    """``concat(layout, level)``, (B, K + F, h, w)."""

    features: Tensor
    """All of it, or (B, F, h, w), the level alone, where the layout is given as codes."""
    one_hot: OneHot | None

    @property
    def size(self) -> tuple[int, int]:
        """(h, w)."""
        return self.features.shape[2], self.features.shape[3]

    def conv(self, layer: nn.Conv2d) -> Tensor:
        """ReLU of a 3x3 convolution of the condition, (B, n, h, w)."""
        if self.one_hot is None:
            return conv3x3(self.features, layer.weight, layer.bias, Finish.RELU)
        return conv3x3_of_layout(self.one_hot, self.features, layer.weight, layer.bias, Finish.RELU)
