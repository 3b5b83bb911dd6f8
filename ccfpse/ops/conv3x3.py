"""3x3 convolution of feature maps beside a one-hot layout, whose channels are looked up, not multiplied."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ccfpse.native.library import Finish, Library
from ccfpse.ops.choice import compiled_for
from ccfpse.ops.scaled import Scaled

Layer = tuple[Tensor, Tensor]
"""Weight and bias."""
_SLOPES = {Finish.RELU: 0.0, Finish.LEAKY_RELU: 0.2}
"""Of negative results."""


class OneHot(NamedTuple):
    """A layout of zeros and ones as one number a position: which row of a table its channels add up to."""

    codes: Tensor
    """int32 (B, H, W)."""
    has_boundary: bool
    """The last channel may be set beside one of the others; its codes come after the others'."""

    def at_stride(self, stride: int) -> "OneHot":
        """The layout resized (nearest) to 1/stride of its size."""
        return OneHot(self.codes[:, ::stride, ::stride].contiguous(), self.has_boundary)

    def table(self, weight: Tensor) -> Tensor:
        """What a convolution's weight (O, K, 3, 3) for the layout's K channels adds, (9, n_codes, O)."""
        rows = weight.permute(2, 3, 1, 0).flatten(0, 1)  # (9, K, O)
        if self.has_boundary:
            rows = torch.cat([rows[:, :-1], rows[:, :-1] + rows[:, -1:]], dim=1)
        return rows


@torch.no_grad()
def find_one_hot(layout: Tensor) -> OneHot | None:
    """Codes of a layout (B, K, H, W), with or without a boundary channel; None where it is not one-hot."""
    labels, boundary = layout[:, :-1], layout[:, -1]
    if ((boundary == 0) | (boundary == 1)).all() and (codes := _ones(labels)) is not None:
        return OneHot(codes + labels.shape[1] * boundary.int(), has_boundary=True)
    codes = _ones(layout)
    return None if codes is None else OneHot(codes, has_boundary=False)


def _ones(x: Tensor) -> Tensor | None:
    """Where the one 1 among zeros is over channels, int32 (B, H, W); None where that is not so somewhere."""
    B, n, H, W = x.shape
    numbers = torch.arange(n, dtype=x.dtype, device=x.device)
    # A matrix product: several times faster than argmax, and exact for what turns out to be one-hot.
    found = (numbers @ x.reshape(B, n, H * W)).view(B, 1, H, W).clamp(0, n - 1).long()
    ones = bool((x.gather(1, found) == 1).all())
    # Nothing below zero, and no more in all than these ones: then the rest is zeros.
    if not ones or x.min() < 0 or x.sum(dtype=torch.float64) != B * H * W:
        return None
    return found[:, 0].int()


def conv3x3(x: Tensor, weight: Tensor, bias: Tensor | None, then: Finish = Finish.PLAIN) -> Tensor:
    """`F.conv2d` with padding 1, then perhaps a (leaky) ReLU.

    Args:
        x: (B, I, H, W).
        weight: (O, I, 3, 3).
        bias: (O), or None.
        then: what becomes of the result; not `GATE`.
    """
    library = compiled_for(x) if x.numel() else None
    if library is None:
        y = F.conv2d(x, weight, bias, padding=1)
        return y if then is Finish.PLAIN else F.leaky_relu(y, _SLOPES[then])
    found: Tensor = _Conv3x3.apply(x, weight, bias, None, None, then, library)
    return found


def gate(x: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``lrelu(x · sigmoid(conv3x3(hidden)), 0.2)``, (B, C, H, W) as x."""
    library = None if torch.is_grad_enabled() or not x.numel() else compiled_for(hidden)
    if library is None:
        return F.leaky_relu(x * conv3x3(hidden, weight, bias).sigmoid(), 0.2)
    return library.conv(hidden, weight, bias, finish=Finish.GATE, other=x)


def modulate(x: Scaled, hidden: Tensor, gamma: Layer, beta: Layer) -> Tensor:
    """``x · (1 + conv3x3(hidden, gamma)) + conv3x3(hidden, beta)``, (B, C, H, W), H and W those of `hidden`.

    Args:
        x: (B, C, H, W) or half that size.
        hidden: (B, I, H, W).
        gamma: weight (C, I, 3, 3) and bias (C).
        beta: likewise.
    """
    library = None if torch.is_grad_enabled() or not x.map.numel() else compiled_for(hidden)
    if library is None:
        scaled = x.at((hidden.shape[2], hidden.shape[3])) * (1 + conv3x3(hidden, *gamma))
        return scaled + conv3x3(hidden, *beta)
    weight, bias = (torch.stack(both, dim=1).flatten(0, 1) for both in zip(gamma, beta, strict=True))
    return library.modulate(hidden, weight, bias, *x)


def conv3x3_of_layout(
    layout: OneHot, x: Tensor | None, weight: Tensor, bias: Tensor | None, then: Finish = Finish.PLAIN
) -> Tensor:
    """3x3 convolution of ``concat(layout, x)``, only where `compiled_for` offers a library.

    Args:
        layout: of K channels, at x's size.
        x: (B, I, H, W), or None for I = 0.
        weight: (O, K + I, 3, 3).
        bias: (O), or None.
        then: what becomes of the result; not `GATE`.
    """
    B, H, W = layout.codes.shape
    if x is None:
        x = weight.new_empty(B, 0, H, W)
    library = compiled_for(x)
    if library is None:
        raise ValueError(
            f"the layout's channels can be looked up by the compiled kernels only, not for {x.dtype}"
        )
    K = weight.shape[1] - x.shape[1]
    table = layout.table(weight[:, :K])
    y: Tensor = _Conv3x3.apply(x, weight[:, K:], bias, layout.codes, table, then, library)
    return y


class _Conv3x3(torch.autograd.Function):
    """By the compiled kernels, gradients included."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        codes: Tensor | None,
        table: Tensor | None,
        then: Finish,
        library: Library,
    ) -> Tensor:
        y = library.conv(x, weight, bias, finish=then, codes=codes, table=table)
        ctx.slope = _SLOPES.get(then)
        ctx.save_for_backward(x, weight, codes, None if ctx.slope is None else y)
        ctx.library, ctx.n_codes = library, 0 if table is None else table.shape[1]
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, codes, y = ctx.saved_tensors
        library: Library = ctx.library
        if y is not None:
            gy = torch.ops.aten.leaky_relu_backward(gy, y, ctx.slope, True)
        needs_x, needs_weight, needs_bias, _, needs_table = ctx.needs_input_grad[:5]
        gx = library.conv(gy, weight, None, transposed=True) if needs_x and x.shape[1] else None
        gw = gbias = None
        if (needs_weight or needs_bias) and x.shape[1]:
            gw, gbias = library.gradient_w(x, gy)
        elif needs_bias:
            gbias = gy.sum(dim=(0, 2, 3))
        gtable = library.gradient_table(codes, gy, ctx.n_codes) if needs_table else None
        return gx, gw, gbias if needs_bias else None, None, gtable, None, None
