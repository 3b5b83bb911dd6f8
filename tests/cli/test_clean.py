"""`ccfpse clean`: what it lists, what it removes, what it leaves."""

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ccfpse.outputlock import output_lock
from ccfpse_cli.main import app

COURSE = {
    "steps": 9,
    "decay_start": 5,
    "learning_rate_generator": 1e-4,
    "learning_rate_discriminator": 4e-4,
}


@pytest.fixture
def partial(params: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training run's folder, with photos measured in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = yaml.safe_load(params.read_text())
    out = Path(settings["paths"]["training"])
    folder = out.with_name(f".{out.name}.partial-0123456789ab")
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"course": COURSE}))
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


def test_the_folder_one_is_in_has_something_beside_it_and_the_root_has_not(
    partial: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = partial.name.removeprefix(".").partition(".partial-")[0]
    partial.with_name(name).mkdir()
    monkeypatch.chdir(partial.with_name(name))
    ended = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["clean", "."])
    assert ended.exit_code == 0
    assert "unfinished training run, 5 of 9 steps" in ended.output
    ended = CliRunner().invoke(app, ["clean", "/"])
    assert (ended.exit_code, ended.stderr) == (2, "error: /: is no output of a command; name one\n")


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


def _take_terminal() -> None:
    """Makes standard input the controlling terminal, or Ctrl-C would be a character like others."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # EIO: nobody has its other end any more
        return b""


def _talk(terminal: int, answer: bytes) -> bytes:
    """All that is shown, until nobody shows anything any more; questions are answered.

    A Ctrl-C just before Python's `input` begins to wait is noticed with the next key, so it is repeated.
    """
    output = b""
    for _ in range(12):
        while select.select([terminal], [], [], 5)[0]:
            if not (part := _read(terminal)):
                return output
            output += part
            if part.rstrip().endswith(b"]:"):
                os.write(terminal, answer)
        if b"]:" in output:
            os.write(terminal, answer)
    return output


@pytest.mark.parametrize(
    ("answer", "exit_code", "told"), [(b"n\n", 0, "nothing is removed"), (b"\x03", 130, "error: stopped")]
)
def test_who_says_no_keeps_all(answer: bytes, exit_code: int, told: str, params: Path, partial: Path) -> None:
    command = [sys.executable, "-m", "ccfpse_cli", "clean", "--params", str(params)]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_take_terminal
    ) as asking:
        os.close(theirs)
        output = _talk(ours, answer)
        try:
            asking.wait(60)
        finally:
            asking.kill()
    os.close(ours)
    assert asking.returncode == exit_code, output
    assert told in output.decode()
    assert partial.is_dir()


def test_every_path_is_shown_to_its_end(params: Path, partial: Path) -> None:
    ended = CliRunner(env={"COLUMNS": "60"}).invoke(app, ["clean", "--params", str(params)])
    where = "".join(line.split("│")[3].strip() for line in ended.output.splitlines() if "│" in line)
    assert str(partial) in where


def test_an_output_that_the_settings_do_not_name_is_looked_at_by_its_own(
    params: Path, partial: Path, tmp_path: Path
) -> None:
    (tmp_path / ".mine.tmp").mkdir()
    ended = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["clean", str(tmp_path / "mine"), "--yes"])
    assert ended.exit_code == 0
    assert not (tmp_path / ".mine.tmp").exists()
    assert partial.is_dir()
