"""A preparing process killed at any moment: the same command goes on and ends with the same store."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from ccfpse.config import load_preset
from ccfpse.errors import OutputError
from ccfpse.preparing.store import prepare
from ccfpse.sections import DataSettings

from .conftest import Raw

N_TRAIN = 60


def content(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def journal(out: Path) -> list[str]:
    found = list(out.with_name(f".{out.name}.work").glob("partial-*/journal.jsonl"))
    return [line for line in found[0].read_text().splitlines() if line] if found else []


def command(folder: Path, out: Path, workers: int) -> list[str]:
    settings = load_preset("cityscapes").to_dict()
    settings["data"] |= {"source": "raw", "size": [256, 512], "load_size": [256, 512]}
    settings["runtime"]["workers"] = workers
    (folder / "params.yaml").write_text(yaml.safe_dump(settings))
    return [sys.executable, "-m", "ccfpse_cli", "prepare", "--out", str(out)]


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def wait_for(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_started_again_it_goes_on_to_the_same_store(tmp_path: Path, workers: int) -> None:
    Raw(tmp_path / "raw", train=N_TRAIN, val=2)
    out = tmp_path / "out"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command(tmp_path, out, workers), cwd=tmp_path, env=environment, start_new_session=True
    )
    wait_for(lambda: len(journal(out)) >= 5 or process.poll() is not None)
    helpers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = len(journal(out))
    assert 5 <= finished < N_TRAIN + 2
    assert not out.exists()
    wait_for(lambda: not any(Path(f"/proc/{helper}").exists() for helper in helpers), seconds=20)

    again = subprocess.run(
        command(tmp_path, out, workers),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"went on after {finished} samples" in again.stdout
    data = dataclasses.replace(load_preset("cityscapes").data, source=str(tmp_path / "raw"))
    prepare(data, tmp_path / "unbroken", skip_bad=False, workers=1)
    assert content(out) == content(tmp_path / "unbroken")


class StoppedError(Exception):
    """Stands for the end of the process."""


def interrupted_after(count: int, data: DataSettings, out: Path) -> None:
    """Prepares until `count` samples are in the journal."""

    @contextlib.contextmanager
    def progress(description: str) -> Iterator[Callable[[int, int], None]]:
        def update(done: int, total: int) -> None:
            if done == count:
                raise StoppedError

        yield update

    with pytest.raises(StoppedError):
        prepare(data, out, skip_bad=False, workers=1, progress=progress)


def test_what_was_finished_is_not_read_again(raw: Raw, data: DataSettings, tmp_path: Path) -> None:
    interrupted_after(3, data, tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in raw.folder.rglob("*.png")}
    for number in range(3):  # unreadable now, but of the old size and time: reading it would fail
        for path in raw.paths("train", number):
            path.write_bytes(b"?" * path.stat().st_size)
            os.utime(path, ns=(times[path], times[path]))
    report = prepare(data, tmp_path / "out", skip_bad=False, workers=1)
    assert (report.continued, report.counts) == (3, {"train": 4, "val": 2})


def test_rows_that_a_power_cut_lost_are_done_again(data: DataSettings, tmp_path: Path) -> None:
    prepare(data, tmp_path / "unbroken", skip_bad=False, workers=1)
    interrupted_after(3, data, tmp_path / "out")
    (labels,) = (tmp_path / ".out.work").glob("partial-*/store/train/labels.npy")
    with labels.open("r+b") as file:
        file.seek(128 + 20 * 40)  # the second row: zeros, as blocks that never reached the disk
        file.write(b"\0" * 20 * 40)
    journal_file = labels.parents[2] / "journal.jsonl"
    journal_file.write_text(journal_file.read_text() + '{"split": "train", "ind')
    assert prepare(data, tmp_path / "out", skip_bad=False, workers=1).continued == 2
    assert content(tmp_path / "out") == content(tmp_path / "unbroken")


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: b"",
        lambda whole: bytes(128) + whole[128:],
        lambda whole: whole.replace(b")", b"(", 1),
        lambda whole: whole[:-1],
    ],
    ids=["empty", "zeros", "brackets", "short"],
)
def test_arrays_whose_beginning_or_end_a_power_cut_lost_are_made_anew(
    change: Callable[[bytes], bytes], data: DataSettings, tmp_path: Path
) -> None:
    prepare(data, tmp_path / "unbroken", skip_bad=False, workers=1)
    interrupted_after(3, data, tmp_path / "out")
    (images,) = (tmp_path / ".out.work").glob("partial-*/store/train/images.npy")
    images.write_bytes(change(images.read_bytes()))
    assert prepare(data, tmp_path / "out", skip_bad=False, workers=1).continued == 0
    assert content(tmp_path / "out") == content(tmp_path / "unbroken")


def test_partial_work_with_links_is_refused(data: DataSettings, tmp_path: Path) -> None:
    interrupted_after(3, data, tmp_path / "out")
    (images,) = (tmp_path / ".out.work").glob("partial-*/store/train/images.npy")
    images.replace(tmp_path / "mine.npy")
    images.symlink_to(tmp_path / "mine.npy")
    before = (tmp_path / "mine.npy").read_bytes()
    with pytest.raises(OutputError, match=r"images\.npy: is a link"):
        prepare(data, tmp_path / "out", skip_bad=False, workers=1)
    assert (tmp_path / "mine.npy").read_bytes() == before


def test_partial_work_of_other_raw_files_is_not_used(raw: Raw, data: DataSettings, tmp_path: Path) -> None:
    interrupted_after(3, data, tmp_path / "out")
    raw.add("train", 0)  # written again: another time
    assert prepare(data, tmp_path / "out", skip_bad=False, workers=1).continued == 0
    assert not list((tmp_path / ".out.work").glob("partial-*"))


def test_an_older_store_stays_until_the_new_one_is_whole(data: DataSettings, tmp_path: Path) -> None:
    prepare(data, tmp_path / "out", skip_bad=False, workers=1)
    before = content(tmp_path / "out")
    other = dataclasses.replace(data, load_size=(32, 64))
    interrupted_after(3, other, tmp_path / "out")
    assert content(tmp_path / "out") == before
    prepare(other, tmp_path / "out", skip_bad=False, workers=1)
    assert json.loads((tmp_path / "out/manifest.json").read_text())["splits"]["train"]["size"] == [32, 64]


def test_ended_between_renaming_and_cleaning_the_store_is_only_verified(
    data: DataSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(work: Path) -> None:
        raise StoppedError

    with monkeypatch.context() as patched:
        patched.setattr("ccfpse.preparing.store._clean", end)
        with pytest.raises(StoppedError):
            prepare(data, tmp_path / "out", skip_bad=False, workers=1)
    assert prepare(data, tmp_path / "out", skip_bad=False, workers=1).verified
    assert not list((tmp_path / ".out.work").glob("partial-*"))


def test_a_full_disk_is_told_before_the_work(
    data: DataSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr("ccfpse.preparing.partial.shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match=r"the prepared store needs 0\.0 GiB there, but 0\.0 GiB are free"):
        prepare(data, tmp_path / "out", skip_bad=False, workers=1)
    assert not list((tmp_path / ".out.work").glob("partial-*"))
