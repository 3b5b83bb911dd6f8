"""Weights in fewer bits: what deployment needs of a model file, at half or a quarter of the size.

`bf16`: kernels and matrices (two dimensions and more) are rounded to bfloat16. `int8`: they are rounded to
whole numbers from -127 to 127, times a scale of their output channel, float32, which stands beside them under
their name with `.scale`. Everything of one dimension (biases, statistics, singular vectors) stays as it is.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ccfpse.errors import ModelFileError

Packing = Literal["bf16", "int8"]
SCALE = ".scale"
_LARGEST = 127


def pack(weights: Mapping[str, Tensor], packing: Packing, transposed: Collection[str]) -> dict[str, Tensor]:
    """Weights as a file holds them.

    Args:
        weights: float32, by name.
        packing: how.
        transposed: names of those whose second dimension is that of output channels, not the first.
    """
    packed: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if tensor.dim() < 2 or not tensor.is_floating_point():
            packed[name] = tensor
        elif packing == "bf16":
            packed[name] = tensor.bfloat16()
        else:
            packed[name], packed[name + SCALE] = _in_8_bits(tensor.float(), int(name in transposed))
    return packed


def unpack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `pack` but for rounding; other tensors as they are."""
    return {
        name: tensor * tensors[name + SCALE] if tensor.dtype == torch.int8 else tensor
        for name, tensor in tensors.items()
        if not _is_scale(name, tensors)
    }


def unpacked_shapes(path: Path, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `unpack` will give of tensors without content.

    Raises:
        ModelFileError: weights of 8 bits without a scale for each channel of one dimension.
    """
    shapes: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        if _is_scale(name, stored):
            continue
        if tensor.dtype != torch.int8:
            shapes[name] = tensor
            continue
        scale = stored.get(name + SCALE)
        if scale is None or scale.dtype != torch.float32 or not _fits(scale, tensor):
            found = "no scales" if scale is None else f"scales {scale.dtype} {list(scale.shape)}"
            raise ModelFileError(
                f"{path}: has {found} for weights {name[:200]} of 8 bits, {list(tensor.shape)}; they need "
                "one float32 a channel; the file is damaged, make it again"
            )
        shapes[name] = tensor.float()
    return shapes


def check_scales(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Refuses scales that no weight can have.

    Raises:
        ModelFileError: they are not positive, or the weights would be infinite.
    """
    for name, tensor in tensors.items():
        is_right = (tensor > 0) & (tensor * 128).isfinite() if _is_scale(name, tensors) else torch.ones(1)
        if not is_right.all():
            raise ModelFileError(
                f"{path}: {name[:200]} are no scales, which are positive and finite; the file is damaged, "
                "make it again"
            )


def _in_8_bits(tensor: Tensor, channel: int) -> tuple[Tensor, Tensor]:
    others = [dim for dim in range(tensor.dim()) if dim != channel]
    scale = tensor.abs().amax(dim=others, keepdim=True) / _LARGEST
    # Channels that are all zero, or so nearly that a scale would be no normal number.
    scale = scale.clamp_min(torch.finfo(torch.float32).tiny)
    return (tensor / scale).round().clamp(-_LARGEST, _LARGEST).to(torch.int8), scale


def _is_scale(name: str, tensors: Mapping[str, Tensor]) -> bool:
    weights = tensors.get(name.removesuffix(SCALE)) if name.endswith(SCALE) else None
    return weights is not None and weights.dtype == torch.int8


def _fits(scale: Tensor, weights: Tensor) -> bool:
    """Whether it has the weights' dimensions, all of them 1 but for that of the channels, first or second."""
    shapes = ([n if dim == i else 1 for dim, n in enumerate(weights.shape)] for i in (0, 1))
    return weights.dim() >= 2 and list(scale.shape) in list(shapes)
