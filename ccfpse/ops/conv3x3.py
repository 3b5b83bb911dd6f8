"""3x3 convolution of feature maps beside a one-hot layout, whose channels are looked up, not multiplied."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ccfpse.native.library import Finish, Library
from ccfpse.ops.choice import compiled_for
from ccfpse.ops.condition import OneHot

SLOPES = {Finish.RELU: 0.0, Finish.LEAKY_RELU: 0.2}
"""Of negative results."""


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
        if then is Finish.RELU:
            return F.relu(y)
        return F.leaky_relu(y, SLOPES[then]) if then is Finish.LEAKY_RELU else y
    found: Tensor = _Conv3x3.apply(x, weight, bias, None, None, then, library)
    return found


def conv3x3_of_layout(
    layout: OneHot, weight: Tensor, bias: Tensor | None, then: Finish = Finish.PLAIN
) -> Tensor:
    """`conv3x3` of a layout of K channels, (B, O, H, W), only where `compiled_for` offers a library.

    Args:
        layout: its codes.
        weight: (O, K, 3, 3).
        bias: (O), or None.
        then: what becomes of the result; not `GATE`.
    """
    B, H, W = layout.codes.shape
    library = compiled_for(weight)
    if library is None:
        raise ValueError(
            f"the layout's channels can be looked up by the compiled kernels only, not for {weight.dtype}"
        )
    nothing = weight.new_empty(B, 0, H, W)
    table = layout.table(weight)
    y: Tensor = _Conv3x3.apply(nothing, weight[:, :0], bias, layout.codes, table, then, library)
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
        ctx.slope = SLOPES.get(then)
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
