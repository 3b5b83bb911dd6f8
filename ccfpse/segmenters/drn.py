"""DRN-D-105 for Cityscapes, the segmenter of the papers' Cityscapes figures."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.classfiles import load_class_table
from ccfpse.segmenters.layers import bottlenecks, normalised, unit
from ccfpse.segmenters.segmenter import Segmenter, evaluated_names
from ccfpse.segmenters.weights import load_published

FILES = ("drn-d-105_ms_cityscapes.pth",)
"""As its authors call them."""
SOURCE = "github.com/fyu/drn"
_NAME = "DRN-D-105"
_FILE = f"DRN-D-105 for Cityscapes, {FILES[0]}, to which {SOURCE} leads"
_MEAN, _DEVIATION = (0.290101, 0.328081, 0.286964), (0.182954, 0.186566, 0.184475)


class DrnD105(nn.Module):
    """Dilated residual network; an eighth of the photo's size inside, enlarged by its last layer.

    Args:
        n_classes: K, output channels.

    Source: Yu et al. 2017, arXiv:1705.09914, section 4 (DRN-C, which the authors simplified to D);
    facts of the released weights.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.base = nn.Sequential(
            unit(3, 16, 7),
            unit(16, 16, 3),
            unit(16, 32, 3, stride=2),
            bottlenecks(32, 64, 3, stride=2),
            bottlenecks(256, 128, 4, stride=2),
            bottlenecks(512, 256, 23, dilation=2),
            bottlenecks(1024, 512, 3, dilation=4),
            unit(2048, 512, 3, dilation=2),
            unit(512, 512, 3),
        )
        self.seg = nn.Conv2d(512, n_classes, 1)
        self.up = nn.ConvTranspose2d(
            n_classes, n_classes, 16, stride=8, padding=4, groups=n_classes, bias=False
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Log-probabilities (B, K, H, W) of photos, RGB (B, 3, H, W) in [0, 255]."""
        H, W = pixels.shape[2:]
        features = self.base(normalised(pixels, _MEAN, _DEVIATION))  # (B, 512, ⌈H/8⌉, ⌈W/8⌉)
        logits = self.up(self.seg(features))[..., :H, :W]  # (B, K, H, W)
        return F.log_softmax(logits, dim=1)


class DrnSegmenter(Segmenter):
    """Reads photos into the 19 train ids of Cityscapes, at the size they come in.

    Raises:
        ModelFileError: `weights` is not the authors' file.
    """

    def __init__(self, weights: Path, device: torch.device) -> None:
        names = evaluated_names(load_class_table("cityscapes"))
        network = load_published(lambda: DrnD105(len(names)), weights, _FILE)
        super().__init__(_NAME, names, [weights], device)
        self._network = network.to(device)

    def scores(self, pixels: Tensor) -> Tensor:
        """Log-probabilities (B, 19, H, W)."""
        scores: Tensor = self._network(pixels)
        return scores
