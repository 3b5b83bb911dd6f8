import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ccfpse.config import load_settings
from ccfpse.device import pick_device
from ccfpse.loss_network import prepare_loss_network
from ccfpse.prepared import open_store
from ccfpse.training.launch import launch
from tests.soak.conftest import Soak
from tests.soak.halves import train, variants_of

pytestmark = pytest.mark.slow


@pytest.fixture
def raw(raw: Path) -> Path:
    """More photos than a step takes, none like another."""
    rng = np.random.default_rng(1)
    for i in range(5):
        for kind, pixels in (
            ("images", rng.integers(0, 256, (32, 64, 3))),
            ("labels", 10 * (rng.integers(0, 3, (4, 8)).repeat(8, 0).repeat(8, 1) + 1)),
            ("instances", rng.integers(0, 9, (4, 8)).repeat(8, 0).repeat(8, 1)),
        ):
            Image.fromarray(pixels.astype(np.uint8)).save(raw / "train" / kind / f"town/{i}.png")
    return raw


def _tensors(found: object, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(found, torch.Tensor):
        yield name, found
    elif isinstance(found, dict):
        for key, value in found.items():
            yield from _tensors(value, f"{name}.{key}")


def _worst(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    """Largest error of a gradient, relative to its whole tensor.

    Some gradients vanish, such as that of a bias before batch norm: these relative to the largest of all.
    """
    assert found.keys() == wanted.keys()
    sizes = {name: float(tensor.norm()) for name, tensor in wanted.items()}
    largest = max(sizes.values())
    errors = [
        float((found[name] - tensor).norm()) / (sizes[name] if sizes[name] > 1e-10 * largest else largest)
        for name, tensor in wanted.items()
    ]
    assert all(map(math.isfinite, errors))
    assert all(tensor.dtype == torch.float64 for tensor in wanted.values())
    return max(errors)


def test_two_processes_compute_what_one_computes(
    params: Path, store: Path, tmp_path: Path, soak: Soak, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = load_settings(params)
    loss_network = tmp_path / "loss_network"
    prepare_loss_network(
        open_store(store), settings.loss_network, loss_network, pick_device("cpu"), lambda done, total: None
    )
    work = (variants_of(settings), store, loss_network, tmp_path, soak.pick(5, 50))
    launch(2, train, *work)
    train(*work)
    n_equal, gradient_error, loss_error = 0, 0.0, 0.0
    for name in work[0]:
        two, other, one = (
            torch.load(tmp_path / f"{name} {which}.pt", weights_only=True)
            for which in ("0 of 2", "1 of 2", "0 of 1")
        )
        gradient_error = max(gradient_error, _worst(two["gradients"], one["gradients"]))
        first = [(found, one["losses"][step]) for step, found in enumerate(two["losses"][:5])]
        errors = [abs(float(found[loss] - wanted[loss])) for found, wanted in first for loss in wanted]
        assert len(errors) == 5 * len(one["losses"][0])
        loss_error = max(loss_error, *errors)
        same = dict(_tensors(other["state"]))
        for entry, tensor in _tensors(two["state"]):
            assert torch.equal(tensor, same[entry]), f"{name}: {entry} differs between the processes"
        n_equal += len(same)
    assert gradient_error < 1e-8
    assert loss_error < 1e-8
    soak.figure("two processes and one: largest error of a gradient", f"{gradient_error:.1e}")
    soak.figure("two processes and one: largest error of a loss in 5 steps", f"{loss_error:.1e}")
    soak.figure("tensors with the same bits in both processes", n_equal)
