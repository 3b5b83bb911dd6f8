"""What is renamed is flushed before, and its new folder after: a power cut may lose what is not flushed."""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ccfpse import placing
from ccfpse.files import adding, replacing, replacing_folder
from ccfpse.training.checkpoint import write_checkpoint

State = tuple[int, int]


class Disk:
    """What was flushed, in which state; and names that changed."""

    def __init__(self) -> None:
        self._flushed: dict[tuple[int, int], State] = {}
        self._to_flush: set[Path] = set()
        self.renames: list[tuple[Path, Path, bool]] = []
        """From, to, and whether the folder was on the disk as it was."""

    def flush(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        self._flushed[found.st_dev, found.st_ino] = (found.st_mtime_ns, found.st_size)
        self._to_flush = {f for f in self._to_flush if not os.path.samestat(f.stat(), found)}

    def rename(self, one: Path, other: Path) -> None:
        for path in (one, *one.rglob("*")):
            assert self.is_flushed(path), f"{path} becomes {other}, but is not on the disk"
        self.renames.append((one, other, self.is_flushed(one.parent)))
        self._to_flush.add(other.parent)

    def is_flushed(self, path: Path) -> bool:
        found = path.stat()
        return self._flushed.get((found.st_dev, found.st_ino)) == (found.st_mtime_ns, found.st_size)

    def check_end(self) -> None:
        assert self.renames
        assert not self._to_flush, "renames there are not on the disk"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()

    def told(name: str, tell: Callable[..., None], module: object = os) -> None:
        do = getattr(module, name)

        def both(*arguments: object) -> object:
            tell(*arguments)
            return do(*arguments)

        monkeypatch.setattr(module, name, both)

    told("fsync", disk.flush)
    told("rename", disk.rename)
    told("replace", disk.rename)
    told("exchange", disk.rename, placing)
    return disk


def write(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/a").write_text("new")
    (folder / "b").write_text("new")


def test_a_file_is_flushed_before_it_has_its_name(tmp_path: Path, disk: Disk) -> None:
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    disk.check_end()


def test_so_are_the_folders_made_for_it(tmp_path: Path, disk: Disk) -> None:
    with replacing(tmp_path / "new/folder/a.txt") as temporary:
        assert disk.is_flushed(tmp_path)
        assert disk.is_flushed(tmp_path / "new")
        temporary.write_text("new")
    disk.check_end()


def test_a_checkpoint_too(tmp_path: Path, disk: Disk) -> None:
    write_checkpoint(tmp_path, 3, {"weights": torch.zeros(9)})
    disk.check_end()


@pytest.mark.parametrize("way", ["exchanged", "renamed twice"])
def test_a_folder_and_all_in_it_are_flushed_before_they_have_its_name(
    way: str, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way != "exchanged":
        monkeypatch.setattr(ctypes, "CDLL", lambda *arguments, **options: object())  # has no renameat2
    (tmp_path / "out").mkdir()
    placing.flush(tmp_path / "out")
    with replacing_folder(tmp_path / "out") as folder:
        write(folder)
    disk.check_end()
    assert (tmp_path / "out/sub/a").is_file()


def test_files_that_are_added_are_flushed_and_so_are_folders_made_for_them(
    tmp_path: Path, disk: Disk
) -> None:
    out = tmp_path / "out"
    with adding(out) as folder:
        write(folder)
    disk.check_end()
    assert disk.renames[0] == (out / ".tmp", out / ".new", True)
    assert (out / "sub/a").is_file()
