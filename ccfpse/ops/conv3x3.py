"""3x3 convolution of feature maps beside a one-hot layout, whose channels are looked up, not multiplied."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ccfpse.native.library import Finish, Library
from ccfpse.ops.choice import compiled_for

Layer = tuple[Tensor, Tensor | None]
"""Weight and bias."""


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
    labels = layout[:, :-1]
    binary = bool(((layout == 0) | (layout == 1)).all())
    if not binary:
        return None
    sums = labels.sum(dim=1)
    if bool((sums == 1).all()):
        codes = labels.argmax(dim=1) + labels.shape[1] * layout[:, -1].long()
        return OneHot(codes.int(), has_boundary=True)
    if bool((sums + layout[:, -1] == 1).all()):
        return OneHot(layout.argmax(dim=1).int(), has_boundary=False)
    return None


def conv3x3(x: Tensor, weight: Tensor, bias: Tensor | None, *, relu: bool = False) -> Tensor:
    """`F.conv2d` with padding 1, or its ReLU.

    Args:
        x: (B, I, H, W).
        weight: (O, I, 3, 3).
        bias: (O), or None.
        relu: clamp at zero.
    """
    library = compiled_for(x) if x.numel() else None
    if library is None:
        y = F.conv2d(x, weight, bias, padding=1)
        return F.relu(y) if relu else y
    found: Tensor = _Conv3x3.apply(x, weight, bias, None, None, relu, library)
    return found


def gate(x: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``lrelu(x · sigmoid(conv3x3(hidden)), 0.2)``, (B, C, H, W) as x."""
    library = None if torch.is_grad_enabled() or not x.numel() else compiled_for(hidden)
    if library is None:
        return F.leaky_relu(x * conv3x3(hidden, weight, bias).sigmoid(), 0.2)
    return library.conv(hidden, weight, bias, finish=Finish.GATE, other=x)


def modulate(x: Tensor, hidden: Tensor, gamma: Layer, beta: Layer) -> Tensor:
    """``x · (1 + conv3x3(hidden, gamma)) + conv3x3(hidden, beta)``; gamma and beta are weight and bias."""
    library = None if torch.is_grad_enabled() or not x.numel() else compiled_for(hidden)
    if library is None:
        return x * (1 + conv3x3(hidden, *gamma)) + conv3x3(hidden, *beta)
    scaled = library.conv(hidden, *gamma, finish=Finish.SCALE, other=x)
    return library.conv(hidden, *beta, finish=Finish.ADD, other=scaled)


def conv3x3_of_layout(
    layout: OneHot, x: Tensor | None, weight: Tensor, bias: Tensor | None, *, relu: bool = False
) -> Tensor:
    """3x3 convolution of ``concat(layout, x)``, only where `compiled_for` offers a library.

    Args:
        layout: of K channels, at x's size.
        x: (B, I, H, W), or None for I = 0.
        weight: (O, K + I, 3, 3).
        bias: (O), or None.
        relu: clamp at zero.
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
    y: Tensor = _Conv3x3.apply(x, weight[:, K:], bias, layout.codes, table, relu, library)
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
        relu: bool,
        library: Library,
    ) -> Tensor:
        finish = Finish.RELU if relu else Finish.PLAIN
        y = library.conv(x, weight, bias, finish=finish, codes=codes, table=table)
        ctx.save_for_backward(x, weight, codes, y if relu else None)
        ctx.library, ctx.n_codes = library, 0 if table is None else table.shape[1]
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, codes, y = ctx.saved_tensors
        library: Library = ctx.library
        if y is not None:
            gy = torch.ops.aten.threshold_backward(gy, y, 0)
        needs_x, needs_weight, needs_bias, _, needs_table = ctx.needs_input_grad[:5]
        gx = library.conv(gy, weight, None, transposed=True) if needs_x and x.shape[1] else None
        gw = gbias = None
        if (needs_weight or needs_bias) and x.shape[1]:
            gw, gbias = library.gradient_w(x, gy)
        elif needs_bias:
            gbias = gy.sum(dim=(0, 2, 3))
        gtable = library.gradient_table(codes, gy, ctx.n_codes) if needs_table else None
        return gx, gw, gbias if needs_bias else None, None, gtable, None, None
