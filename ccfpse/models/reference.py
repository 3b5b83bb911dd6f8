"""The generator's forward pass as the paper states it and the published code runs it; the specification.

With the weights of a `ConditionalGenerator`, and nothing of its speed: layouts are multiplied, kernels
predicted for whole maps, inputs unfolded. Tests hold the fast path against it, gradients included, and
`benchmarks/` measures against it.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.block import ConditionalBlock, ConditionalConv, Predictor
from ccfpse.models.ccfpse import ConditionalGenerator
from ccfpse.models.pyramid import LayoutPyramid, NormalisedUnit
from ccfpse.models.spade import SpadeShortcut
from ccfpse.ops import conditional_depthwise_conv_reference


def generate_reference(
    generator: ConditionalGenerator, layout: Tensor, style: Tensor | None = None
) -> Tensor:
    """What ``generator(layout, style)`` computes, (B, 3, H, W) in [-1, 1]; batch by batch in either mode.

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.1.
    """
    conditions = iter(_conditions(generator, layout))
    condition = next(conditions)
    x = _start(generator, layout, style)
    for name, block in generator.blocks.items():
        if not generator.keeps_size(name):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            condition = next(conditions)
        x = block_reference(block, x, condition)  # type: ignore[arg-type]
    return torch.tanh(_conv(generator.to_rgb, F.leaky_relu(x, 0.2)))


def _start(generator: ConditionalGenerator, layout: Tensor, style: Tensor | None) -> Tensor:
    height, width = (side // generator.size_multiple for side in layout.shape[2:])
    if style is None:
        resized = F.interpolate(layout, size=(height, width), mode="nearest")
        return _conv(generator.start, resized)  # type: ignore[arg-type]
    start: Tensor = generator.start(style)
    return start.view(len(style), -1, height, width)


def _conditions(generator: ConditionalGenerator, layout: Tensor) -> list[Tensor]:
    """Of every scale, from the coarsest: the layout there, beside the pyramid's level where there is one."""
    resized = [F.interpolate(layout, size=size, mode="nearest") for size in generator.sizes(layout)]
    if generator.pyramid is None:
        return resized
    levels = _pyramid(generator.pyramid, layout)
    return [torch.cat(both, dim=1) for both in zip(resized, levels, strict=True)]


def _pyramid(pyramid: LayoutPyramid, layout: Tensor) -> list[Tensor]:
    bottom_up = [layout]
    for unit in pyramid.encoder:
        bottom_up.append(_unit(unit, bottom_up[-1]))  # type: ignore[arg-type]
    levels = [bottom_up.pop()]
    for lateral, unit in zip(pyramid.laterals, pyramid.decoder, strict=True):
        above = F.interpolate(levels[-1], scale_factor=2.0, mode="nearest")
        levels.append(_unit(unit, above + _unit(lateral, bottom_up.pop())))  # type: ignore[arg-type]
    return levels


def _unit(unit: NormalisedUnit, x: Tensor) -> Tensor:
    conv = unit.conv
    convolved = F.conv2d(x, conv.normalised_weight(), None, conv.stride, conv.padding)
    return F.leaky_relu(unit.norm(convolved), 0.2)


def block_reference(block: ConditionalBlock, x: Tensor, condition: Tensor) -> Tensor:
    """One block: features (B, in, H, W) and their condition (B, K + F, H, W) -> (B, out, H, W)."""
    residual = _conditional_conv(block.conv2, _conditional_conv(block.conv1, x, condition), condition)
    kept = x if block.shortcut is None else _shortcut(block.shortcut, x, condition)
    return kept + residual


def _conditional_conv(conv: ConditionalConv, x: Tensor, condition: Tensor) -> Tensor:
    normalised = conv.norm(x)
    if isinstance(conv.kernels, Predictor):
        kernels = _predicted(conv.kernels, condition)
        size = math.isqrt(kernels.shape[1] // x.shape[1])
        filtered = conditional_depthwise_conv_reference(normalised, kernels, size)
    else:
        filtered = conv.kernels(normalised)
    mixed = _conv(conv.mix, filtered)
    if conv.gate is not None:
        mixed = mixed * torch.sigmoid(_predicted(conv.gate, condition))
    return F.leaky_relu(mixed, 0.2)


def _predicted(predictor: Predictor, condition: Tensor) -> Tensor:
    return _conv(predictor.last, F.relu(_conv(predictor.first, condition)))


def _shortcut(shortcut: SpadeShortcut, x: Tensor, condition: Tensor) -> Tensor:
    norm = shortcut.norm
    hidden = F.relu(_conv(norm.shared, condition))
    modulated = norm.norm(x) * (1 + _conv(norm.gamma, hidden)) + _conv(norm.beta, hidden)
    return F.conv2d(modulated, shortcut.mix.normalised_weight())


def _conv(layer: nn.Conv2d, x: Tensor) -> Tensor:
    return F.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding)
