"""FPSE, the paper's discriminator: scores an image at three scales, realism and match with the layout.

The paper's feature-pyramid semantics-embedding discriminator.
"""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.discriminator import Discriminator, Features
from ccfpse.models.sizes import check_size
from ccfpse.models.spectral_norm import SpectralNormConv2d

SIZE_MULTIPLE = 32
SMALLEST_AREA = 2 * SIZE_MULTIPLE**2
"""Instance norm needs two positions at the coarsest level, whose stride is 32."""


class InstanceUnit(nn.Module):
    """Spectrally normalised convolution without bias, instance norm without affine, leaky ReLU."""

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = SpectralNormConv2d(in_channels, out_channels, size, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H / stride, W / stride)."""
        return F.leaky_relu(F.instance_norm(self.conv(x)), 0.2)


class PyramidDiscriminator(Discriminator):
    """Feature pyramid on the image; at strides 4, 8, 16 a score per position.

    ``score = truth(f) + Σ_channels embed(layout) · semantics(f)``: how real it looks, and how
    well the features there agree with what the layout says is there.

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.2.
    """

    def __init__(self, n_layout: int, width: int = 64) -> None:
        super().__init__(n_layout, width)
        channels = [3, width, 2 * width, 4 * width, 8 * width, 8 * width]
        self.bottom_up = nn.ModuleList(
            InstanceUnit(n_in, n_out, 3, stride=2) for n_in, n_out in itertools.pairwise(channels)
        )
        self.laterals = nn.ModuleList(
            InstanceUnit(n_in, 4 * width, 1) for n_in in channels[2:]
        )  # fine to coarse
        self.final = nn.ModuleList(
            InstanceUnit(4 * width, 2 * width, 3) for _ in range(3)
        )  # strides 4, 8, 16
        self.truth = nn.Conv2d(2 * width, 1, 1)
        self.semantics = nn.Conv2d(2 * width, 2 * width, 1)
        self.embedding = nn.Conv2d(n_layout, 2 * width, 1)

    def forward(self, image: Tensor, layout: Tensor) -> tuple[list[Tensor], Features]:
        """Scores at strides 4, 8, 16; the layouts, (B, K, H, W), are embedded once for all images of theirs.

        As `Discriminator.forward`. Height and width are multiples of 32, and 2048 positions at least.
        """
        self._check(image, layout)
        levels = self._bottom_up(image)
        scores = []
        for level, pooled in zip(self._top_down(levels), _pooled(layout), strict=True):
            embedded = self.embedding(pooled)  # (B, 2F, h, w)
            semantics = self.semantics(level).unflatten(0, (-1, layout.shape[0]))  # (n, B, 2F, h, w)
            match = (semantics * embedded).sum(dim=2).flatten(0, 1).unsqueeze(1)  # (n·B, 1, h, w)
            scores.append(self.truth(level) + match)
        return scores, [[level] for level in levels]

    def features(self, image: Tensor, layout: Tensor) -> Features:
        """Bottom-up features at strides 4, 8, 16, 32, which depend on the image alone."""
        return [[level] for level in self._bottom_up(image)]

    def _bottom_up(self, image: Tensor) -> list[Tensor]:
        levels = [image]
        for unit in self.bottom_up:
            levels.append(unit(levels[-1]))
        return levels[2:]

    def _top_down(self, features: list[Tensor]) -> list[Tensor]:
        """What is scored at strides 4, 8, 16, each (n·B, 2F, h, w)."""
        laterals = [lateral(feature) for lateral, feature in zip(self.laterals, features, strict=True)]
        merged = [laterals.pop()]
        while laterals:
            coarser = F.interpolate(merged[-1], scale_factor=2.0, mode="bilinear", align_corners=False)
            merged.append(coarser + laterals.pop())
        fine_to_coarse = merged[:0:-1]
        return [unit(level) for unit, level in zip(self.final, fine_to_coarse, strict=True)]

    def _check(self, image: Tensor, layout: Tensor) -> None:
        super()._check(image, layout)
        size = (layout.shape[2], layout.shape[3])
        check_size(size, SIZE_MULTIPLE)
        if size[0] * size[1] < SMALLEST_AREA:
            raise ValueError(
                f"size {size[0]}x{size[1]} is too small to discriminate; the smallest are 32x64 and 64x32"
            )


def _pooled(layout: Tensor) -> list[Tensor]:
    """The layout averaged over cells of 4, 8 and 16 pixels.

    Pooling before the 1x1 embedding gives what embedding at full size and pooling gives, since
    both are linear and the bias is its own average; at 1/16 of the pixels.
    """
    quarter = F.avg_pool2d(layout, 4)
    eighth = F.avg_pool2d(quarter, 2)
    return [quarter, eighth, F.avg_pool2d(eighth, 2)]
