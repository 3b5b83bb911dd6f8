"""A map with work still to be done to it, which the compiled kernels do as they read it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Scaled(NamedTuple):
    """``map · scale + shift`` by channel, enlarged (nearest) to twice its size where that is asked for."""

    map: Tensor
    """(B, C, H, W)."""
    scale: Tensor | None = None
    """(C), or None: 1."""
    shift: Tensor | None = None
    """(C), or None: 0; given where `scale` is."""
    again: Callable[[], Tensor] | None = None
    """Computes `map` once more, so that the backward pass needs not keep it; None: kept."""

    def at(self, size: tuple[int, int]) -> Tensor:
        """The work done: (B, C, height, width); height and width are the map's, or twice those."""
        x = self.map
        if self.scale is not None and self.shift is not None:
            x = torch.addcmul(self.shift[:, None, None], x, self.scale[:, None, None])
        return enlarged(x, size)


def enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    """X (B, C, h, w) as it is, or at twice its size (nearest), whichever `size` says."""
    return x if tuple(x.shape[2:]) == size else F.interpolate(x, size=size, mode="nearest")
