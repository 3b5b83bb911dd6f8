"""UPerNet with ResNet-101 for ADE20K, the segmenter of the papers' ADE20K figures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ccfpse.classfiles import load_class_table
from ccfpse.errors import SettingsError
from ccfpse.segmenters.layers import bottlenecks, normalised, unit
from ccfpse.segmenters.segmenter import Segmenter, evaluated_names
from ccfpse.segmenters.weights import load_published

AUTHORS_SIZES = (300, 375, 450, 525, 600)
"""Short sides in pixels that the authors' configuration averages over."""

FILES = ("encoder_epoch_50.pth", "decoder_epoch_50.pth")
"""As its authors call them, of ade20k-resnet101-upernet."""
SOURCE = "github.com/CSAILVision/semantic-segmentation-pytorch"
_NAME = "UPerNet ResNet-101"
_FILE = (
    f"the {{part}} of UPerNet-101 for ADE20K, {{file}} of ade20k-resnet101-upernet, to which {SOURCE} leads"
)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MULTIPLE = 32  # the encoder's coarsest stride
_POOLED_TO = (1, 2, 3, 6)
_STAGE_CHANNELS = (256, 512, 1024, 2048)


class Encoder(nn.Module):
    """ResNet-101 with a stem of three 3x3 convolutions.

    Source: He et al. 2016, arXiv:1512.03385; facts of the released weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1, _ = unit(3, 64, 3, stride=2)
        self.conv2, self.bn2, _ = unit(64, 64, 3)
        self.conv3, self.bn3, _ = unit(64, 128, 3)
        self.layer1 = bottlenecks(128, 64, 3)
        self.layer2 = bottlenecks(256, 128, 4, stride=2)
        self.layer3 = bottlenecks(512, 256, 23, stride=2)
        self.layer4 = bottlenecks(1024, 512, 3, stride=2)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of 256, 512, 1024, 2048 channels at strides 4, 8, 16, 32 of images (B, 3, H, W)."""
        x = F.relu(self.bn1(self.conv1(image)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.relu(self.bn3(self.conv3(x)))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        features = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            features.append(x)
        return features


class Decoder(nn.Module):
    """Pyramid pooling of the coarsest features, passed down to the finer ones; all of them are read together.

    Args:
        n_classes: K, output channels.

    Source: Xiao et al. 2018, arXiv:1807.10221, section 3.1; facts of the released weights.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        *finer, coarsest = _STAGE_CHANNELS
        width = 256
        self.ppm_conv = nn.ModuleList(unit(coarsest, 512, 1) for _ in _POOLED_TO)
        self.ppm_last_conv = unit(coarsest + 512 * len(_POOLED_TO), width, 3)
        self.fpn_in = nn.ModuleList(unit(channels, width, 1) for channels in finer)
        self.fpn_out = nn.ModuleList(nn.Sequential(unit(width, width, 3)) for _ in finer)
        self.conv_last = nn.Sequential(
            unit(width * len(_STAGE_CHANNELS), width, 3), nn.Conv2d(width, n_classes, 1)
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        """Logits (B, K, h, w) of the encoder's features, of the finest one's size."""
        *finer, coarsest = features
        pooled = [
            conv(_resized(F.adaptive_avg_pool2d(coarsest, size), coarsest.shape[2:]))
            for size, conv in zip(_POOLED_TO, self.ppm_conv, strict=True)
        ]
        x = self.ppm_last_conv(torch.cat([coarsest, *pooled], dim=1))  # (B, 256, H/32, W/32)
        levels = [x]
        for skipped, lateral, out in reversed(list(zip(finer, self.fpn_in, self.fpn_out, strict=True))):
            x = lateral(skipped) + _resized(x, skipped.shape[2:])
            levels.insert(0, out(x))
        together = torch.cat([_resized(level, levels[0].shape[2:]) for level in levels], dim=1)
        logits: Tensor = self.conv_last(together)
        return logits


class UPerNet(nn.Module):
    """Encoder and decoder, from photos to classes."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, pixels: Tensor, size: Sequence[int]) -> Tensor:
        """Log-probabilities (B, K, *size) of photos, RGB (B, 3, h, w) in [0, 255]."""
        logits = self.decoder(self.encoder(normalised(pixels, _MEAN, _DEVIATION)))
        return F.log_softmax(_resized(logits, size), dim=1)


class UPerNetSegmenter(Segmenter):
    """Reads photos into the 150 classes of ADE20K.

    Args:
        encoder: the authors' file of that name.
        decoder: likewise.
        sizes: short sides in pixels that photos are resized to; probabilities are averaged over them.
            `AUTHORS_SIZES` in the authors' configuration, (256,) in some papers.
        device: where it runs.

    Raises:
        ModelFileError: a file is not the authors'.
        SettingsError: there are no sizes, or one is not positive.
    """

    def __init__(self, encoder: Path, decoder: Path, sizes: tuple[int, ...], device: torch.device) -> None:
        if not sizes or min(sizes) < 1:
            raise SettingsError(f"the sizes of {_NAME} are {list(sizes)}; give positive ones, such as 256")
        names = evaluated_names(load_class_table("ade20k"))
        self._network = UPerNet(
            load_published(Encoder, encoder, _FILE.format(part="encoder", file=FILES[0])),
            load_published(lambda: Decoder(len(names)), decoder, _FILE.format(part="decoder", file=FILES[1])),
        ).to(device)
        self._sizes = sizes
        super().__init__(_NAME, names, [encoder, decoder], device)

    def scores(self, pixels: Tensor) -> Tensor:
        """Probabilities (B, 150, H, W), averaged over the sizes."""
        total: Tensor = torch.zeros((), device=self.device)
        for short_side in self._sizes:
            total = total + self._network(with_short_side(pixels, short_side), pixels.shape[2:]).exp()
        return total / len(self._sizes)


def input_size(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """(height, width) at which a photo of a size enters, both rounded up to multiples of 32."""
    scale = short_side / min(size)
    height, width = (-(-int(scale * side) // _MULTIPLE) * _MULTIPLE for side in size)
    return height, width


def with_short_side(pixels: Tensor, short_side: int) -> Tensor:
    """Photos, uint8 (B, 3, *input_size), resized bilinearly by Pillow, of photos, uint8 (B, 3, H, W)."""
    H, W = pixels.shape[2:]
    height, width = input_size((H, W), short_side)
    if (height, width) == (H, W):
        return pixels
    # Not by PyTorch: as the authors', these are pictures of whole values, and the same on every device.
    pictures = [Image.fromarray(photo) for photo in pixels.permute(0, 2, 3, 1).cpu().numpy()]
    resized = [np.asarray(p.resize((width, height), Image.Resampling.BILINEAR)) for p in pictures]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).to(pixels.device)


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
