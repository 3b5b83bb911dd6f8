"""Depthwise convolution with a kernel of its own at every position, predicted from the layout.

The paper's conditional convolution (section 3.1) is this operation followed by an ordinary
1x1 convolution. Two forms that agree: the reference, which is the definition written
down, and the form that the networks use, which never holds the 9·C unfolded channels.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def conditional_depthwise_conv_reference(x: Tensor, kernels: Tensor, size: int = 3) -> Tensor:
    """Filter every position of every channel with a kernel of its own; the specification.

    ``y[b,c,i,j] = Σ_s x[b,c,(i,j)+offset(s)] · kernels[b,c·S+s,i,j]``, zeros outside the image.

    Args:
        x: features, (B, C, H, W).
        kernels: predicted taps, (B, C·S, H, W), a channel's S taps together, row by row.
        size: side of the kernel in positions, odd; S = size².

    Returns:
        Filtered features, (B, C, H, W), dtype of ``x``.

    Raises:
        ValueError: the kernels do not fit ``x``, or ``size`` is even.

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.1.
    """
    _check(x, kernels, size)
    B, C, H, W = x.shape
    patches = F.unfold(x, size, padding=size // 2).view(B, C, size**2, H, W)
    taps = kernels.to(x.dtype).view(B, C, size**2, H, W)
    return (patches * taps).sum(dim=2)  # (B, C, H, W)


def conditional_depthwise_conv(x: Tensor, kernels: Tensor, size: int = 3) -> Tensor:
    """Filter every position of every channel with a kernel of its own.

    Equal to `conditional_depthwise_conv_reference`, with the same arguments and refusals, but
    sums over S shifted views of the padded input instead of unfolding it, and keeps only
    ``x`` and ``kernels`` for the backward pass.
    """
    _check(x, kernels, size)
    y: Tensor = _ShiftedSum.apply(x, kernels.to(x.dtype), size)
    return y


def _check(x: Tensor, kernels: Tensor, size: int) -> None:
    if size < 1 or size % 2 == 0:
        raise ValueError(f"kernel size is {size}; it must be odd and positive")
    if x.dim() != 4:
        raise ValueError(f"x is {tuple(x.shape)}; it must be (B, C, H, W)")
    B, C, H, W = x.shape
    if kernels.shape != (need := (B, C * size**2, H, W)):
        raise ValueError(f"kernels are {tuple(kernels.shape)}, need {need} for this x and size {size}")


def _shifted(padded: Tensor, size: int) -> list[Tensor]:
    """The S views of a padded map that a kernel's taps see, row by row; each (B, C, H, W)."""
    H, W = padded.shape[2] - size + 1, padded.shape[3] - size + 1
    return [padded[:, :, i : i + H, j : j + W] for i in range(size) for j in range(size)]


def _taps(kernels: Tensor, size: int) -> tuple[Tensor, ...]:
    """S views of the kernels, each one tap of every channel, (B, C, H, W)."""
    B, n_kernels, H, W = kernels.shape
    return kernels.view(B, n_kernels // size**2, size**2, H, W).unbind(2)


def filter_padded(padded: Tensor, kernels: Tensor, size: int) -> Tensor:
    """`conditional_depthwise_conv` of a map with its margin of zeros, (B, C, H + size - 1, W + size - 1)."""
    views, taps = _shifted(padded, size), _taps(kernels, size)
    y = views[0] * taps[0]
    for view, tap in zip(views[1:], taps[1:], strict=True):
        y.addcmul_(view, tap)
    return y


def gradient_padded(kernels: Tensor, grad: Tensor, size: int) -> Tensor:
    """Gradient of `filter_padded` for the padded map, from that for its result."""
    B, C, H, W = grad.shape
    padded = grad.new_zeros(B, C, H + size - 1, W + size - 1)
    for view, tap in zip(_shifted(padded, size), _taps(kernels, size), strict=True):
        view.addcmul_(grad, tap)
    return padded


def gradient_kernels(padded: Tensor, grad: Tensor, size: int) -> Tensor:
    """Gradient of `filter_padded` for the kernels, from that for its result."""
    B, C, H, W = grad.shape
    kernels = grad.new_empty(B, C * size**2, H, W)
    for view, tap in zip(_shifted(padded, size), _taps(kernels, size), strict=True):
        torch.mul(view, grad, out=tap)
    return kernels


class _ShiftedSum(torch.autograd.Function):
    """Sum over taps of shifted input times kernel, with the gradient written out."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernels: Tensor, size: int) -> Tensor:
        ctx.save_for_backward(x, kernels)
        ctx.size = size
        return filter_padded(F.pad(x, [size // 2] * 4), kernels, size)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, kernels = ctx.saved_tensors
        size, radius = ctx.size, ctx.size // 2
        _, _, H, W = x.shape
        grad_x = grad_kernels = None
        if ctx.needs_input_grad[0]:
            padded = gradient_padded(kernels, grad, size)
            grad_x = padded[:, :, radius : radius + H, radius : radius + W]
        if ctx.needs_input_grad[1]:
            grad_kernels = gradient_kernels(F.pad(x, [radius] * 4), grad, size)
        return grad_x, grad_kernels, None
