"""The whole pipeline under DVC, in a copy of the project: what runs, what is skipped, what comes back."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

STAGES = ["scan", "prepare", "judge", "loss-network", "train", "synthesize", "evaluate"]
TINY: dict[str, dict[str, Any]] = {
    "data": {"sample": {"train": 8, "val": 4, "seed": 3}},
    "model": {"width": 4, "predictor_width": 4, "discriminator_width": 4},
    "loss_network": {"small": {"width": 4, "steps": 2, "batch": 2, "learning_rate": 0.002, "seed": 11}},
    "judge": {"enlarge": 1, "steps": 2, "batch": 2},
    "train": {"steps": 4, "decay_start": 2, "batch": 2},
    "evaluate": {"pictures": 2},
    "runtime": {"workers": 1, "checkpoint_every": 2, "strip_every": 2, "log_every": 1},
}


# The installed commands are found by name, as in an active environment.
ENVIRONMENT = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def run(project: Path, *command: str) -> str:
    """What the command prints."""
    ended = subprocess.run(
        command,
        cwd=project,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def repro(project: Path, *targets: str) -> list[str]:
    """Runs the pipeline; the stages that really ran, sorted as in STAGES."""
    ran = re.findall(r"^Running stage '(.+)':$", run(project, "dvc", "repro", *targets), re.MULTILINE)
    return sorted(ran, key=STAGES.index)


def change(project: Path, changes: dict[str, dict[str, Any]]) -> None:
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text("utf-8"))
    for section, values in changes.items():
        params[section] |= values
    path.write_text(yaml.safe_dump(params), "utf-8")


@pytest.fixture
def tiny(project: Path) -> Path:
    """A copy of the project whose settings take a minute."""
    change(project, TINY)
    return project


def test_a_change_reruns_what_follows_it_and_older_settings_come_from_the_cache(
    tiny: Path,
) -> None:
    run(tiny, "git", "init", "-q")
    run(tiny, "git", "add", ".")
    run(tiny, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "start")
    evaluation = tiny / "outputs/sample/evaluation"

    assert repro(tiny) == STAGES
    first = (evaluation / "metrics.json").read_bytes()
    assert json.loads(first)
    assert (evaluation / "pictures.png").is_file()
    assert run(tiny, "git", "status", "--porcelain").split() == ["??", "dvc.lock"]

    assert repro(tiny) == ["scan"]

    change(tiny, {"runtime": {"log_every": 2}})
    assert repro(tiny) == ["scan"]

    change(tiny, {"train": {"steps": 6}})
    assert repro(tiny) == ["scan", "train", "synthesize", "evaluate"]

    change(tiny, {"train": {"steps": 4}})
    assert repro(tiny) == ["scan"]
    assert (evaluation / "metrics.json").read_bytes() == first

    assert "metrics.json" in run(tiny, "dvc", "metrics", "show")
    run(tiny, "dvc", "plots", "show")
    assert "loss" in (tiny / "dvc_plots" / "index.html").read_text("utf-8").lower()


def test_a_killed_training_goes_on_and_older_settings_still_come_from_the_cache(tiny: Path) -> None:
    run(tiny, "dvc", "config", "--local", "core.no_scm", "true")
    run(tiny, "dvc", "repro", "train")
    first = (tiny / "outputs/sample/training/model.safetensors").read_bytes()

    change(tiny, {"train": {"steps": 60}, "runtime": {"checkpoint_every": 1}})
    # A session of its own: the kill reaches DVC and the training it started.
    with subprocess.Popen(
        ["dvc", "repro", "train"],
        cwd=tiny,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        deadline = time.monotonic() + 120
        while not list(tiny.glob("outputs/sample/.training.partial-*/step-*2.pt")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
    assert not (tiny / "outputs/sample/training").exists()

    assert "going on after step" in run(tiny, "dvc", "repro", "train")
    assert (tiny / "outputs/sample/training/model.safetensors").read_bytes() != first
    change(tiny, {"train": {"steps": 4}})
    assert repro(tiny, "train") == ["scan"]
    assert (tiny / "outputs/sample/training/model.safetensors").read_bytes() == first


def test_everything_runs_without_git(tiny: Path) -> None:
    run(tiny, "dvc", "config", "--local", "core.no_scm", "true")
    assert repro(tiny) == STAGES
    assert repro(tiny) == ["scan"]
