"""Spatially adaptive normalisation: the layout scales and shifts normalised features."""

from torch import Tensor, nn

from ccfpse.models.batch_norm import BatchNorm2d
from ccfpse.models.condition import layer
from ccfpse.models.spectral_norm import SpectralNormConv2d
from ccfpse.ops import Condition, modulated


class SpadeNorm(nn.Module):
    """``bn(x) · (1 + γ(condition)) + β(condition)``, γ and β predicted by convolutions.

    Source: Park et al. 2019, arXiv:1903.07291, section 3.
    """

    def __init__(self, n_features: int, n_condition: int, hidden: int) -> None:
        super().__init__()
        self.norm = BatchNorm2d(n_features, affine=False)
        self.shared = nn.Conv2d(n_condition, hidden, 3, padding=1)
        self.gamma = nn.Conv2d(hidden, n_features, 3, padding=1)
        self.beta = nn.Conv2d(hidden, n_features, 3, padding=1)

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Features (B, C, H, W), or half that size, and their condition -> features (B, C, H, W)."""
        layers = (layer(conv) for conv in (self.shared, self.gamma, self.beta))
        return modulated(self.norm.lazily(x), condition, *layers)


class SpadeShortcut(nn.Module):
    """Change of width beside the residual branch: SPADE, then a 1x1 convolution without bias."""

    def __init__(self, in_channels: int, out_channels: int, n_condition: int, hidden: int) -> None:
        super().__init__()
        self.norm = SpadeNorm(in_channels, n_condition, hidden)
        self.mix = SpectralNormConv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Features (B, in, H, W), or half that size, and their condition -> features (B, out, H, W)."""
        mixed: Tensor = self.mix(self.norm(x, condition))
        return mixed
