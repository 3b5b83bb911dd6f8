"""Rebuilds the checkpoints that the parity cases were computed with.

A case's `case.json` holds, under `keys`, every entry of each network's state dict as its
published checkpoint names it, with its shape. `build(keys)` fills those entries
from a seeded generator, one seed per entry, so that a 50 MB checkpoint needs no
storage: anybody who rebuilds it gets the same numbers.

    python checkpoint.py CASE NETWORK OUT.pth     # e.g. generator-cityscapes G G.pth
"""
# ruff: noqa: SIM114

import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent


def _normal(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal values that depend on nothing but the entry's name and shape."""
    return np.random.RandomState(zlib.crc32(key.encode())).standard_normal(shape)


def build(keys: dict[str, list[int]], weight_scale: float = 1.0) -> dict[str, torch.Tensor]:
    """Fills a state dict: {entry name: shape} -> {entry name: float32 tensor}.

    `weight_scale` multiplies every convolution and linear weight (a case says so in its
    `weight_scale`).

    `weight_orig` entries are spectrally normalised weights in the legacy layout; their
    `weight_u` and `weight_v` are the leading singular vectors, so that the norm is the
    exact largest singular value and a further power iteration changes nothing.
    """
    state = {}
    for key, shape in keys.items():
        shape, last = tuple(shape), key.rsplit(".", 1)[-1]
        noise = _normal(key, shape)
        if last == "num_batches_tracked":
            state[key] = torch.tensor(7)
            continue
        if last in ("weight_u", "weight_v"):
            continue  # filled below, from weight_orig
        if last == "running_var":
            value = 1 + 0.3 * np.abs(noise)
        elif last == "running_mean":
            value = 0.1 * noise
        elif last == "bias":
            value = 0.1 * noise
        elif len(shape) == 1:  # the scale of a normalisation layer
            value = 1 + 0.1 * noise
        else:
            value = noise * 0.7 / np.sqrt(np.prod(shape[1:])) * weight_scale
        state[key] = torch.from_numpy(value).float()
    for key in keys:
        if not key.endswith("weight_orig"):
            continue
        matrix = state[key].double().flatten(1)
        left, _, right = torch.linalg.svd(matrix, full_matrices=False)
        stem = key.removesuffix("weight_orig")
        state[stem + "weight_u"] = left[:, 0].float()
        state[stem + "weight_v"] = right[0].float()
    return {key: state[key] for key in keys}


def load_case(case: str) -> tuple[dict, dict[str, np.ndarray]]:
    """The description (`case.json`) and the arrays (`case.npz`) of one case."""
    folder = HERE / case
    description = json.loads((folder / "case.json").read_text())
    with np.load(folder / "case.npz") as arrays:
        return description, dict(arrays)


if __name__ == "__main__":
    case, network, out = sys.argv[1:]
    description, _ = load_case(case)
    scale = description.get("weight_scale", 1.0)
    torch.save(build(description["keys"][network], scale), out)
    print(f"{out}: {len(description['keys'][network])} entries")
