"""From folders to a report under DVC, without a checkout around it."""

from pathlib import Path

import pytest

from tests.pipeline import change, run
from tests.test_pipeline import STAGES, stages_run

pytestmark = pytest.mark.slow

TINY = {
    "data": {"size": [32, 64], "load_size": [40, 80]},
    "model": {"width": 2, "predictor_width": 4, "discriminator_width": 2},
    "loss_network": {"small": {"width": 2, "steps": 2, "batch": 2, "learning_rate": 0.002, "seed": 11}},
    "judge": {"enlarge": 1, "steps": 2, "batch": 2},
    "train": {"steps": 2, "decay_start": 1, "batch": 2},
    "evaluate": {"pictures": 2},
    "runtime": {"workers": 0},
}


def start(folder: Path) -> Path:
    run(folder, "ccfpse", "init", "new", "--images", "mine/images", "--labels", "mine/labels")
    change(folder / "new", TINY)
    return folder / "new"


def test_a_new_project_runs_to_its_report_without_git(pairs: Path, tmp_path: Path) -> None:
    project = start(tmp_path)
    assert stages_run(run(project, "dvc", "repro")) == STAGES
    assert "</html>" in (project / "outputs/report/index.html").read_text("utf-8")
    assert (project / "outputs/training/model.safetensors").is_file()
    assert stages_run(run(project, "dvc", "repro")) == ["scan"]
    assert pairs.is_dir()


def test_a_new_project_in_a_folder_of_a_repository_uses_its_git(pairs: Path, tmp_path: Path) -> None:
    assert pairs.is_dir()
    run(tmp_path, "git", "init", "-q")
    project = start(tmp_path)
    assert not (project / ".dvc/config.local").exists()
    assert stages_run(run(project, "dvc", "repro", "prepare")) == ["scan", "prepare"]
    assert "new/dvc.lock" in run(tmp_path, "git", "status", "--porcelain", "-uall").split()
    assert "outputs" not in run(tmp_path, "git", "status", "--porcelain", "-uall")
    run(project, "dvc", "params", "diff")  # asks git
