"""Files like the authors', full-sized by name and shape, but small on the disk."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

_LARGE = 200_000
"""Numbers in an entry beyond which all its output channels have the same weights, stored once."""


def entries_of(make: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """A random state dict of a network, whose features stay of size one."""
    with torch.device("meta"):
        state = make().state_dict()
    return {name: _entry(name, tensor.shape, seed) for seed, (name, tensor) in enumerate(state.items())}


def _entry(name: str, shape: torch.Size, seed: int) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    source = torch.Generator().manual_seed(seed)
    if len(shape) == 1:  # scales and variances about 1, shifts and means about 0
        return 0.1 * torch.randn(shape, generator=source) + name.endswith(("weight", "running_var"))
    stored = (1, *shape[1:]) if shape.numel() > _LARGE else shape
    return (torch.randn(stored, generator=source) / shape[1:].numel() ** 0.5).expand(shape)


def write(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path
