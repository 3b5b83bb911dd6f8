"""The operations of the compiled kernels in PyTorch, for every device and type; kernels a strip at a time."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.native.library import Finish
from ccfpse.ops.depthwise import filter_padded, gradient_kernels, gradient_padded
from ccfpse.ops.scaled import Scaled

_STRIP_BYTES = {"cpu": 8 << 20, "other": 256 << 20}
"""Of predicted kernels at a time (docs/speed.md)."""
_KEPT_BYTES = 64 << 20
"""Of a map of predicted numbers that is rather kept for the backward pass than predicted again there."""


class Plain:
    """What `ccfpse.native.library.Library` offers, argument by argument, but for layouts given as codes."""

    def conv(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        *,
        transposed: bool = False,
        finish: Finish = Finish.PLAIN,
        other: Tensor | None = None,
    ) -> Tensor:
        """3x3 convolution (B, IC, H, W) -> (B, C, H, W), finished as `finish` says."""
        convolve = F.conv_transpose2d if transposed else F.conv2d
        weight, bias = weight.to(h.dtype), to_type(bias, h.dtype)
        y = convolve(h, weight, bias, padding=1)
        if finish is Finish.RELU:
            return y.relu_()
        if other is not None:
            return F.leaky_relu_(other * y.sigmoid(), 0.2)
        return F.leaky_relu_(y, 0.2) if finish is Finish.LEAKY_RELU else y

    def gradient_w(self, h: Tensor, gy: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of `conv` for weight and bias."""
        weight = h.new_empty(gy.shape[1], h.shape[1], 3, 3)
        _, gw, gbias = _layer_gradients(gy.to(h.dtype), h, weight, (1, 1), (False, True, True))
        assert gw is not None
        assert gbias is not None
        return gw, gbias

    def apply(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        x: Tensor,
        scale: Tensor | None = None,
        shift: Tensor | None = None,
    ) -> Tensor:
        """Filters x (B, C, H, W) with the kernels that weight (C·S, IC, 3, 3) predicts from h."""
        H, W = h.shape[2:]
        x, size = Scaled(x, scale, shift).at((H, W)), kernel_side(len(weight), x.shape[1])
        rows = strip_rows(x, h, size)
        padded, padded_h = F.pad(x, [size // 2] * 4), F.pad(h, (0, 0, 1, 1))
        weight, bias = weight.to(h.dtype), to_type(bias, h.dtype)
        y = torch.empty_like(x)
        for top in range(0, H, rows):
            # Slices end at the map's end by themselves.
            strip, window = padded_h[:, :, top : top + rows + 2], slice(top, top + rows + size - 1)
            kernels = F.conv2d(strip, weight, bias, padding=(0, 1)).to(x.dtype)
            y[:, :, top : top + rows] = filter_padded(padded[:, :, window], kernels, size)
        return y

    def apply_gradients(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        x: Tensor,
        gy: Tensor,
        needs: tuple[bool, bool, bool],
    ) -> tuple[Tensor | None, ...]:
        """Gradients of `apply` for x, h, weight and bias; `needs`: for x, for h, for the two others."""
        needs_x, needs_h, needs_layer = needs
        size = kernel_side(len(weight), x.shape[1])
        rows, margin = strip_rows(x, h, size), size // 2
        padded, padded_h = F.pad(x, [margin] * 4), F.pad(h, (0, 0, 1, 1))
        weight, bias = weight.to(h.dtype), to_type(bias, h.dtype)
        # Sums over strips: in bfloat16 the last ones would be lost.
        wide = torch.promote_types(h.dtype, torch.float32)
        gx, gh, gw = (torch.zeros_like(t, dtype=wide) for t in (padded, padded_h, weight))
        gbias = gw.new_zeros(len(weight))
        for top in range(0, x.shape[2], rows):
            gy_strip = gy[:, :, top : top + rows].to(x.dtype)
            window, window_h = slice(top, top + rows + size - 1), slice(top, top + rows + 2)
            strip = padded_h[:, :, window_h]
            if needs_x:
                kernels = F.conv2d(strip, weight, bias, padding=(0, 1)).to(x.dtype)
                gx[:, :, window] += gradient_padded(kernels, gy_strip, size)
            gkernels = gradient_kernels(padded[:, :, window], gy_strip, size).to(h.dtype)
            found = _layer_gradients(gkernels, strip, weight, (0, 1), (needs_h, needs_layer, needs_layer))
            for total, part in zip((gh[:, :, window_h], gw, gbias), found, strict=True):
                if part is not None:
                    total += part
        H, W = x.shape[2:]
        gx = gx[:, :, margin : margin + H, margin : margin + W]
        whole = (gx, gh[:, :, 1:-1], gw, gbias)
        needed = (needs_x, needs_h, needs_layer, needs_layer)
        return tuple(g if need else None for g, need in zip(whole, needed, strict=True))

    def modulate(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        x: Tensor,
        scale: Tensor | None = None,
        shift: Tensor | None = None,
    ) -> Tensor:
        """``x · (1 + r[0]) + r[1]``, r[i] of channel c the output 2c + i of a convolution of h."""
        r = self.conv(h, weight, bias)
        x = Scaled(x, scale, shift).at((h.shape[2], h.shape[3]))
        return torch.addcmul(r[:, 1::2], x, 1 + r[:, ::2])


def is_kept(x: Tensor, n_predicted: int) -> bool:
    """Whether a map of n_predicted numbers a position of x (B, C, H, W) is small enough to be kept."""
    B, _, H, W = x.shape
    return B * n_predicted * H * W * x.element_size() <= _KEPT_BYTES


def kernel_side(n_predicted: int, C: int) -> int:
    """Side of the kernels that n_predicted numbers a position hold for C channels.

    Raises:
        ValueError: they are no square kernels of an odd side.
    """
    side = math.isqrt(n_predicted // max(C, 1))
    if C and (side * side * C != n_predicted or side % 2 == 0):
        raise ValueError(f"{n_predicted} numbers are no kernels of an odd side for {C} channels")
    return side


def strip_rows(x: Tensor, h: Tensor, size: int) -> int:
    """Rows whose predicted kernels fit the budget of a strip; at least 1."""
    B, C, _, W = x.shape
    row_bytes = B * C * size**2 * W * h.element_size()
    budget = _STRIP_BYTES["cpu" if x.device.type == "cpu" else "other"]
    return max(1, budget // max(1, row_bytes))


def _layer_gradients(
    gy: Tensor, h: Tensor, weight: Tensor, padding: tuple[int, int], needs: tuple[bool, bool, bool]
) -> tuple[Tensor | None, ...]:
    """Gradients of a convolution for its input, weight and bias, where needed."""
    if not any(needs):
        return None, None, None
    found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        gy, h, weight, [weight.shape[0]], (1, 1), padding, (1, 1), False, (0, 0), 1, needs
    )
    return found


def to_type(x: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """x, where there is one, in another type."""
    return None if x is None else x.to(dtype)
