"""Model files: one safetensors file that explains itself.

Weights under ``generator.``, ``encoder.`` and ``discriminator.``; the header holds, as JSON under
"ccfpse", the format's version, settings, class table and how the model was made. Loading one
runs no code from the file.
"""

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ccfpse.errors import DataError, ModelFileError, SettingsError
from ccfpse.files import replacing
from ccfpse.labelspace import ClassTable
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
from ccfpse.opening import open_regular
from ccfpse.sections import CCFPSE_SWITCHES, ModelSettings, need
from ccfpse.strict import build, shown

FORMAT = 2
_ADDED_IN_2 = {"generator": "ccfpse", "discriminator": "fpse", **CCFPSE_SWITCHES}
"""Settings of the model that files of format 1 do not have, and what their networks are."""
HEADER = "ccfpse"
_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
}
"""Of numbers in a model file, by safetensors' names."""
_LONGEST_SIDE = 2**14
Network = TypeVar("Network", bound=nn.Module)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """What a model file holds."""

    settings: dict[str, Any]
    """``model``: the section of that name; ``size``: [height, width] it was trained at;
    ``has_boundary``: whether the layout's last channel is that of instance boundaries."""
    class_table: ClassTable
    provenance: dict[str, Any]
    """How the model was made, for people; nothing is decided by it."""
    weights: dict[str, Tensor]
    """Always those of the generator; those of encoder and discriminator where they were kept."""

    @property
    def model(self) -> ModelSettings:
        """The networks' settings."""
        return build(ModelSettings, self.settings["model"], "model")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels; with style, the only size."""
        height, width = self.settings["size"]
        return height, width

    @property
    def has_boundary(self) -> bool:
        """Whether layouts have a channel of instance boundaries."""
        return bool(self.settings["has_boundary"])

    @property
    def n_layout(self) -> int:
        """K: channels of the layout."""
        return self.class_table.n_labels + self.has_boundary

    def has(self, network: str) -> bool:
        """Whether weights of ``generator``, ``encoder`` or ``discriminator`` are there."""
        return any(name.startswith(f"{network}.") for name in self.weights)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What a model file says of its networks beside the section `model`."""

    size: tuple[int, int]
    has_boundary: bool

    def __post_init__(self) -> None:
        need(
            all(16 <= side <= _LONGEST_SIDE for side in self.size),
            f"size is {list(self.size)}; sides are 16 to {_LONGEST_SIDE} pixels",
        )


def save_model(path: Path, model: ModelFile) -> None:
    """Writes a model file, whole or not at all.

    Raises:
        ModelFileError: the weights are not those that the settings describe.
        OutputError: it cannot be written there.
    """
    _check(path, model)
    header = {
        "format": FORMAT,
        "settings": model.settings,
        "classes": model.class_table.to_dict(),
        "provenance": model.provenance,
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.weights.items()}
    with replacing(path) as temporary:
        # As bytes: writing them ourselves, a full disk is an `OSError`.
        temporary.write_bytes(save(tensors, metadata={HEADER: json.dumps(header, allow_nan=False)}))


def load_model(path: Path) -> ModelFile:
    """Reads a model file and checks that it is complete.

    Raises:
        ModelFileError: not a file, not a safetensors file, not a model file, of a newer format, or
            with weights that are missing, unexpected or of the wrong shape.
    """
    with _opened(path) as file:
        metadata = file.metadata() or {}
        if HEADER not in metadata:
            raise ModelFileError(f"{path}: is a safetensors file, but not a model file that ccfpse wrote")
        names = sorted(file.keys())
        # Names and shapes alone first: no weight is read of a file that does not hold what it says.
        described = _described(path, metadata[HEADER], {name: _shape_of(file, name) for name in names})
        _check(path, described)
        return dataclasses.replace(described, weights={name: file.get_tensor(name) for name in names})


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


