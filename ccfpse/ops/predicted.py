"""The predicted depthwise convolution together with the layer that predicts it, kernels never a whole map.

``y = depthwise(x, kernels)``, ``kernels = conv3x3(hidden)``: 9·C numbers a position, which the published
way writes to memory, unfolds x beside them to 9·C more, multiplies, sums, and keeps for the backward pass.

Three forms that agree. The reference writes that down. The compiled kernels apply a tile's
kernels while they are in registers and cache. In PyTorch a strip of rows is predicted and applied at a
time. Both predict again for the backward pass, which costs a convolution and saves the memory of the map.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ccfpse.native.library import Library
from ccfpse.ops.choice import compiled_for
from ccfpse.ops.depthwise import (
    conditional_depthwise_conv,
    conditional_depthwise_conv_reference,
    filter_padded,
    gradient_kernels,
    gradient_padded,
)
from ccfpse.ops.scaled import Scaled

SIZE = 3  # of predicted kernels
_STRIP_BYTES = {"cpu": 8 << 20, "other": 256 << 20}
"""Of predicted kernels at a time (docs/speed.md)."""
_FEW_TILES = 8
"""Of 4x4 positions: on smaller maps PyTorch makes the predicting layer's gradients (docs/speed.md)."""


def predicted_depthwise_conv_reference(
    x: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    """Filters x with the kernels that a 3x3 convolution predicts; the specification.

    Args:
        x: features, (B, C, H, W).
        hidden: what the kernels are predicted from, (B, I, H, W).
        weight: of the predicting layer, (9C, I, 3, 3), a channel's taps together, row by row.
        bias: (9C), or None.

    Returns:
        Filtered features, (B, C, H, W).

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.1.
    """
    kernels = F.conv2d(hidden, weight, bias, padding=1)
    return conditional_depthwise_conv_reference(x, kernels, SIZE)


def predicted_depthwise_conv(
    x: Tensor | Scaled, hidden: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    """Filters x with the kernels that a 3x3 convolution predicts: `predicted_depthwise_conv_reference`, fast.

    x may also be `Scaled`, at hidden's size or half of it.

    Raises:
        ValueError: the shapes do not belong together.
    """
    if isinstance(x, Scaled):
        library = None if torch.is_grad_enabled() or not x.map.numel() else compiled_for(hidden)
        if library is not None:
            return library.apply(hidden, weight, bias, *x)
        x = x.at((hidden.shape[2], hidden.shape[3]))
    B, C, H, W = x.shape
    need = (B, weight.shape[1], H, W)
    if hidden.shape != need or weight.shape != (C * SIZE**2, need[1], 3, 3):
        raise ValueError(
            f"hidden {tuple(hidden.shape)} and weight {tuple(weight.shape)} do not fit x {tuple(x.shape)}: "
            f"they must be {need} and {(C * SIZE**2, need[1], 3, 3)}"
        )
    if not x.numel():  # nothing to convolve, but gradients of the right shapes
        parts = [t.sum() for t in (hidden, weight, bias) if t is not None]
        return x + 0 * torch.stack(parts).sum()
    library = compiled_for(x) if compiled_for(hidden) is not None else None
    if library is not None:
        y: Tensor = _Compiled.apply(x, hidden, weight, bias, library)
        return y
    rows = strip_rows(x, hidden)
    if rows >= H:
        return conditional_depthwise_conv(x, F.conv2d(hidden, weight, bias, padding=1), SIZE)
    found: Tensor = _Strips.apply(x, hidden, weight, bias, rows)
    return found


def strip_rows(x: Tensor, hidden: Tensor) -> int:
    """Rows whose predicted kernels fit the budget of a strip; at least 1."""
    B, C, _, W = x.shape
    budget = _STRIP_BYTES.get(x.device.type, _STRIP_BYTES["other"])
    row_bytes = B * C * SIZE**2 * W * hidden.element_size()
    return max(1, budget // max(1, row_bytes))


class _Compiled(torch.autograd.Function):
    """By the compiled kernels."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor | None, library: Library
    ) -> Tensor:
        ctx.save_for_backward(x, hidden, weight, bias)
        ctx.library = library
        return library.apply(hidden, weight, bias, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        x, hidden, weight, bias = ctx.saved_tensors
        library: Library = ctx.library
        needs_x, needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:4]
        gx = library.apply_gradient_x(hidden, weight, bias, gy) if needs_x else None
        gh = gw = gbias = None
        B, _, H, W = x.shape
        if B * -(-H // 4) * -(-W // 4) < _FEW_TILES and (needs_hidden or needs_weight or needs_bias):
            gkernels = gradient_kernels(F.pad(x.float(), [1] * 4), gy.float(), SIZE)
            gh, gw, gbias = _layer_gradients(
                gkernels, hidden.float(), weight, (1, 1), ctx.needs_input_grad[1:4]
            )
        else:
            if needs_hidden:
                gh = library.apply_gradient_h(x, gy, weight)
            if needs_weight or needs_bias:
                gw, gbias = library.gradient_w(hidden, gy, x)
        return *_as(ctx.saved_tensors, (gx, gh, gw, gbias)), None


class _Strips(torch.autograd.Function):
    """Strip of rows by strip of rows, in PyTorch."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor | None, rows: int
    ) -> Tensor:
        ctx.save_for_backward(x, hidden, weight, bias)
        ctx.rows = rows
        padded, padded_hidden = F.pad(x, [1] * 4), F.pad(hidden, (0, 0, 1, 1))
        y = torch.empty_like(x)
        for top in range(0, x.shape[2], rows):
            # Slices end at the map's end by themselves.
            strip = padded_hidden[:, :, top : top + rows + 2]
            kernels = F.conv2d(strip, weight.to(strip.dtype), _to(bias, strip.dtype), padding=(0, 1))
            y[:, :, top : top + rows] = filter_padded(
                padded[:, :, top : top + rows + 2], kernels.to(x.dtype), SIZE
            )
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        x, hidden, weight, bias = ctx.saved_tensors
        needs_x, rows = ctx.needs_input_grad[0], ctx.rows
        padded, padded_hidden = F.pad(x, [1] * 4), F.pad(hidden, (0, 0, 1, 1))
        layer_weight, layer_bias = weight.to(hidden.dtype), _to(bias, hidden.dtype)
        gx = torch.zeros_like(padded)
        gh, gw = torch.zeros_like(padded_hidden), torch.zeros_like(weight)
        gbias = None if bias is None else torch.zeros_like(bias)
        for top in range(0, x.shape[2], rows):
            gy_strip, window = gy[:, :, top : top + rows], slice(top, top + rows + 2)
            strip = padded_hidden[:, :, window]
            if needs_x:
                kernels = F.conv2d(strip, layer_weight, layer_bias, padding=(0, 1)).to(x.dtype)
                gx[:, :, window] += gradient_padded(kernels, gy_strip, SIZE)
            gkernels = gradient_kernels(padded[:, :, window], gy_strip, SIZE).to(hidden.dtype)
            found = _layer_gradients(gkernels, strip, layer_weight, (0, 1), ctx.needs_input_grad[1:4])
            for total, part in zip((gh[:, :, window], gw, gbias), found, strict=True):
                if total is not None and part is not None:
                    total += part
        whole = (gx[:, :, 1:-1, 1:-1], gh[:, :, 1:-1], gw, gbias)
        wanted = (g if need else None for g, need in zip(whole, ctx.needs_input_grad[:4], strict=True))
        return *_as(ctx.saved_tensors, tuple(wanted)), None


def _layer_gradients(
    gkernels: Tensor, hidden: Tensor, weight: Tensor, padding: tuple[int, int], needs: tuple[bool, ...]
) -> tuple[Tensor | None, ...]:
    """Gradients of the predicting layer for hidden, weight and bias, where needed."""
    if not any(needs):
        return None, None, None
    found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        gkernels, hidden, weight, [weight.shape[0]], (1, 1), padding, (1, 1), False, (0, 0), 1, needs
    )
    return found


def _to(x: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if x is None else x.to(dtype)


def _as(inputs: tuple[Tensor | None, ...], gradients: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    """Gradients in the types of their inputs."""
    return tuple(
        None if g is None or x is None else g.to(x.dtype) for x, g in zip(inputs, gradients, strict=True)
    )
