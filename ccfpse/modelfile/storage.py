"""Model files on the disk, of any origin: nothing is believed that was not checked, no code is run."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ccfpse.errors import ModelFileError
from ccfpse.files import replacing
from ccfpse.modelfile.description import HEADER, PACKED_FORMAT, USUAL_FORMAT, ModelFile, described, header
from ccfpse.modelfile.networks import networks_of, with_prefix
from ccfpse.modelfile.packing import Packing, check_scales, pack, unpack, unpacked_shapes
from ccfpse.opening import open_regular

_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I8": torch.int8,
}
"""Of numbers in a model file, by safetensors' names."""


def save_model(path: Path, model: ModelFile, packing: Packing | None = None) -> None:
    """Writes a model file, whole or not at all.

    Args:
        path: of the file.
        model: what it is to hold.
        packing: of the weights; None: as they are.

    Raises:
        ModelFileError: the weights are not those that the settings describe.
        OutputError: it cannot be written there.
    """
    _check(path, model)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.weights.items()}
    if packing is not None:
        tensors = pack(tensors, packing, _transposed(model))
    version = PACKED_FORMAT if packing == "int8" else USUAL_FORMAT
    with replacing(path) as temporary:
        # As bytes: writing them ourselves, a full disk is an `OSError`.
        temporary.write_bytes(save(tensors, metadata={HEADER: header(model, version)}))


def load_model(path: Path) -> ModelFile:
    """Reads a model file and checks that it is complete; weights of 8 bits become float32.

    Raises:
        ModelFileError: not a file, not a safetensors file, not a model file, of a newer format, or
            with weights that are missing, unexpected, of the wrong shape, or packed wrongly.
    """
    with _opened(path) as file:
        metadata = file.metadata() or {}
        if HEADER not in metadata:
            raise ModelFileError(f"{path}: is a safetensors file, but not a model file that ccfpse wrote")
        names = sorted(file.keys())
        # Names and shapes alone first: no weight is read of a file that does not hold what it says.
        stored = {name: _shape_of(file, name) for name in names}
        promised = described(path, metadata[HEADER], unpacked_shapes(path, stored))
        _check(path, promised)
        tensors = {name: file.get_tensor(name) for name in names}
        check_scales(path, tensors)
        return dataclasses.replace(promised, weights=unpack(tensors))


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
            networks = networks_of(model)
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


def _transposed(model: ModelFile) -> set[str]:
    """Names of weights whose second dimension is that of output channels."""
    with torch.device("meta"):
        networks = networks_of(model)
    return {
        f"{network}.{name}.weight"
        for network, module in networks.items()
        for name, layer in module.named_modules()
        if isinstance(layer, nn.ConvTranspose2d)
    }


def _refuse(path: Path, what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ModelFileError(
            f"{path}: {what} weights {', '.join(name[:200] for name in names[:3])}{more}; "
            "the file does not hold the model it describes"
        )
