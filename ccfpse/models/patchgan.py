"""Multi-scale PatchGAN, which FPSE is compared with: the layout enters as channels beside the image."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.discriminator import Discriminator, Features
from ccfpse.models.fpse import InstanceUnit

N_SCALES = 2
MOST_CHANNELS = 512
SMALLEST_SIDE = 32
"""So that the second scale's patches are more than borders."""


class PatchNetwork(nn.Module):
    """One scale: four 4x4 convolutions, then a score for every patch."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        widths = [width, *(min(width * 2**i, MOST_CHANNELS) for i in (1, 2, 3))]
        self.first = nn.Conv2d(in_channels, widths[0], 4, stride=2, padding=2)
        self.middle = nn.ModuleList(
            InstanceUnit(widths[i], widths[i + 1], 4, stride) for i, stride in enumerate((2, 2, 1))
        )
        self.score = nn.Conv2d(widths[-1], 1, 4, padding=2)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Layout beside image, (B, K + 3, H, W) -> scores (B, 1, h, w), and the four layers before them."""
        layers = [F.leaky_relu(self.first(x), 0.2)]
        for unit in self.middle:
            layers.append(unit(layers[-1]))
        return self.score(layers[-1]), layers


class PatchDiscriminator(Discriminator):
    """The same kind of network on the image and on the image at half its size.

    Source: Wang et al. 2018, arXiv:1711.11585, section 3.2; as used by Park et al. 2019, arXiv:1903.07291.
    """

    def __init__(self, n_layout: int, width: int = 64) -> None:
        super().__init__(n_layout, width)
        self.scales = nn.ModuleList(PatchNetwork(n_layout + 3, width) for _ in range(N_SCALES))

    def forward(self, image: Tensor, layout: Tensor) -> tuple[list[Tensor], Features]:
        """Scores of patches at full and at half size, as `Discriminator.forward`; both sides 32 at least."""
        self._check(image, layout)
        x = torch.cat([layout.repeat(len(image) // max(len(layout), 1), 1, 1, 1), image], dim=1)
        scores, groups = [], []
        for i, network in enumerate(self.scales):
            if i:
                x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
            score, layers = network(x)
            scores.append(score)
            groups.append(layers)
        return scores, groups

    def features(self, image: Tensor, layout: Tensor) -> Features:
        """Of every scale the four layers before its score."""
        return self(image, layout)[1]  # type: ignore[no-any-return]

    def _check(self, image: Tensor, layout: Tensor) -> None:
        super()._check(image, layout)
        if min(layout.shape[2:]) < SMALLEST_SIDE:
            raise ValueError(
                f"size {layout.shape[2]}x{layout.shape[3]} is too small for PatchGAN; both sides must be at "
                f"least {SMALLEST_SIDE}"
            )
