"""`--json`: one document on standard output, everything else on standard error."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.cli.examples import lay
from tests.hostile.bench import Bench

SETTINGS = "params.yaml"


def answer(*command: str, exit_code: int = 0) -> Any:
    ended = CliRunner().invoke(app, [*command, "--json"])
    assert ended.exit_code == exit_code, ended.output
    return json.loads(ended.stdout)


def test_describe_gives_the_networks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from ccfpse import complexity

    one = complexity.Complexity(
        name="a", role="generator", parameters=3, flop=2, fast_multiplications=None, kept_bytes=None
    )
    # Counting takes seconds, and tests/test_complexity.py does it.
    monkeypatch.setattr(complexity.Networks, "complexities", lambda self, progress: [one])
    lay(bench, SETTINGS, "raw")
    found = answer("describe", "--size", "64x128")
    assert (found["size"], found["layout_channels"]) == ([64, 128], 5)
    assert found["networks"][0]["fast_multiplications"] is None


def test_evaluate_shows_what_it_wrote(bench: Bench) -> None:
    lay(bench, SETTINGS, "prepared", "judge", "synthesized")
    made = answer("evaluate")
    assert made == answer("evaluate", "--show") == json.loads(Path("evaluation/metrics.json").read_text())
    assert made["photos"] == 2


def test_clean_lists_and_removes_only_if_told(bench: Bench) -> None:
    lay(bench, SETTINGS)
    left = Path(".training.partial-x")
    left.mkdir()
    (left / "state").write_bytes(b"12345")
    (listed,) = answer("clean")["leftovers"]
    assert (listed["path"], listed["bytes"], left.exists()) == (str(left), 5, True)
    assert answer("clean", "--yes")["removed_bytes"] == 5
    assert not left.exists()
    assert answer("clean") == {"leftovers": [], "removed_bytes": 0}


def test_a_dry_run_gives_settings_and_memory(bench: Bench) -> None:
    lay(bench, SETTINGS, "prepared")
    found = answer("train", "--dry-run")
    assert found["settings"]["train"]["steps"] == 2
    assert found["parameters"].keys() == {"generator", "discriminator"}
    assert found["state_bytes"] > 16 * sum(found["parameters"].values())


def test_synthesize_counts_photos_and_says_what_is_bad(bench: Bench) -> None:
    lay(bench, "layouts=labels", "model.safetensors")
    command = ("synthesize", "layouts", "photos", "--model", "model.safetensors", "--skip-bad")
    found = answer(*command)
    assert (found["folder"], found["written"], found["kept"], found["bad"]) == ("photos", 1, 0, [])
    Path("layouts/bad.png").write_bytes(b"none")
    found = answer(*command, exit_code=3)
    assert (found["written"], found["kept"], len(found["bad"])) == (0, 1, 1)


def test_a_tally_is_the_file_that_out_names(bench: Bench) -> None:
    lay(bench, "study")
    assert answer("study", "tally", "study", "--out", "tally.json") == json.loads(
        Path("tally.json").read_text()
    )


def test_training_has_no_such_answer(bench: Bench) -> None:
    lay(bench, SETTINGS, "prepared")
    ended = CliRunner().invoke(app, ["train", "--json"])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "--dry-run" in ended.stderr


@pytest.mark.parametrize("command", [("clean",), ("evaluate", "--show"), ("study", "tally", "study")])
def test_an_error_leaves_standard_output_empty(command: tuple[str, ...], tmp_path: Path) -> None:
    line = [sys.executable, "-m", "ccfpse_cli", *command, "--json"]
    ended = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("error: ")
