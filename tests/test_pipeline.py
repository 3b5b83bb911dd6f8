"""The whole pipeline under DVC, in a copy of the project: what runs, what is skipped, what comes back."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.pipeline import ENVIRONMENT, TINY, change, run

pytestmark = pytest.mark.slow

STAGES = ["scan", "prepare", "judge", "loss-network", "train", "synthesize", "evaluate", "report"]


def stages_run(printed: str) -> list[str]:
    """The stages that really ran, by what `dvc repro` printed; in the order of STAGES."""
    return sorted(re.findall(r"^Running stage '(.+)':$", printed, re.MULTILINE), key=STAGES.index)


def repro(project: Path, *targets: str) -> list[str]:
    return stages_run(run(project, "dvc", "repro", *targets))


@pytest.fixture
def tiny(project: Path) -> Path:
    """A copy of the project whose settings take a minute."""
    change(project, TINY)
    return project


def commit(project: Path, message: str) -> None:
    run(project, "git", "add", ".")
    run(project, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", message)


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
    commit(tiny, "start")
    evaluation = tiny / "outputs/sample/evaluation"

    assert repro(tiny) == STAGES
    first = (evaluation / "metrics.json").read_bytes()
    assert json.loads(first)
    assert (evaluation / "pictures.png").is_file()
    assert "</html>" in (tiny / "outputs/sample/report/index.html").read_text("utf-8")
    assert run(tiny, "git", "status", "--porcelain").split() == ["??", "dvc.lock"]
    assert "metrics.json" in run(tiny, "dvc", "metrics", "show")
    assert "synthesized" in run(tiny, "ccfpse", "evaluate", "--show")
    run(tiny, "dvc", "plots", "show")
    plots = (tiny / "dvc_plots" / "index.html").read_text("utf-8")
    assert all(shown in plots for shown in ("log/plots/metrics/", "iou.csv", "pictures_png"))
    commit(tiny, "four steps")

    change(tiny, {"train": {"steps": 16}, "runtime": {"log_every": 2, "checkpoint_every": 1}})
    kill_while_training(tiny)
    printed = run(tiny, "dvc", "repro")
    assert "going on after step" in printed
    assert stages_run(printed) == ["scan", "train", "synthesize", "evaluate", "report"]
    assert (evaluation / "metrics.json").read_bytes() != first
    printed = run(tiny, "dvc", "metrics", "diff", "--json")
    difference = json.loads(printed.splitlines()[-1])  # above it: the grid's metrics are not there
    figures = difference["outputs/sample/evaluation/metrics.json"]
    before, after = json.loads(first), json.loads((evaluation / "metrics.json").read_bytes())
    name = "frechet_judge_features"
    assert (figures[name]["old"], figures[name]["new"]) == (before[name], after[name])
    assert not any(name.startswith(("figures", "sources", "versions")) for name in figures)
    run(tiny, "dvc", "plots", "diff", "HEAD", "--out", "difference")
    assert "iou.csv" in (tiny / "difference" / "index.html").read_text("utf-8")

    change(tiny, {"train": {"steps": 4}})  # the section `runtime` decides no result: it stays changed
    assert repro(tiny) == ["scan"]
    assert (evaluation / "metrics.json").read_bytes() == first
