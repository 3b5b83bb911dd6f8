"""The layout as the networks see it: channels to multiply, or codes to look up."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.ops import Condition, OneHot, compiled_for, find_one_hot


@dataclasses.dataclass(frozen=True)
class Layout:
    """A layout (B, K, H, W), and as codes where its channels can be looked up instead of multiplied."""

    channels: Tensor
    one_hot: OneHot | None
    is_half: bool = False
    """Half precision is enough for what is predicted from it."""

    @classmethod
    def of(cls, channels: Tensor, *, is_half: bool = False) -> "Layout":
        """The layout at full size."""
        # Codes have no gradient: whoever wants the layout's gets the multiplications.
        looked_up = compiled_for(channels) is not None and not channels.requires_grad
        return cls(channels, find_one_hot(channels) if looked_up else None, is_half)

    def resized(self, height: int, width: int) -> Tensor:
        """Its channels at another size (nearest)."""
        return F.interpolate(self.channels, size=(height, width), mode="nearest")

    def condition(self, level: Tensor) -> Condition:
        """What a block's predictors see: the layout at a pyramid level's size beside that level."""
        height, width = level.shape[2:]
        if self.one_hot is None:
            return Condition(torch.cat([self.resized(height, width), level], dim=1), is_half=self.is_half)
        return Condition(level, self._codes_at(height), self.is_half)

    def alone(self, height: int, width: int) -> Condition:
        """What a block sees that is given the layout alone, at its own size."""
        if self.one_hot is None:
            return Condition(self.resized(height, width), is_half=self.is_half)
        nothing = self.channels.new_empty(len(self.channels), 0, height, width)
        return Condition(nothing, self._codes_at(height), self.is_half)

    def _codes_at(self, height: int) -> OneHot:
        assert self.one_hot is not None
        return self.one_hot.at_stride(self.channels.shape[2] // height)


def layer(conv: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Weight and bias."""
    assert conv.bias is not None
    return conv.weight, conv.bias
