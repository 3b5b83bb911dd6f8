"""Convolution whose weight is divided by its largest singular value.

Legacy semantics, as in the published networks: one power iteration at every forward pass
in training mode, none in evaluation mode; the singular vectors are constants to the gradient.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.ops import conv3x3

EPS = 1e-12


class SpectralNormConv2d(nn.Conv2d):
    """A `Conv2d` that computes with ``weight / σ``, σ = uᵀ W v, W the weight as a matrix.

    The buffers ``u`` (output channels) and ``v`` (all other dimensions) estimate the leading
    singular vectors; they start from a random ``u`` and follow the weight as training goes. The division
    is computed in float32 at least, under autocast too.

    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1.
    """

    u: Tensor
    v: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, size: int, stride: int = 1, bias: bool = False
    ) -> None:
        super().__init__(in_channels, out_channels, size, stride, padding=size // 2, bias=bias)
        rows, columns = self.weight.flatten(1).shape
        self.register_buffer("u", torch.randn(rows))
        self.register_buffer("v", torch.zeros(columns))
        self.iterate()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H / stride, W / stride)."""
        weight = self.normalised_weight()
        if self.is_plain_3x3:
            return conv3x3(x, weight, self.bias)
        convolved: Tensor = self._conv_forward(x, weight, self.bias)
        return convolved

    @property
    def is_plain_3x3(self) -> bool:
        """Whether `conv3x3` computes it."""
        return self.kernel_size == (3, 3) and self.stride == (1, 1)

    def normalised_weight(self) -> Tensor:
        """``weight / σ``, after one power iteration where the module is in training mode."""
        with torch.autocast(self.weight.device.type, enabled=False):
            matrix = self.weight.flatten(1)
            if self.training:
                self.iterate()
            # Clones: the next forward pass overwrites the buffers, perhaps before this one's backward pass.
            sigma = self.u.clone() @ (matrix @ self.v.clone())
            return self.weight / sigma

    @torch.no_grad()
    def iterate(self) -> None:
        """One power iteration: ``v`` from ``u``, then ``u`` from ``v``; σ is positive afterwards."""
        matrix = self.weight.flatten(1)
        self.v.copy_(F.normalize(self.u @ matrix, dim=0, eps=EPS))
        self.u.copy_(F.normalize(matrix @ self.v, dim=0, eps=EPS))

    @torch.no_grad()
    def refresh(self) -> None:
        """Set ``u`` and ``v`` to the leading singular vectors, so that σ is exact."""
        left, _, right = torch.linalg.svd(self.weight.double().flatten(1), full_matrices=False)
        self.u.copy_(left[:, 0])
        self.v.copy_(right[0])


def refresh_spectral_norms(module: nn.Module) -> None:
    """Make every spectral norm inside ``module`` exact, in place.

    For averaged weights, whose singular vectors no power iteration has followed.
    """
    for child in module.modules():
        if isinstance(child, SpectralNormConv2d):
            child.refresh()


class DividedConv2d(nn.Conv2d):
    """What a `SpectralNormConv2d` in evaluation mode computes, its weight divided once and for all."""

    def normalised_weight(self) -> Tensor:
        """The weight as it is."""
        return self.weight

    @property
    def is_plain_3x3(self) -> bool:
        """As in `SpectralNormConv2d`."""
        return self.kernel_size == (3, 3) and self.stride == (1, 1)


def without_spectral_norms(module: nn.Module) -> nn.Module:
    """``module`` in evaluation mode, spectral norms multiplied out in place."""
    for name, child in module.named_children():
        if isinstance(child, SpectralNormConv2d):
            setattr(module, name, _divided(child))
        else:
            without_spectral_norms(child)
    return module.eval()


@torch.no_grad()
def _divided(conv: SpectralNormConv2d) -> DividedConv2d:
    n_out, n_in, size, _ = conv.weight.shape
    made = DividedConv2d(n_in, n_out, size, conv.stride[0], size // 2, bias=conv.bias is not None)
    made.weight.copy_(conv.eval().normalised_weight())
    if conv.bias is not None and made.bias is not None:
        made.bias.copy_(conv.bias)
    return made