def _described(path: Path, text: str, weights: dict[str, Tensor]) -> ModelFile:
    """The model file that a header's text tells of.

    Raises:
        ModelFileError: the text is damaged, or of a newer format.
    """
    try:
        header = json.loads(text)
        version = header["format"]
        if type(version) is not int:
            raise TypeError(f"format is {version!r}")
        if version > FORMAT:
            raise ModelFileError(
                f"{path}: has format {shown(version)}, this ccfpse reads up to {FORMAT}; install a newer one"
            )
        settings = dict(header["settings"])
        if version < 2:
            settings["model"] = {**_ADDED_IN_2, **settings["model"]}
        build(ModelSettings, settings["model"], "model")
        frame = {key: settings[key] for key in ("size", "has_boundary")}
        build(_Frame, frame)
        return ModelFile(
            settings=settings,
            class_table=ClassTable.from_dict(header["classes"]),
            provenance=dict(header["provenance"]),
            weights=weights,
        )
    except (KeyError, TypeError, ValueError, RecursionError, SettingsError, DataError) as error:
        reason = str(error) if isinstance(error, SettingsError | DataError) else repr(error)
        raise ModelFileError(
            f"{path}: the model's description is damaged ({reason[:300]}); make the file again"
        ) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with open_regular(path):
            pass
        with safe_open(path, framework="pt") as file:
            yield file
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be read ({error.strerror or error}); give a model file"
        ) from error
    except SafetensorError as error:
        raise ModelFileError(
            f"{path}: is not a safetensors file, or is damaged ({error}); give a model file"
        ) from error


def _shape_of(file: Any, name: str) -> Tensor:
    """A tensor of an entry's shape and type, without content."""
    entry = file.get_slice(name)
    if (kind := _TYPES.get(entry.get_dtype())) is None:
        raise SafetensorError(f"weights of the type {entry.get_dtype()}")
    return torch.empty(entry.get_shape(), dtype=kind, device="meta")


def _check(path: Path, model: ModelFile) -> None:
    """Compares names and shapes of all weights with those of the networks that the settings describe."""
    try:
        with torch.device("meta"):
            networks = _networks(model)
    except (ValueError, RuntimeError) as error:  # RuntimeError: larger than any memory
        raise ModelFileError(
            f"{path}: the model's description is damaged ({error}); make the file again"
        ) from error
    expected: dict[str, Tensor] = {}
    for name, network in networks.items():
        if name == "generator" or model.has(name):
            expected |= with_prefix(name, network.state_dict())
    _refuse(path, "lacks", [name for name in expected if name not in model.weights])
    _refuse(path, "has unexpected", [name for name in model.weights if name not in expected])
    _refuse(
        path,
        "has the wrong shape of",
        [
            f"{name} ({list(model.weights[name].shape)}, not {list(tensor.shape)})"
            for name, tensor in expected.items()
            if model.weights[name].shape != tensor.shape
        ],
    )
    _refuse(
        path,
        "has numbers of another type in",
        [
            f"{name} ({model.weights[name].dtype})"
            for name, tensor in expected.items()
            if model.weights[name].is_floating_point() != tensor.is_floating_point()
        ],
    )


def _networks(model: ModelFile) -> dict[str, nn.Module]:
    """The networks that a model file describes, weights arbitrary."""
    networks: dict[str, nn.Module] = {"generator": make_generator(model.model, model.n_layout, model.size)}
    if model.model.style:
        networks["encoder"] = make_encoder(model.model)
    if model.has("discriminator"):
        networks["discriminator"] = make_discriminator(model.model, model.n_layout)
    return networks


def _refuse(path: Path, what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ModelFileError(
            f"{path}: {what} weights {', '.join(name[:200] for name in names[:3])}{more}; "
            "the file does not hold the model it describes"
        )


def _filled(network: Network, name: str, model: ModelFile) -> Network:
    if not model.has(name):
        raise ModelFileError(f"the model file holds no {name}; use one that does")
    prefix = f"{name}."
    network.load_state_dict(
        {key.removeprefix(prefix): tensor for key, tensor in model.weights.items() if key.startswith(prefix)}
    )
    return network.eval()
