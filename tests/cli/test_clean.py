"""`ccfpse clean`: what it lists, what it removes, what it leaves."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ccfpse.outputlock import output_lock
from ccfpse_cli.main import app


@pytest.fixture
def partial(params: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training run's folder, with photos measured in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = yaml.safe_load(params.read_text())
    out = Path(settings["paths"]["training"])
    folder = out.with_name(f".{out.name}.partial-0123456789ab")
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"course": {"steps": 9}}))
    (folder / "step-000000005.pt").write_bytes(bytes(3 * 2**20))
    measured = tmp_path / "cache/ccfpse/measured/key"
    measured.mkdir(parents=True)
    (measured / "0.npz").write_bytes(bytes(2**20))
    out.with_name(".evaluation.tmp").mkdir()
    return folder


def test_it_lists_with_sizes_and_removes_nothing_unasked(params: Path, partial: Path) -> None:
    ended = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["clean", "--params", str(params)])
    assert ended.exit_code == 0
    assert "3.0 MiB" in ended.output
    assert "unfinished training run, 5 of 9 steps" in ended.output
    assert "measurements of photos" in ended.output
    assert "left by a command that was killed" in ended.output
    assert "ccfpse clean --yes" in ended.output
    assert partial.is_dir()


def test_it_removes_what_it_listed_and_nothing_else(params: Path, partial: Path, tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["clean", "--yes", "--params", str(params)])
    assert ended.exit_code == 0
    assert "removed 4.0 MiB" in ended.output
    assert not partial.exists()
    assert not list((tmp_path / "cache/ccfpse/measured").iterdir())
    assert not list(tmp_path.glob(".*"))
    assert params.exists()
    assert "nothing is left over" in CliRunner().invoke(app, ["clean", "--params", str(params)]).output


def test_a_run_that_is_going_on_stays(params: Path, partial: Path) -> None:
    with output_lock(partial.with_name("training")):
        ended = CliRunner().invoke(app, ["clean", "--yes", "--params", str(params)])
    assert "in use by process" in ended.output
    assert "removed 1.0 MiB" in ended.output
    assert partial.is_dir()
