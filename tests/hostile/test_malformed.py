"""Malformed inputs: a sentence that names the file, exit code 2, and nothing written anywhere."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.hostile.bench import Bench
from tests.hostile.malformed import Malformed, malformed

CASES = list(malformed())
_PROGRESS = re.compile(r"[\w ]+: \d+/\d+, \d+ s")


def content(folder: Path) -> dict[str, object]:
    """Everything in a folder, links as links, but for locks, which a dead process does not hold."""
    found: dict[str, object] = {}
    for here, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(here, name)
            shown = str(path.relative_to(folder))
            if path.is_symlink():
                found[shown] = path.readlink()
            elif path.is_file() and name != "lock":
                found[shown] = path.read_bytes()
            elif name != "lock":
                found[shown] = path.lstat().st_mode
    return found


def check_told(case: Malformed, exit_code: int, stdout: str, stderr: str) -> None:
    assert exit_code == 2, stderr
    lines = [
        line for line in stderr.splitlines() if not _PROGRESS.match(line) and not line.startswith("note: ")
    ]
    assert len(lines) == 1, stderr
    assert lines[0].startswith("error: ")
    assert case.told in lines[0]
    assert len(lines[0]) < 2000
    assert "internal error" not in lines[0]
    assert "Traceback" not in stdout + stderr
    assert (stdout + stderr).replace("\n", "").isprintable()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_malformed_input_is_told_in_a_sentence(case: Malformed, bench: Bench) -> None:
    command = case.make(bench)
    before = content(bench.folder.parent)
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)  # of whatever test came before
        ended = CliRunner().invoke(app, command)
    assert [str(remark.message) for remark in remarks] == []
    check_told(case, ended.exit_code, ended.stdout, ended.stderr)
    assert content(bench.folder.parent) == before


def test_there_are_two_hundred_of_all_commands() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len(CASES) >= 200
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    begun = {case.name.split(":")[0] for case in CASES}
    # `compile` reads no file, and to `doctor` a bad one is a finding (tests/doctor).
    assert {name.replace("_", "-") for name in commands} - begun == {"compile", "doctor"}
    assert any(case.name.startswith("study: ") for case in CASES)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[:: len(CASES) // 4], ids=lambda case: case.name)
def test_a_process_of_its_own_says_the_same(case: Malformed, bench: Bench) -> None:
    command = case.make(bench)
    before = content(bench.folder.parent)
    ended = subprocess.run(
        [sys.executable, "-m", "ccfpse_cli", *command],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    check_told(case, ended.returncode, ended.stdout, ended.stderr)
    assert content(bench.folder.parent) == before
