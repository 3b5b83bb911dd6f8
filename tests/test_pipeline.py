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
    "data": {"sample": {"train": 4, "val": 2, "seed": 3}},
    "model": {"width": 4, "predictor_width": 4, "discriminator_width": 4},
    "loss_network": {"small": {"width": 4, "steps": 2, "batch": 2, "learning_rate": 0.002, "seed": 11}},
    "judge": {"enlarge": 1, "steps": 2, "batch": 2},
    "train": {"steps": 4, "decay_start": 2, "batch": 2},
    "evaluate": {"pictures": 2},
    "runtime": {"workers": 1, "strip_every": 20},
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


def stages_run(printed: str) -> list[str]:
    """The stages that really ran, by what `dvc repro` printed; in the order of STAGES."""
    return sorted(re.findall(r"^Running stage '(.+)':$", printed, re.MULTILINE), key=STAGES.index)


def repro(project: Path, *targets: str) -> list[str]:
    return stages_run(run(project, "dvc", "repro", *targets))


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


def kill_while_training(project: Path) -> None:
    """Starts the pipeline and kills it, with the training it runs, after a checkpoint or two."""
    with subprocess.Popen(
        ["dvc", "repro"], cwd=project, env=ENVIRONMENT, stdout=subprocess.DEVNULL, start_new_session=True
    ) as running:
        deadline = time.monotonic() + 120
        while not list(project.glob("outputs/sample/.training.partial-*/step-*2.pt")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
    assert not (project / "outputs/sample/training").exists()


def test_changes_rerun_what_follows_them_killed_or_not_and_older_results_come_back(tiny: Path) -> None:
    run(tiny, "git", "init", "-q")
    run(tiny, "git", "add", ".")
    run(tiny, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "start")
    evaluation = tiny / "outputs/sample/evaluation"

    assert repro(tiny) == STAGES
    first = (evaluation / "metrics.json").read_bytes()
    assert json.loads(first)
    assert (evaluation / "pictures.png").is_file()
    assert run(tiny, "git", "status", "--porcelain").split() == ["??", "dvc.lock"]
    assert "metrics.json" in run(tiny, "dvc", "metrics", "show")
    assert "synthesized" in run(tiny, "ccfpse", "evaluate", "--show")
    run(tiny, "dvc", "plots", "show")
    plots = (tiny / "dvc_plots" / "index.html").read_text("utf-8")
    assert all(shown in plots for shown in ("log/plots/metrics/", "iou.csv", "pictures_png"))

    change(tiny, {"runtime": {"log_every": 2, "checkpoint_every": 1}})
    assert repro(tiny) == ["scan"]

    change(tiny, {"train": {"steps": 16}})
    kill_while_training(tiny)
    printed = run(tiny, "dvc", "repro")
    assert "going on after step" in printed
    assert stages_run(printed) == ["scan", "train", "synthesize", "evaluate"]
    assert (evaluation / "metrics.json").read_bytes() != first

    change(tiny, {"train": {"steps": 4}})
    assert repro(tiny) == ["scan"]
    assert (evaluation / "metrics.json").read_bytes() == first


def test_stages_run_without_git(tiny: Path) -> None:
    run(tiny, "dvc", "config", "--local", "core.no_scm", "true")
    assert repro(tiny, "prepare") == ["scan", "prepare"]
    assert repro(tiny, "prepare") == ["scan"]
