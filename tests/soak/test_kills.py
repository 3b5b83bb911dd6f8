"""A training run killed again and again ends with the bytes of an unbroken one."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ccfpse.config import load_settings
from ccfpse.device import pick_device
from ccfpse.loss_network import prepare_loss_network
from ccfpse.prepared import open_store
from tests.pipeline import ENVIRONMENT, TINY, change, run
from tests.soak.conftest import Soak
from tests.training.told import contents

pytestmark = pytest.mark.slow

PARTIAL = ".training.partial-*"


@pytest.fixture
def steps(soak: Soak) -> int:
    """Of a run."""
    return soak.pick(12, 24)


@pytest.fixture
def ready(params: Path, store: Path, steps: int) -> Path:
    """A settings file of a run with everything that has a state: style, average, augmentation, schedule."""
    settings = yaml.safe_load(params.read_text())
    settings["model"] |= {"style": True}
    settings["data"] |= {"flip": True}
    settings["train"] |= {"steps": steps, "decay_start": steps // 2, "average": 0.9, "reuse_fake": False}
    settings["runtime"] |= {"log_every": 1, "strip_every": 5, "checkpoint_every": 2}
    params.write_text(yaml.safe_dump(settings))
    loaded = load_settings(params)
    prepare_loss_network(
        open_store(store),
        loaded.loss_network,
        Path(loaded.paths.loss_network),
        pick_device("cpu"),
        lambda done, total: None,
    )
    return params


def train(params: Path, workers: int = 0) -> "subprocess.Popen[str]":
    settings = yaml.safe_load(params.read_text())
    settings["runtime"]["workers"] = workers
    params.write_text(yaml.safe_dump(settings))
    return subprocess.Popen(
        [sys.executable, "-m", "ccfpse_cli", "train", "--params", str(params)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def living(params: Path, workers: int = 0) -> Iterator["subprocess.Popen[str]"]:
    process = train(params, workers)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: "subprocess.Popen[str]", is_so: Callable[[], Any]) -> bool:
    """Waits for it as long as the process lives; whether it came."""
    while process.poll() is None:
        if is_so():
            return True
        time.sleep(0.0005)
    return False


def test_killed_at_any_moment_it_ends_with_the_bytes_of_an_unbroken_run(
    ready: Path, steps: int, tmp_path: Path, soak: Soak
) -> None:
    out, chance = tmp_path / "training", random.Random(0)
    with living(ready) as unbroken:
        assert until(unbroken, lambda: list(tmp_path.glob(f"{PARTIAL}/run.json")))
        begun = time.monotonic()
        assert unbroken.wait() == 0, unbroken.communicate()
        lasts = time.monotonic() - begun
    wanted = contents(out)
    start_anew(tmp_path)

    kills = while_writing = while_finishing = runs = n_bytes = 0
    goal = soak.pick(3, 50)
    while kills < goal:
        kind = kills % 3
        with living(ready, workers=1 if kills % 6 == 2 else 0) as process:
            until(process, lambda: list(tmp_path.glob(f"{PARTIAL}/run.json")))
            if kind == 0:
                time.sleep(chance.uniform(0, lasts))
            elif kind == 1:
                for _ in range(chance.randint(1, 4)):
                    until(process, lambda: list(tmp_path.glob(f"{PARTIAL}/.step-*")))
                    until(process, lambda: not list(tmp_path.glob(f"{PARTIAL}/.step-*")))
                until(process, lambda: list(tmp_path.glob(f"{PARTIAL}/.step-*")))
            else:
                until(process, lambda: list(tmp_path.glob(f"{PARTIAL}/finished")))
                time.sleep(chance.uniform(0, 0.05))
            process.kill()
            process.wait()
        if process.returncode == -signal.SIGKILL:
            kills += 1
            while_writing += bool(list(tmp_path.glob(f"{PARTIAL}/.step-*")))
            while_finishing += bool(list(tmp_path.glob(f"{PARTIAL}/finished")))
        if process.returncode == 0 or kills == goal:
            with living(ready) as last:
                assert last.wait() == 0, last.communicate()
            assert contents(out) == wanted
            runs, n_bytes = runs + 1, n_bytes + sum(map(len, wanted.values()))
            start_anew(tmp_path)
        else:
            assert process.returncode == -signal.SIGKILL, process.communicate()
    soak.figure("kills survived", kills)
    soak.figure("  of them while a checkpoint was written", while_writing)
    soak.figure("  of them while the result was put in place", while_finishing)
    soak.figure("runs compared with an unbroken one", runs)
    soak.figure("steps compared", runs * steps)
    soak.figure("bytes compared", n_bytes)


def start_anew(folder: Path) -> None:
    for left in (folder / "training", *folder.glob(PARTIAL)):
        shutil.rmtree(left, ignore_errors=True)


def test_a_trainer_whose_dvc_is_killed_ends_and_the_next_goes_on(project: Path, soak: Soak) -> None:
    change(project, TINY)
    change(
        project,
        {
            "train": {"steps": soak.pick(30, 60), "decay_start": 15},
            "runtime": {"checkpoint_every": 1, "workers": 0},
        },
    )
    run(project, "dvc", "config", "--local", "core.no_scm", "true")
    run(project, "dvc", "repro", "train")
    outputs = project / "outputs/sample"
    wanted = contents(outputs / "training")
    start_anew(outputs)
    chance, goal = random.Random(1), soak.pick(1, 6)
    kills = 0
    while kills < goal:
        before = newest(outputs)
        with subprocess.Popen(
            ["dvc", "repro", "--force", "--single-item", "train"],
            cwd=project,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as dvc:
            # The last dvc's trainer may still be there, and end its step: the next one waits for it.
            while dvc.poll() is None and newest(outputs) <= before:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.3))
            is_over = dvc.poll()
            dvc.kill()
        if is_over is None:
            kills += 1
        else:  # the run came to its end
            assert is_over == 0
            assert contents(outputs / "training") == wanted
            start_anew(outputs)
    run(project, "dvc", "repro", "--force", "--single-item", "train")
    assert contents(outputs / "training") == wanted
    soak.figure("kills of dvc survived", kills)


def newest(outputs: Path) -> str:
    return max((path.name for path in outputs.glob(f"{PARTIAL}/step-*.pt")), default="")
