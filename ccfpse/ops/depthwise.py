"""Depthwise convolution with a kernel of its own at every position, predicted from the layout.

The paper's conditional convolution (section 3.1) is this operation followed by an ordinary
1x1 convolution. The reference is the definition written down; the other form, and the pieces of it that
serve a strip of a map, never hold the 9·C unfolded channels.
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
    """`conditional_depthwise_conv_reference` as a sum over shifted views of the padded input.

    The backward pass needs ``x`` and ``kernels`` alone.
    """
    _check(x, kernels, size)
    y: Tensor = _ShiftedSum.apply(x, kernels.to(x.dtype), size)
    return y


class _ShiftedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernels: Tensor, size: int) -> Tensor:
        ctx.save_for_backward(x, kernels)
        ctx.size = size
        return filter_padded(F.pad(x, [size // 2] * 4), kernels, size)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, kernels = ctx.saved_tensors
        margin, (H, W) = ctx.size // 2, x.shape[2:]
        grad_x = grad_kernels = None
        if ctx.needs_input_grad[0]:
            padded = gradient_padded(kernels, grad, ctx.size)
            grad_x = padded[:, :, margin : margin + H, margin : margin + W]
        if ctx.needs_input_grad[1]:
            grad_kernels = gradient_kernels(F.pad(x, [margin] * 4), grad, ctx.size)
        return grad_x, grad_kernels, None


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
    """The reference of a map with its margin of zeros, (B, C, H + size - 1, W + size - 1)."""
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
