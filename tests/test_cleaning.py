"""What is cleared away beside outputs, and what stays because somebody has it by now."""

import contextlib
from pathlib import Path

import pytest

from ccfpse.cleaning import beside, remove
from ccfpse.errors import OutputError
from ccfpse.flock import opened_alone
from ccfpse.outputlock import output_lock
from tests.test_outputlock import names


def test_names_are_no_patterns(tmp_path: Path) -> None:
    (tmp_path / ".[a].partial-0123456789ab").mkdir()
    (found,) = beside([tmp_path / "[a]"])
    assert found.path == tmp_path / ".[a].partial-0123456789ab"


def test_clearing_away_a_dead_lock_leaves_a_new_one_to_its_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / ".out.lock"
    lock.touch()
    (left,) = beside([tmp_path / "out"])
    unlink, taken = Path.unlink, contextlib.ExitStack()

    def and_another_takes_it(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        if path == lock:
            monkeypatch.undo()
            taken.enter_context(output_lock(tmp_path / "out"))

    monkeypatch.setattr(Path, "unlink", and_another_takes_it)
    with taken:
        remove(left)
        with pytest.raises(OutputError, match="in use by"), output_lock(tmp_path / "out"):
            pass
        assert lock.is_file()


def test_a_file_that_somebody_writes_by_now_is_not_cleared_away(tmp_path: Path) -> None:
    inner = [tmp_path / "out/.a.tmp.png", tmp_path / "out/.b.lock"]
    inner[0].parent.mkdir()
    for file in inner:
        file.touch()
    lefts = beside([tmp_path / "out"])
    assert {left.path for left in lefts} == set(inner)
    with contextlib.ExitStack() as writers:
        for file in inner:
            writers.enter_context(opened_alone(file, wait=False))
        for left in lefts:
            with pytest.raises(OutputError, match="in use by"):
                remove(left)
        assert all(file.exists() for file in inner)
    for left in lefts:
        remove(left)
    assert names(tmp_path) == {"out"}


def test_links_are_removed_and_not_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a").write_bytes(bytes(1000))
    (tmp_path / ".out.new").symlink_to("mine")
    (tmp_path / ".out.partial-0").symlink_to("mine")
    lefts = beside([tmp_path / "out"])
    assert all(left.n_bytes < 1000 for left in lefts)
    for left in lefts:
        remove(left)
    assert names(tmp_path) == {"mine", "mine/a"}
