"""What kernels and gates are predicted from: features beside a layout, whose channels may be looked up."""

from typing import NamedTuple

import torch
from torch import Tensor


class OneHot(NamedTuple):
    """A layout of zeros and ones as one number a position: which row of a table its channels add up to."""

    codes: Tensor
    """int32 (B, H, W)."""
    n_channels: int
    """K, of the layout."""
    has_boundary: bool
    """The last channel may be set beside one of the others; its codes come after the others'."""

    @property
    def n_codes(self) -> int:
        """Rows of the tables."""
        return 2 * (self.n_channels - 1) if self.has_boundary else self.n_channels

    def at_stride(self, stride: int) -> "OneHot":
        """The layout resized (nearest) to 1/stride of its size."""
        return self._replace(codes=self.codes[:, ::stride, ::stride].contiguous())

    def table(self, weight: Tensor) -> Tensor:
        """What a convolution's weight (O, K, 3, 3) for the layout's K channels adds, (9, n_codes, O)."""
        rows = weight.permute(2, 3, 1, 0).flatten(0, 1)  # (9, K, O)
        if self.has_boundary:
            rows = torch.cat([rows[:, :-1], rows[:, :-1] + rows[:, -1:]], dim=1)
        return rows

    def weight_gradient(self, g_table: Tensor) -> Tensor:
        """Gradient for the weight (O, K, 3, 3) from that of its `table`."""
        g_rows, n_channels = g_table, self.n_channels
        if self.has_boundary:
            without, with_boundary = g_table[:, : n_channels - 1], g_table[:, n_channels - 1 :]
            g_rows = torch.cat([without + with_boundary, with_boundary.sum(dim=1, keepdim=True)], dim=1)
        return g_rows.view(3, 3, n_channels, -1).permute(3, 2, 0, 1)


class Condition(NamedTuple):
    """``concat(layout, features)``, (B, K + F, H, W)."""

    features: Tensor
    """All of it, or (B, F, H, W) without the layout where that is given as codes."""
    one_hot: OneHot | None = None
    is_half: bool = False
    """Half precision is enough for what is predicted from it; the compiled kernels make use of it."""

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.features.shape[2], self.features.shape[3]


@torch.no_grad()
def find_one_hot(layout: Tensor) -> OneHot | None:
    """Codes of a layout (B, K, H, W), with or without a boundary channel; None where it is not one-hot."""
    if not layout.numel():
        return None
    labels, boundary = layout[:, :-1], layout[:, -1]
    if labels.shape[1] and ((boundary == 0) | (boundary == 1)).all() and (codes := _ones(labels)) is not None:
        return OneHot(codes + labels.shape[1] * boundary.int(), layout.shape[1], has_boundary=True)
    codes = _ones(layout)
    return None if codes is None else OneHot(codes, layout.shape[1], has_boundary=False)


def _ones(x: Tensor) -> Tensor | None:
    """Where the one 1 among zeros is over channels, int32 (B, H, W); None where that is not so somewhere."""
    B, n, H, W = x.shape
    numbers = torch.arange(n, dtype=x.dtype, device=x.device)
    # A matrix product: several times faster than argmax, and exact for what turns out to be one-hot.
    found = (numbers @ x.reshape(B, n, H * W)).nan_to_num().view(B, 1, H, W).clamp(0, n - 1).long()
    ones = bool((x.gather(1, found) == 1).all())
    # Nothing below zero, and no more in all than these ones: then the rest is zeros.
    if not ones or x.min() < 0 or x.sum(dtype=torch.float64) != B * H * W:
        return None
    return found[:, 0].int()
