"""The command `ccfpse`: what it lists, how fast it starts, how it ends."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ccfpse.errors import CcfpseError, DataError, SkippedFilesError
from ccfpse_cli.console import errors_as_messages, is_lack_of_memory, progress

COMMANDS = (
    "preset",
    "init",
    "scan",
    "prepare",
    "judge",
    "loss-network",
    "train",
    "synthesize",
    "remake",
    "styles",
    "evaluate",
    "report",
    "import",
    "describe",
    "compare",
    "clean",
    "compile",
    "doctor",
    "export",
    "shrink",
    "paint",
)


def ccfpse(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ccfpse_cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_help_lists_every_command() -> None:
    ended = ccfpse("--help")
    assert ended.returncode == 0
    listed = {line.strip("│ ").split(" ")[0] for line in ended.stdout.splitlines()}
    assert set(COMMANDS) <= listed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ended = ccfpse(command, "--help")
    assert ended.returncode == 0, ended.stderr
    assert f"{command} [OPTIONS]" in ended.stdout


def test_start_up_imports_nothing_heavy() -> None:
    code = (
        "import sys, ccfpse_cli.main; "
        "print([m for m in ('torch', 'numpy', 'yaml', 'PIL', 'dvc') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_the_version_is_the_one_of_the_package() -> None:
    from importlib.metadata import version

    assert ccfpse("--version").stdout == f"ccfpse {version('ccfpse')}\n"


def test_an_unknown_command_ends_with_2() -> None:
    assert ccfpse("synthesise").returncode == 2


class OutOfMemoryError(RuntimeError):
    """By PyTorch's name."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_too_little_memory_is_told_with_what_to_do(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, errors_as_messages():
        raise error
    assert ended.value.exit_code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: out of memory; to train in less, lower train.batch")


def test_pytorch_raises_what_counts_as_too_little_memory() -> None:
    import torch

    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_lack_of_memory(raised.value)
    assert torch.OutOfMemoryError.__name__ == OutOfMemoryError.__name__


@pytest.mark.parametrize(
    ("error", "exit_code", "sentence"),
    [
        (DataError("a.png: is damaged; remove it"), 2, "error: a.png: is damaged; remove it\n"),
        (SkippedFilesError("2 files were left out"), 3, "error: 2 files were left out\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "b.npy"),
            2,
            "error: b.npy: No space left on device\n",
        ),
        (KeyboardInterrupt(), 130, "error: stopped\n"),
        (KeyError("x"), 1, "error: internal error: KeyError: 'x'; run again with --verbose\n"),
    ],
)
def test_an_error_becomes_one_sentence_and_an_exit_code(
    error: BaseException, exit_code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, errors_as_messages():
        raise error
    assert ended.value.exit_code == exit_code
    assert capsys.readouterr().err == sentence


def test_verbose_shows_where_an_error_comes_from(tmp_path: Path) -> None:
    quiet = ccfpse("preset", "nothing", cwd=tmp_path)
    verbose = ccfpse("--verbose", "preset", "nothing", cwd=tmp_path)
    assert (quiet.returncode, verbose.returncode) == (2, 2)
    assert len(quiet.stderr.splitlines()) == 1
    assert "Traceback" in verbose.stderr
    assert verbose.stderr.endswith(quiet.stderr)


def test_a_command_that_ends_itself_keeps_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, errors_as_messages():
        raise typer.Exit(3)
    assert ended.value.exit_code == 3
    assert capsys.readouterr().err == ""


def test_progress_without_a_terminal_says_when_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading") as update:
        for done in range(1, 4):
            update(done, 3)
    assert capsys.readouterr().err == "reading: 3/3, 0 s\n"


def test_every_error_of_ours_is_the_users_to_mend() -> None:
    kinds = CcfpseError.__subclasses__()
    assert {kind.exit_code for kind in kinds} == {2, 3}
