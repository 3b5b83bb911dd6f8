"""What the published segmenters are made of."""

import torch
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck


def unit(n_in: int, n_out: int, size: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution without bias that keeps the size but for its stride, batch norm, ReLU."""
    padding = dilation * (size // 2)
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, size, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


def bottlenecks(n_in: int, planes: int, n_blocks: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """A stage of torchvision's bottlenecks, to 4·planes channels: the stride sits on the first's 3x3.

    Source: He et al. 2016, arXiv:1512.03385, section 4.1.
    """
    n_out = 4 * planes
    shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
    first = Bottleneck(n_in, planes, stride, shortcut, dilation=dilation)
    rest = (Bottleneck(n_out, planes, dilation=dilation) for _ in range(n_blocks - 1))
    return nn.Sequential(first, *rest)


def normalised(pixels: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    """Images (B, 3, H, W), each channel by its mean and deviation, of pixels in [0, 255]."""
    means, deviations = (torch.tensor(v, device=pixels.device).view(3, 1, 1) for v in (mean, deviation))
    return (pixels / 255 - means) / deviations
