"""Checkpoint files, and the thread that writes them."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from ccfpse.errors import ModelFileError, OutputError
from ccfpse.training import checkpoint
from ccfpse.training.checkpoint import Saver, checkpoints, read_checkpoint, write_checkpoint
from tests.disks import fill, mounted


def test_a_checkpoint_reads_back_what_was_written(tmp_path: Path) -> None:
    state = {"a": [torch.ones(2), {"b": torch.arange(3)}], "extends": []}
    read = read_checkpoint(write_checkpoint(tmp_path, 7, state))
    assert read["step"] == 7
    assert torch.equal(read["a"][1]["b"], torch.arange(3))


def test_a_checkpoint_with_code_is_refused(tmp_path: Path) -> None:
    class Code:
        def __reduce__(self) -> Any:
            return (tmp_path.joinpath("ran").touch, ())

    path = write_checkpoint(tmp_path, 1, {"a": Code()})
    with pytest.raises(ModelFileError, match="damaged checkpoint"):
        read_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_weights_may_change_while_their_copy_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()

    def later(folder: Path, step: int, state: Mapping[str, Any]) -> Path:
        assert may_write.wait(60)
        return write_checkpoint(folder, step, state)

    monkeypatch.setattr(checkpoint, "write_checkpoint", later)
    weights = torch.zeros(3)
    with Saver(tmp_path, keep=1) as saver:
        saver.save(1, {"weights": weights})
        weights += 1
        saver.check()
        assert not checkpoints(tmp_path)
        may_write.set()
    (path,) = checkpoints(tmp_path)
    assert torch.equal(read_checkpoint(path)["weights"], torch.zeros(3))


def test_the_newest_are_kept(tmp_path: Path) -> None:
    with Saver(tmp_path, keep=2) as saver:
        for step in range(1, 5):
            saver.save(step, {"weights": torch.zeros(3)})
    assert [checkpoint.step_of(path) for path in checkpoints(tmp_path)] == [4, 3]


def test_what_went_wrong_in_the_thread_is_told(tmp_path: Path) -> None:
    (tmp_path / "step-000000001.pt").mkdir()
    saver = Saver(tmp_path, keep=1)
    saver.save(1, {})
    with pytest.raises(OutputError, match="is a folder"):
        saver.finish()


def test_an_error_of_training_is_not_hidden_by_one_of_saving(tmp_path: Path) -> None:
    (tmp_path / "step-000000001.pt").mkdir()

    def train() -> None:
        with Saver(tmp_path, keep=1) as saver:
            saver.save(1, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()


def test_a_full_disk_keeps_the_last_checkpoint_and_says_how_much_is_needed(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    state = {"weights": torch.zeros(2**20)}
    with mounted(disk, "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        first = write_checkpoint(disk, 1, state)
        fill(disk, 2**20)
        before = sorted(path.name for path in disk.iterdir())
        with pytest.raises(OutputError, match=r"needs 0\.004 GiB.*step-000000001\.pt is kept"):
            write_checkpoint(disk, 2, state)
        assert sorted(path.name for path in disk.iterdir()) == before
        assert torch.equal(read_checkpoint(first)["weights"], state["weights"])
