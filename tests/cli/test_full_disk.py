"""Full disks and read-only folders: one sentence, exit code 2, what was there stays, nothing is left over."""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.cli.commands import COMMANDS, done
from tests.cli.desk import Command, Desk, check_refused
from tests.disks import PAGE, fill, mounted

FULL = ("preset", "scan", "judge", "loss network", "evaluate", "report", "study tally")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=64m", "tmpfs"):
        yield tmp_path / "disk"


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder, hidden or not."""
    return {
        f.relative_to(folder).as_posix(): f.read_bytes() if f.is_file() else None for f in folder.rglob("*")
    }


def refused(command: Command, folder: Path) -> bool:
    """Runs a command; whether it says in one sentence that the disk at `folder` is full, or else is done."""
    ended = CliRunner().invoke(app, [str(part) for part in command])
    if ended.exit_code == 0:
        return False
    assert ended.exit_code == 2, ended.output
    (told,) = [line for line in ended.stderr.splitlines() if line.startswith(("error", "Traceback"))]
    words = rf"error: {re.escape(str(folder))}.*({os.strerror(errno.ENOSPC)}|GiB are free).*"
    assert re.fullmatch(words, told), told
    return True


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Desk(tmp_path, request)


def sizes() -> Iterator[int]:
    """Bytes that are free, none and then ever more."""
    return (pages * PAGE for pages in (0, 1, 2, 4, 8, 16, 32, 256, 2048, 8192))


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_a_full_disk_leaves_the_old_output(name: str, disk: Path, desk: Desk) -> None:
    command, _ = COMMANDS[name](desk, disk)
    if name != "preset":
        done(*command)
        changed(name, desk)
    check_all_sizes(command, disk)


def changed(name: str, desk: Desk) -> None:
    """Makes another output of the same command."""
    if name in ("judge", "loss network"):
        desk.edit("judge.seed", 5)
        desk.edit("loss_network.small.seed", 5)
    if name == "evaluate":
        for photo in (desk.folder / "synthesized").rglob("*.png"):
            Image.open(photo).transpose(Image.Transpose.ROTATE_180).save(photo)


def check_all_sizes(command: Command, disk: Path) -> None:
    """Runs the command with ever more room, until it has enough."""
    refusals = 0
    for free in sizes():
        fill(disk, free)
        before = tree(disk)
        if not refused(command, disk):
            break
        refusals += 1
        assert tree(disk) == before, free
    assert refusals
    (disk / "filler").unlink()
    done(*command)


@pytest.mark.slow
def test_training_on_a_full_disk_keeps_the_old_result_and_goes_on(disk: Path, desk: Desk) -> None:
    command, out = COMMANDS["train"](desk, disk)
    done(*command)
    old = tree(out)
    desk.edit("train.seed", 5)
    refusals = 0
    for free in sizes():
        fill(disk, free)
        if not refused(command, disk):
            break
        refusals += 1
        assert tree(out) == old
    assert refusals > 1
    assert tree(out) != old


@pytest.mark.slow
def test_a_full_disk_leaves_no_half_study(disk: Path, desk: Desk) -> None:
    command, out = COMMANDS["study make"](desk, disk)
    refusals = 0
    for free in sizes():
        fill(disk, free)
        before = tree(disk)
        if not refused(command, disk):
            break
        refusals += 1
        assert tree(disk) == before, free
    assert refusals
    assert sorted(f.name for f in out.iterdir()) == ["key.json", "page"]


@pytest.mark.slow
def test_photos_on_a_full_disk_are_whole_and_the_rest_is_made_later(disk: Path, desk: Desk) -> None:
    command, out = COMMANDS["synthesize"](desk, disk)
    for number in range(12):
        shutil.copy(desk.labels / "good.png", desk.labels / f"{number}.png")
    done(*command)
    whole = tree(out)
    shutil.rmtree(out)
    refusals = 0
    for free in sizes():
        fill(disk, free)
        if not refused(command, disk):
            break
        refusals += 1
        assert tree(out).items() <= whole.items()
    assert refusals
    assert tree(out) == whole


@pytest.mark.slow
def test_a_store_goes_on_when_there_is_room_again(disk: Path, desk: Desk) -> None:
    command, out = COMMANDS["prepare"](desk, disk)
    done(*command)
    old = tree(out)
    desk.edit("data.fit", "crop")
    desk.edit("data.load_size", [64, 128])
    refusals = 0
    for free in sizes():
        fill(disk, free)
        if not refused(command, disk):
            break
        refusals += 1
        assert tree(out) == old
        # Finished samples, for the same command to go on with.
        assert {f.name for f in disk.iterdir()} == {"filler", "store", ".store.work"}
    assert refusals > 1
    assert tree(out) != old
    assert not list((disk / ".store.work").glob("partial-*"))


@pytest.mark.slow
def test_measurements_of_an_evaluation_fill_the_cache(
    tmp_path: Path, disk: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, out = COMMANDS["evaluate"](desk, tmp_path / "big")
    monkeypatch.setenv("XDG_CACHE_HOME", str(disk))
    for free in (0, PAGE, 2 * PAGE):
        fill(disk, free)
        assert refused(command, disk)
        assert not out.exists()
        assert not [f for f in disk.rglob("*") if ".tmp" in f.name or f.name == "lock"]


def test_a_volume_for_one_output_in_a_read_only_folder_can_be_written(tmp_path: Path, desk: Desk) -> None:
    command, out = COMMANDS["synthesize"](desk, tmp_path / "there")
    out.mkdir(parents=True)
    with mounted(out.parent, "--bind", str(out.parent)), mounted(out, "-t", "tmpfs", "tmpfs"):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(out.parent)], check=True)
        done(*command)
        assert [f.name for f in out.iterdir()] == ["good.png"]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_is_read_only(name: str, tmp_path: Path, desk: Desk) -> None:
    folder = tmp_path / "there"
    command, _ = COMMANDS[name](desk, folder)
    folder.mkdir(exist_ok=True)
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        check_refused(command, f"there.*{os.strerror(errno.EROFS)}", tmp_path)
