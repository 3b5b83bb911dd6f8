"""Published CC-FPSE checkpoints become networks of ours, and model files.

The options of a network are read off the shapes of its weights; only an image's aspect ratio,
which a network with style does not tell, comes from the data set.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from torch import Tensor, nn

from ccfpse.errors import ModelFileError
from ccfpse.models import Discriminator, Generator, PerceptualNetwork, StyleEncoder
from ccfpse.published_names import (
    discriminator_names,
    encoder_names,
    generator_names,
    n_doublings,
    perceptual_names,
    renamed,
)

State = Mapping[str, Tensor]
Network = TypeVar("Network", bound=nn.Module)


def generator_from_published(state: State, aspect_ratio: float) -> Generator:
    """The generator of a published state dict, in evaluation mode.

    Args:
        state: as published, entry -> weights.
        aspect_ratio: width / height of its images; matters with style only.

    Raises:
        ModelFileError: entries or shapes are not those of a published generator.
    """
    width = _shape(state, "conv_img.weight", 4)[1]
    start = _shape(state, "fc.weight", 2, 4)
    doublings = n_doublings(state)
    size, style_dim = None, None
    if len(start) == 2:
        size, style_dim = _size(start[0] // (16 * width), aspect_ratio, 2**doublings), start[1]
    return _loaded(
        lambda: Generator(
            _shape(state, "labelenc1.0.0.weight_orig", 4)[1],
            width=width,
            predictor_width=_shape(state, "head_0.gen_weights1.0.weight", 4)[0],
            n_doublings=doublings,
            size=size,
            style_dim=style_dim,
        ),
        state,
        generator_names,
    )


def encoder_from_published(state: State) -> StyleEncoder:
    """The style encoder of a published state dict, in evaluation mode."""
    width, style_dim = _shape(state, "layer1.0.weight_orig", 4)[0], _shape(state, "fc_mu.weight", 2)[0]
    return _loaded(lambda: StyleEncoder(width, style_dim), state, encoder_names)


def discriminator_from_published(state: State) -> Discriminator:
    """The discriminator of a published state dict, in evaluation mode."""
    n_layout, width = _shape(state, "embedding.weight", 4)[1], _shape(state, "enc1.0.0.weight_orig", 4)[0]
    return _loaded(lambda: Discriminator(n_layout, width), state, discriminator_names)


def perceptual_from_published(state: State) -> PerceptualNetwork:
    """VGG-19 up to relu5_1 from torchvision's state dict, in evaluation mode; other entries are left."""
    return _loaded(PerceptualNetwork, state, perceptual_names)


def _loaded(
    build: Callable[[], Network], state: State, names: Callable[[Iterable[str]], dict[str, str]]
) -> Network:
    try:
        network = build()
        network.load_state_dict(renamed(state, names(state)))
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ModelFileError(f"the weights are not those of a published network ({reason})") from error
    return network.eval()


def _shape(state: State, entry: str, *n_dims: int) -> tuple[int, ...]:
    found = state.get(entry)
    if found is None or found.dim() not in n_dims:
        raise ModelFileError(f"entry {entry} is missing or has another shape than in a published checkpoint")
    return tuple(found.shape)


def _size(n_positions: int, aspect_ratio: float, multiple: int) -> tuple[int, int]:
    """(height, width) of the images of a network whose head has ``n_positions``."""
    rows = max(round(math.sqrt(n_positions / aspect_ratio)), 1)
    if n_positions % rows:
        raise ModelFileError(
            f"a head of {n_positions} positions does not fit images {aspect_ratio} times as wide as high"
        )
    return rows * multiple, n_positions // rows * multiple
