"""Damaged folders of training runs: a sentence that names them, or the result of an unbroken run."""

import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.hostile.bench import SETTINGS, Bench

_DIGEST_BYTES = 32
Spoil = Callable[[Path], object]


@pytest.fixture(scope="session")
def trained(shelf: Path) -> Path:
    """The shelf, with a finished run and its last checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shelf)
        patch.setenv("CXX", "none")
        ended = CliRunner().invoke(app, ["train"])
        assert ended.exit_code == 0, ended.output
    return shelf


def state_of(checkpoint: Path) -> dict[str, Any]:
    content = checkpoint.read_bytes()[:-_DIGEST_BYTES]
    state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True)
    return state


def with_state(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Another content, with the checksum that belongs to it."""

    def do(folder: Path) -> None:
        (checkpoint,) = folder.glob("step-*.pt")
        file = io.BytesIO()
        torch.save(change(state_of(checkpoint)), file)
        content = file.getvalue()
        checkpoint.write_bytes(content + hashlib.sha256(content).digest())

    return do


def shrunk(state: Any) -> Any:
    """The same with one number for every tensor."""
    if isinstance(state, torch.Tensor):
        return state.flatten()[:1].clone()
    if isinstance(state, Mapping):
        return {key: shrunk(value) for key, value in state.items()}
    return [shrunk(value) for value in state] if isinstance(state, list | tuple) else state


def file(name: str, content: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(content)


def packed(folder: Path) -> None:
    """The same state, packed, with the checksum that belongs to it."""
    (checkpoint,) = folder.glob("step-*.pt")
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(checkpoint.read_bytes()[:-_DIGEST_BYTES])) as stored,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in stored.namelist():
            archive.writestr(name, stored.read(name))
    checkpoint.write_bytes(content.getvalue() + hashlib.sha256(content.getvalue()).digest())


def linked(name: str) -> Spoil:
    """To the folder that the settings file is in."""

    def do(folder: Path) -> None:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).symlink_to(Path.cwd())

    return do


def pipe(name: str) -> Spoil:
    def do(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return do


def series(content: bytes) -> Spoil:
    """In place of one of the log."""
    return lambda folder: min(folder.glob("log/plots/metrics/**/*.tsv")).write_bytes(content)


def of_another(spoil: Spoil) -> Spoil:
    """The same in the folder of another run."""

    def do(folder: Path) -> None:
        spoil(folder)
        folder.rename(folder.with_name(".training.partial-ffffffffffff"))

    return do


NO_RECORDS = (
    b"[]",
    b"7",
    b"null",
    b"{",
    b"\xff",
    b"[" * 100_000,
    b'{"course": 3}',
    b'{"course": {"steps": "many"}}',
)
NO_SERIES = (b"step\tother\nx\t1\n", b"other\n1\n", b"\xff\n", b"step\tother\n1\n", b"step\tother\n1\t1\n")
STATES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a list": lambda state: [1, 2],
    "nothing of a run": lambda state: {"format": state["format"], "step": state["step"]},
    "another step": lambda state: {**state, "step": 1},
    "a step of text": lambda state: {**state, "step": "x"},
    "extends of a number": lambda state: {**state, "extends": 5},
    "extends of numbers": lambda state: {**state, "extends": [5]},
    "weights of other shapes": shrunk,
    "no weights": lambda state: {
        key: {} if isinstance(value, dict) else value for key, value in state.items()
    },
}
SPOILS: dict[str, Spoil] = {
    **{f"checkpoint: {name}": with_state(change) for name, change in STATES.items()},
    "record: a list": file("run.json", b"[]"),
    **{
        f"record of another run: {content[:40]!r}": of_another(file("run.json", content))
        for content in NO_RECORDS
    },
    **{f"series of {content!r}": series(content) for content in NO_SERIES},
    "checkpoint: packed": packed,
    "record: a pipe": pipe("run.json"),
    "record of another run: a pipe": of_another(pipe("run.json")),
    "log: a pipe": pipe("log/plots/metrics/other.tsv"),
    **{f"{name}: elsewhere": linked(name) for name in ("log", "strip", "finished", "log/plots/metrics")},
    "a name without a step": file("step-x.pt", b"x"),
    "a name without a step in another run": of_another(file("step-x.pt", b"x")),
    "a name of a step that is none": file("step-\u00b2.pt", b"x"),
    "a folder for a record": lambda folder: ((folder / "run.json").unlink(), (folder / "run.json").mkdir()),
}


@pytest.fixture
def folder(trained: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that was cut off before its result was written."""
    monkeypatch.setenv("CXX", "none")  # or there would be advice to build kernels
    bench.take(SETTINGS, "prepared", "loss_network")
    (partial,) = trained.glob(".training.partial-*")
    return bench.take(partial.name)


def run(*command: str) -> tuple[int, list[str]]:
    ended = CliRunner().invoke(app, command)
    assert "internal error" not in ended.output
    assert "Traceback" not in ended.output
    return ended.exit_code, [line for line in ended.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("name", SPOILS)
def test_a_damaged_run_is_named_or_the_result_is_right(name: str, folder: Path, trained: Path) -> None:
    SPOILS[name](folder)
    settings = Path(SETTINGS).read_bytes()
    exit_code, told = run("train")
    assert Path(SETTINGS).read_bytes() == settings
    model = Path("training/model.safetensors")
    if exit_code == 0:
        assert model.read_bytes() == (trained / model).read_bytes()
    else:
        assert exit_code == 2
        assert len(told) == 1
        assert ".training.partial-" in told[0]
        assert not model.exists()


@pytest.mark.parametrize("name", SPOILS)
def test_what_is_damaged_can_be_cleared_away(name: str, folder: Path) -> None:
    SPOILS[name](folder)
    assert run("clean", "--yes") == (0, [])
    assert not list(Path().glob(".training.partial-*"))


@pytest.mark.parametrize("spoil", [series(NO_SERIES[0]), linked("log")], ids=["series", "link"])
def test_the_run_that_one_goes_on_from_is_named(spoil: Spoil, folder: Path) -> None:
    of_another(spoil)(folder)
    settings = yaml.safe_load(Path(SETTINGS).read_text())
    settings["train"]["steps"] += 1
    Path(SETTINGS).write_text(yaml.safe_dump(settings))
    exit_code, told = run("train", "--extend")
    assert exit_code == 2
    assert len(told) == 1
    assert "remove" in told[0]
    assert ".training.partial-ffffffffffff" in told[0].partition("remove")[2]
    shutil.rmtree(".training.partial-ffffffffffff")
    assert run("train") == (0, [])
