"""Published state dicts become networks of ours.

The options of a network are read off the shapes of its weights; only an image's aspect ratio,
which a network with style does not tell, comes from the data set.
"""

import dataclasses
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from ccfpse.errors import ModelFileError
from ccfpse.layoutweights import sees_layout
from ccfpse.models import (
    ConditionalGenerator,
    Discriminator,
    Generator,
    PatchDiscriminator,
    PerceptualNetwork,
    Pix2PixHdGenerator,
    PyramidDiscriminator,
    SpadeGenerator,
    StyleEncoder,
)
from ccfpse.published_names import (
    count_doublings,
    discriminator_names,
    encoder_names,
    generator_names,
    patchgan_names,
    perceptual_names,
    pix2pixhd_names,
    renamed,
    spade_names,
)

State = Mapping[str, Tensor]
Network = TypeVar("Network", bound=nn.Module)

_FIRST_SINGULAR_VECTOR = "pyramid.encoder.0.conv.v"  # of a weight on the layout: channels x taps in a row


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorOptions:
    """What a published generator is, read off its weights."""

    kind: Literal["ccfpse", "spade", "pix2pixhd"]
    n_layout: int
    width: int
    predictor_width: int | None
    n_doublings: int | None
    size: tuple[int, int] | None
    style_dim: int | None

    def make(self) -> Generator:
        """Such a generator, weights arbitrary."""
        if self.kind == "pix2pixhd":
            return Pix2PixHdGenerator(self.n_layout, width=self.width)
        assert self.predictor_width is not None
        assert self.n_doublings is not None
        frame: dict[str, Any] = {
            "width": self.width,
            "n_doublings": self.n_doublings,
            "size": self.size,
            "style_dim": self.style_dim,
        }
        if self.kind == "spade":
            return SpadeGenerator(self.n_layout, hidden=self.predictor_width, **frame)
        return ConditionalGenerator(self.n_layout, predictor_width=self.predictor_width, **frame)


