"""Networks that a perceptual loss compares images through."""

from torch import Tensor, nn

# VGG-19's convolutions up to relu5_1, stage by stage; a stage opens with max-pooling but the first.
_VGG_STAGES = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512,))


class PerceptualNetwork(nn.Module):
    """VGG-19 up to relu5_1, with the state-dict names of torchvision (``features.0.weight`` ...).

    Images enter in [-1, 1] as they are, as in the published training.

    Source: Simonyan & Zisserman 2015, arXiv:1409.1556, table 1, column E; the layers and their
    weights: Wang et al. 2018, arXiv:1711.11585.
    """

    weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
    """What each layer's difference counts."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self._kept: list[int] = []
        n_in = 3
        for stage in _VGG_STAGES:
            if layers:
                layers.append(nn.MaxPool2d(2))
            self._kept.append(len(layers) + 1)  # the stage's first ReLU
            for n_out in stage:
                layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU()]
                n_in = n_out
        self.features = nn.Sequential(*layers[: self._kept[-1] + 1])

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features after relu1_1, 2_1, 3_1, 4_1, 5_1 of images (B, 3, H, W) in [-1, 1]."""
        features = []
        x = image
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self._kept:
                features.append(x)
        return features


class SmallPerceptualNetwork(nn.Module):
    """A stand-in of four stages, small enough to be trained on a data set's own photos.

    Every stage halves the size but the first and doubles the width: convolution, batch norm, ReLU, twice.
    """

    weights = (0.25, 0.25, 0.25, 0.25)
    """What each layer's difference counts: the same, since batch norm brings them to one scale."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.channels = tuple(width * 2**stage for stage in range(4))
        self.stages = nn.ModuleList(
            nn.Sequential(*_unit(n_in, n_out, stride=1 if n_in == 3 else 2), *_unit(n_out, n_out, stride=1))
            for n_in, n_out in zip((3, *self.channels[:-1]), self.channels, strict=True)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features at strides 1, 2, 4, 8, of ``channels`` channels, of images (B, 3, H, W) in [-1, 1]."""
        features = []
        x = image
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def _unit(n_in: int, n_out: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
