"""Weights of published networks: read from their authors' files, checked entry by entry.

Networks are written here so that their entries have the names of those files. Nothing in a file is run.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from ccfpse.errors import ModelFileError
from ccfpse.weightsfile import read_weights

Network = TypeVar("Network", bound=nn.Module)

_PARALLEL = "module."  # what `torch.nn.DataParallel` puts before every name
_COUNTER = "num_batches_tracked"
# Batch norms of UPerNet's authors keep these beside the statistics; they matter in training alone.
_BOOKKEEPING = (_COUNTER, "_tmp_running_mean", "_tmp_running_var", "_running_iter")


def load_published(make: Callable[[], Network], path: Path, expected: str) -> Network:
    """The network of a published file, in evaluation mode, frozen, on the CPU.

    Args:
        make: builds the network; its weights do not matter.
        path: the file: weights by name, or a training checkpoint that has them under "state_dict".
        expected: network and file as the authors publish them, for messages.

    Raises:
        ModelFileError: the file cannot be read, holds more than weights, or is of another network.
    """
    try:
        entries = read_weights(path, within="state_dict")
        return filled(make, {name.removeprefix(_PARALLEL): tensor for name, tensor in entries.items()})
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}; give {expected}") from error


def filled(make: Callable[[], Network], entries: Mapping[str, Tensor]) -> Network:
    """A network with the weights of a published state dict, in evaluation mode and frozen.

    Raises:
        ModelFileError: entries are missing, unexpected or of the wrong shape; the sentence has the first.
    """
    with torch.device("meta"):  # drawing random weights would take seconds
        network = make()
    expected = {name: t for name, t in network.state_dict().items() if not name.endswith(_COUNTER)}
    found = {name: t for name, t in entries.items() if not name.endswith(_BOOKKEEPING)}
    _refuse("lacks entry", [f"{name} ({_size(t)})" for name, t in expected.items() if name not in found])
    _refuse(
        "has the unexpected entry",
        [f"{name} ({_size(t)})" for name, t in found.items() if name not in expected],
    )
    wrong = [name for name, t in expected.items() if found[name].shape != t.shape]
    _refuse(
        "has another shape of entry",
        [f"{n} ({_size(found[n])} instead of {_size(expected[n])})" for n in wrong],
    )
    counters = {name: torch.tensor(0) for name in network.state_dict() if name.endswith(_COUNTER)}
    weights = {name: tensor.float() for name, tensor in found.items()}
    network.load_state_dict(weights | counters, assign=True)
    return network.eval().requires_grad_(False)


def _refuse(what: str, entries: list[str]) -> None:
    if entries:
        more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
        raise ModelFileError(f"{what} {entries[0][:200]}{more}")


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"
