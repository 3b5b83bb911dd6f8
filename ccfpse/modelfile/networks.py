"""The networks that a model file describes, empty or with its weights."""

from collections.abc import Mapping
from typing import TypeVar

from torch import Tensor, nn

from ccfpse.errors import ModelFileError
from ccfpse.modelfile.description import ModelFile
from ccfpse.models import (
    STYLE_DIM,
    ConditionalGenerator,
    Discriminator,
    Generator,
    PatchDiscriminator,
    Pix2PixHdGenerator,
    PyramidDiscriminator,
    SpadeGenerator,
    StyleEncoder,
)
from ccfpse.sections import ModelSettings

Network = TypeVar("Network", bound=nn.Module)


def build_generator(model: ModelFile) -> Generator:
    """The generator of a model file, weights loaded, in evaluation mode."""
    return _filled(make_generator(model.model, model.n_layout, model.size), "generator", model)


def build_encoder(model: ModelFile) -> StyleEncoder:
    """The style encoder of a model file, weights loaded, in evaluation mode.

    Raises:
        ModelFileError: the model file has none.
    """
    return _filled(make_encoder(model.model), "encoder", model)


def build_discriminator(model: ModelFile) -> Discriminator:
    """The discriminator of a model file, weights loaded, in evaluation mode.

    Raises:
        ModelFileError: the model file has none.
    """
    return _filled(make_discriminator(model.model, model.n_layout), "discriminator", model)


def make_generator(settings: ModelSettings, n_layout: int, size: tuple[int, int]) -> Generator:
    """A generator as the settings describe it, for layouts of ``n_layout`` channels; weights arbitrary."""
    if settings.generator == "pix2pixhd":
        return Pix2PixHdGenerator(n_layout, width=settings.width)
    fixed_size, style_dim = (size, STYLE_DIM) if settings.style else (None, None)
    if settings.generator == "spade":
        return SpadeGenerator(
            n_layout,
            width=settings.width,
            hidden=settings.predictor_width,
            n_doublings=settings.doublings,
            size=fixed_size,
            style_dim=style_dim,
        )
    return ConditionalGenerator(
        n_layout,
        width=settings.width,
        predictor_width=settings.predictor_width,
        n_doublings=settings.doublings,
        size=fixed_size,
        style_dim=style_dim,
        has_pyramid=settings.context == "pyramid",
        has_gates=settings.attention,
        has_kernels=settings.kernels == "depthwise",
        kernel_size=settings.kernel_size,
    )


def make_encoder(settings: ModelSettings) -> StyleEncoder:
    """A style encoder as the settings describe it; weights arbitrary."""
    return StyleEncoder(settings.width, STYLE_DIM)


def make_discriminator(settings: ModelSettings, n_layout: int) -> Discriminator:
    """A discriminator as the settings describe it, for ``n_layout`` layout channels; weights arbitrary."""
    kind = PyramidDiscriminator if settings.discriminator == "fpse" else PatchDiscriminator
    return kind(n_layout, settings.discriminator_width)


def with_prefix(network: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A network's state dict under the names it has in a model file."""
    return {f"{network}.{name}": tensor for name, tensor in state.items()}


def networks_of(model: ModelFile) -> dict[str, nn.Module]:
    """The networks that a model file describes, weights arbitrary."""
    networks: dict[str, nn.Module] = {"generator": make_generator(model.model, model.n_layout, model.size)}
    if model.model.style:
        networks["encoder"] = make_encoder(model.model)
    if model.has("discriminator"):
        networks["discriminator"] = make_discriminator(model.model, model.n_layout)
    return networks


def _filled(network: Network, name: str, model: ModelFile) -> Network:
    if not model.has(name):
        raise ModelFileError(f"the model file holds no {name}; use one that does")
    prefix = f"{name}."
    network.load_state_dict(
        {key.removeprefix(prefix): tensor for key, tensor in model.weights.items() if key.startswith(prefix)}
    )
    return network.eval()
