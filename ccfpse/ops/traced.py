"""The operations in a fixed number of standard ones, for graphs that serve every batch and size."""

import torch.nn.functional as F
from torch import Tensor

from ccfpse.native.library import Finish
from ccfpse.ops.plain import Plain, kernel_side
from ccfpse.ops.scaled import Scaled


class Traced(Plain):
    """`Plain` without gradients, whose strips would be a loop that depends on the map's size.

    Here the loop is over taps: one tap of all kernels, (B, C, H, W), is predicted and used at a time, so
    that the map of all taps never exists here either. Multiplications are the same.
    """

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
        """As in `Plain`; never transposed, which only gradients are."""
        y = F.conv2d(h, weight, bias, padding=1)
        if finish is Finish.RELU:
            return F.relu(y)
        if other is not None:
            return F.leaky_relu(other * y.sigmoid(), 0.2)
        return F.leaky_relu(y, 0.2) if finish is Finish.LEAKY_RELU else y

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
        x, side = Scaled(x, scale, shift).at((h.shape[2], h.shape[3])), kernel_side(len(weight), x.shape[1])
        n_taps = side**2
        weights = weight.view(-1, n_taps, *weight.shape[1:]).unbind(1)
        biases = [None] * n_taps if bias is None else bias.view(-1, n_taps).unbind(1)
        terms = [
            _moved(x, s // side - side // 2, s % side - side // 2) * self.conv(h, weights[s], biases[s])
            for s in range(n_taps)
        ]
        return sum(terms[1:], start=terms[0])


def _moved(x: Tensor, down: int, right: int) -> Tensor:
    """What a tap sees: y[i, j] = x[i + down, j + right], zeros outside; no size is mentioned."""
    return F.pad(x, (-right, right, -down, down)) if down or right else x
