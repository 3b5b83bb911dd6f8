import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from ccfpse.config import load_settings
from ccfpse.device import pick_device
from ccfpse.judge import train_judge
from ccfpse.loss_network import prepare_loss_network
from ccfpse.prepared import open_store
from tests.soak.conftest import Soak

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc/self/smaps_rollup"),
]

_SAMPLES = 60
_MOST_MB = 20


def _measured(work: str, params: Path) -> tuple[list[float], list[int]]:
    """Memory in MB, and the number of open files, from the first to the last moment."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.growth", work, params, str(_SAMPLES)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    taken = json.loads(done.stdout.splitlines()[-1])
    assert len(taken) >= _SAMPLES - 1
    assert all(memory > 0 for memory, _ in taken), "this system does not tell it"
    return [memory for memory, _ in taken], [n_open for _, n_open in taken]


def _check(work: str, amount: str, memory: list[float], n_open: list[int], soak: Soak) -> None:
    """Compares the last tenth with a tenth after the first fifth, in which everything is warmed up."""
    tenth = len(memory) // 10
    early, late = slice(2 * tenth, 3 * tenth), slice(-tenth, None)
    growth = statistics.median(memory[late]) - statistics.median(memory[early])
    # Files of the moment (a checkpoint, a photo) come and go: least against least.
    opened, still_open = min(n_open[early]), min(n_open[late])
    soak.figure(f"{work}: growth over {amount}", f"{growth:+.1f} MB of {statistics.median(memory[late]):.0f}")
    soak.figure(f"{work}: open files early and late", f"{opened} and {still_open}")
    assert growth < _MOST_MB
    assert still_open <= opened


def test_training_does_not_grow(params: Path, store: Path, soak: Soak) -> None:
    steps = soak.pick(150, 2000)
    changed = yaml.safe_load(params.read_text())
    changed["train"] |= {"steps": steps, "decay_start": 0}
    changed["runtime"] |= {"workers": 1, "log_every": 1, "strip_every": 10, "checkpoint_every": 10}
    params.write_text(yaml.safe_dump(changed))
    settings, cpu = load_settings(params), pick_device("cpu")
    opened, paths = open_store(store), settings.paths
    prepare_loss_network(
        opened, settings.loss_network, Path(paths.loss_network), cpu, lambda done, total: None
    )
    train_judge(opened, settings.judge, Path(paths.judge), cpu, lambda done, total: None)
    memory, n_open = _measured("train", params)
    _check("training", f"{steps:,} steps", memory, n_open, soak)


def test_synthesis_does_not_grow(make_model: Callable[..., Path], tmp_path: Path, soak: Soak) -> None:
    n_photos, rng = soak.pick(400, 20_000), np.random.default_rng(0)
    make_model(style=True)
    labels = tmp_path / "labels"
    labels.mkdir()
    for i in range(n_photos):
        blocks = 10 * (rng.integers(0, 3, (4, 8)).repeat(8, 0).repeat(8, 1) + 1)
        Image.fromarray(blocks.astype(np.uint8)).save(labels / f"{i:05d}.png")
    memory, n_open = _measured("synthesize", tmp_path / "params.yaml")
    assert len(list((tmp_path / "photos").iterdir())) == n_photos
    shutil.rmtree(tmp_path / "photos")
    shutil.rmtree(labels)
    _check("synthesis", f"{n_photos:,} photos", memory, n_open, soak)
