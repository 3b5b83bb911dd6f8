"""A map with work still to be done to it, which the compiled kernels do as they read it."""

from collections.abc import Callable
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class Scaled(NamedTuple):
    """``map · scale + shift`` by channel, enlarged (nearest) to twice its size where that is asked for."""

    map: Tensor
    """(B, C, H, W)."""
    scale: Tensor | None = None
    """(C), or None: 1."""
    shift: Tensor | None = None
    """(C), or None: 0."""
    again: "Again | None" = None
    """How `map` is computed once more, so that the backward pass needs not keep it; None: it is kept."""

    def at(self, size: tuple[int, int]) -> Tensor:
        """The work done: (B, C, height, width); height and width are the map's, or twice those.

        Raises:
            ValueError: they are others.
        """
        x = self.map
        if tuple(x.shape[2:]) != size and (2 * x.shape[2], 2 * x.shape[3]) != size:
            raise ValueError(f"x is {tuple(x.shape)}; its size must be {size}, or half of that")
        if self.scale is not None:
            x = x * self.scale[:, None, None]
        if self.shift is not None:
            x = x + self.shift[:, None, None]
        return enlarged(x, size)


class Again(NamedTuple):
    """A function and the tensors that it needs."""

    compute: Callable[..., Tensor]
    """Holds no tensor itself."""
    needs: tuple[Tensor, ...]


def enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    """X (B, C, h, w) as it is, or at twice its size (nearest), whichever `size` says."""
    return x if tuple(x.shape[2:]) == size else F.interpolate(x, size=size, mode="nearest")