def generator_options(state: State, aspect_ratio: float, n_doublings: int) -> GeneratorOptions:
    """The options that the shapes of a published generator's weights tell.

    Args:
        state: as published, entry -> weights; of CC-FPSE, SPADE or pix2pixHD.
        aspect_ratio: width / height of its images; matters with style only.
        n_doublings: of SPADE's, whose weights do not tell.

    Raises:
        ModelFileError: entries that tell are missing.
    """
    if "model.1.weight" in state:
        width, n_layout = _shape(state, "model.1.weight", 4)[:2]
        return GeneratorOptions(
            kind="pix2pixhd", n_layout=n_layout, width=width,
            predictor_width=None, n_doublings=None, size=None, style_dim=None,
        )  # fmt: skip
    is_spade = "head_0.norm_0.mlp_shared.0.weight" in state
    width = _shape(state, "conv_img.weight", 4)[1]
    start = _shape(state, "fc.weight", 2, 4)  # linear layer from a style, or convolution of the layout
    if is_spade:
        predictor_width, n_layout = _shape(state, "head_0.norm_0.mlp_shared.0.weight", 4)[:2]
    else:
        n_doublings = count_doublings(state)
        n_layout = _shape(state, "labelenc1.0.0.weight_orig", 4)[1]
        predictor_width = _shape(state, "head_0.gen_weights1.0.weight", 4)[0]
    has_style = len(start) == 2
    return GeneratorOptions(
        kind="spade" if is_spade else "ccfpse",
        n_layout=n_layout,
        width=width,
        predictor_width=predictor_width,
        n_doublings=n_doublings,
        size=_size(start[0] // (16 * width), aspect_ratio, 2**n_doublings) if has_style else None,
        style_dim=start[1] if has_style else None,
    )


def generator_from_published(state: State, options: GeneratorOptions) -> Generator:
    """The generator of a published state dict with these options, in evaluation mode.

    Raises:
        ModelFileError: entries or shapes are not those of a published generator.
    """
    names = {"ccfpse": generator_names, "spade": spade_names, "pix2pixhd": pix2pixhd_names}
    return _loaded(options.make, state, names[options.kind])


def encoder_from_published(state: State) -> StyleEncoder:
    """The style encoder of a published state dict, in evaluation mode."""
    width, style_dim = _shape(state, "layer1.0.weight_orig", 4)[0], _shape(state, "fc_mu.weight", 2)[0]
    return _loaded(lambda: StyleEncoder(width, style_dim), state, encoder_names)


def discriminator_from_published(state: State) -> Discriminator:
    """The discriminator (FPSE or multi-scale PatchGAN) of a published state dict, in evaluation mode."""
    if (first := "discriminator_0.model0.0.weight") in state:
        width, channels = _shape(state, first, 4)[:2]
        return _loaded(lambda: PatchDiscriminator(channels - 3, width), state, patchgan_names)
    n_layout, width = _shape(state, "embedding.weight", 4)[1], _shape(state, "enc1.0.0.weight_orig", 4)[0]
    return _loaded(lambda: PyramidDiscriminator(n_layout, width), state, discriminator_names)


def perceptual_from_published(state: State) -> PerceptualNetwork:
    """VGG-19 up to relu5_1 from torchvision's state dict, in evaluation mode; other entries are left."""
    return _loaded(PerceptualNetwork, state, perceptual_names)


def permute_layout(state: State, channels: Sequence[int]) -> dict[str, Tensor]:
    """A state dict of ours for a layout whose channels come in another order.

    Args:
        state: of a generator, discriminator or style encoder of ours.
        channels: for each channel of the new layout, where the weights have it now.
    """
    order = torch.tensor(channels)
    return {name: _permuted(name, tensor, order) for name, tensor in state.items()}


def _permuted(name: str, tensor: Tensor, order: Tensor) -> Tensor:
    if name == _FIRST_SINGULAR_VECTOR:
        return tensor.view(len(order), -1)[order].flatten()
    if sees_layout(name, tensor):
        # The layout's channels come first; what follows them are features.
        return torch.cat([tensor[:, order], tensor[:, len(order) :]], dim=1)
    return tensor


def _loaded(
    build: Callable[[], Network], state: State, names: Callable[[Iterable[str]], dict[str, str]]
) -> Network:
    try:
        ours = renamed(state, names(state))
        with torch.device("meta"):  # a few weights can tell of a network that no memory holds
            _refuse_other_shapes(build().state_dict(), ours)
        network = build()
        network.load_state_dict(ours)
    except (ValueError, RuntimeError) as error:
        reason = textwrap.shorten(str(error), 300, placeholder=" ...")
        raise ModelFileError(f"the weights are not those of a published network ({reason})") from error
    return network.eval()


def _refuse_other_shapes(expected: State, found: State) -> None:
    for name, tensor in expected.items():
        if name in found and found[name].shape != tensor.shape:
            shapes = f"{list(found[name].shape)} instead of {list(tensor.shape)}"
            raise ValueError(f"size mismatch for {name}: {shapes}")


def _shape(state: State, entry: str, *n_dims: int) -> tuple[int, ...]:
    found = state.get(entry)
    if found is None or found.dim() not in n_dims or not found.numel():
        raise ModelFileError(f"entry {entry} is missing or has another shape than in a published checkpoint")
    return tuple(found.shape)


def _size(n_positions: int, aspect_ratio: float, multiple: int) -> tuple[int, int]:
    """(height, width) of the images of a network whose head has ``n_positions``."""
    heads = [(rows, n_positions // rows) for rows in range(1, n_positions + 1) if n_positions % rows == 0]
    if not heads:
        raise ModelFileError("the first layer's shape is not that of a published generator")
    rows, columns = min(heads, key=lambda head: abs(math.log(head[1] / head[0] / aspect_ratio)))
    return rows * multiple, columns * multiple
