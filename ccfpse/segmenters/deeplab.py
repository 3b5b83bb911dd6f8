"""DeepLab-v2 for COCO-Stuff, the segmenter of the papers' COCO-Stuff figures."""

from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.classfiles import load_class_table
from ccfpse.segmenters.segmenter import Segmenter, evaluated_names
from ccfpse.segmenters.weights import load_published

FILES = ("deeplabv2_resnet101_msc-cocostuff164k-100000.pth",)
"""As its authors call them."""
SOURCE = "github.com/kazuto1011/deeplab-pytorch"
_NAME = "DeepLab-v2 ResNet-101 (multi-scale)"
_FILE = f"DeepLab-v2 for COCO-Stuff 164k, {FILES[0]} of {SOURCE}"
_MEAN_BGR = (104.008, 116.669, 122.675)
_OTHER_SCALES = (0.5, 0.75)
_RATES = (6, 12, 18, 24)
# Blocks, 1x1 and 3x3 width, stride and dilation of the stages after the stem.
_STAGES = ((3, 64, 1, 1), (4, 128, 2, 1), (23, 256, 1, 2), (3, 512, 1, 4))


class DeepLabV2(nn.Module):
    """ResNet-101 at an eighth of the photo's size, read by dilated convolutions, at three scales.

    Args:
        n_classes: K, output channels.

    Source: Chen et al. 2017, arXiv:1606.00915, sections 3.1 and 3.2; facts of the released weights.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        layers: dict[str, nn.Module] = {"layer1": _stem()}
        n_in = 64
        for number, (n_blocks, width, stride, dilation) in enumerate(_STAGES, start=2):
            layers[f"layer{number}"] = _stage(n_in, width, n_blocks, stride, dilation)
            n_in = 4 * width
        layers["aspp"] = _Classifier(n_in, n_classes)
        self.base = nn.Sequential(OrderedDict(layers))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (B, K, H, W) of photos, RGB (B, 3, H, W) in [0, 255]."""
        image = pixels.flip(1) - torch.tensor(_MEAN_BGR, device=pixels.device).view(3, 1, 1)
        best = self.base(image)  # (B, K, ~H/8, ~W/8)
        for scale in _OTHER_SCALES:
            smaller = F.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False)
            best = torch.maximum(best, _resized(self.base(smaller), best.shape[2:]))
        return _resized(best, pixels.shape[2:])


class DeepLabSegmenter(Segmenter):
    """Reads photos into the 182 classes of COCO-Stuff, at the size they come in.

    Raises:
        ModelFileError: `weights` is not the authors' file.
    """

    def __init__(self, weights: Path, device: torch.device) -> None:
        names = evaluated_names(load_class_table("coco-stuff"))
        network = load_published(lambda: DeepLabV2(len(names)), weights, _FILE)
        super().__init__(_NAME, names, [weights], device)
        self._network = network.to(device)

    def scores(self, pixels: Tensor) -> Tensor:
        """Logits (B, 182, H, W)."""
        scores: Tensor = self._network(pixels)
        return scores


class _Unit(nn.Sequential):
    """Convolution without bias and batch norm, with ReLU unless it is left out."""

    def __init__(
        self, n_in: int, n_out: int, size: int, stride: int = 1, dilation: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        padding = dilation * (size // 2)
        self.conv = nn.Conv2d(n_in, n_out, size, stride, padding, dilation, bias=False)
        self.bn = nn.BatchNorm2d(n_out)
        if relu:
            self.relu = nn.ReLU(inplace=True)


class _Block(nn.Module):
    """A bottleneck whose stride sits on its first 1x1, as in the first ResNets."""

    def __init__(self, n_in: int, width: int, stride: int, dilation: int, projects: bool) -> None:
        super().__init__()
        n_out = 4 * width
        self.reduce = _Unit(n_in, width, 1, stride)
        self.conv3x3 = _Unit(width, width, 3, dilation=dilation)
        self.increase = _Unit(width, n_out, 1, relu=False)
        self.shortcut = _Unit(n_in, n_out, 1, stride, relu=False) if projects else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.increase(self.conv3x3(self.reduce(x))))


class _Classifier(nn.Module):
    """The sum of 3x3 convolutions of different dilations ("atrous spatial pyramid pooling")."""

    def __init__(self, n_in: int, n_classes: int) -> None:
        super().__init__()
        for i, rate in enumerate(_RATES):
            self.add_module(f"c{i}", nn.Conv2d(n_in, n_classes, 3, padding=rate, dilation=rate))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([branch(x) for branch in self.children()]).sum(dim=0)


def _stem() -> nn.Sequential:
    pool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
    return nn.Sequential(OrderedDict(conv1=_Unit(3, 64, 7, stride=2), pool=pool))


def _stage(n_in: int, width: int, n_blocks: int, stride: int, dilation: int) -> nn.Sequential:
    blocks = {"block1": _Block(n_in, width, stride, dilation, projects=True)}
    for number in range(2, n_blocks + 1):
        blocks[f"block{number}"] = _Block(4 * width, width, 1, dilation, projects=False)
    return nn.Sequential(OrderedDict(blocks))


def _resized(logits: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
