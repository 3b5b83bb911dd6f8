"""A lock file is its holder's alone, and no process that is forked off closes other files than locks."""

import contextlib
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccfpse.errors import OutputError
from ccfpse.lockfile import empty_around, held_lock

GENERATIONS = """
import os, sys
from pathlib import Path
from ccfpse.lockfile import held_lock

def wait_for(child):
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

with held_lock(Path(sys.argv[1]), "the run"):
    locked = {int(name) for name in os.listdir("/dev/fd")}
    wait_for(os.fork())
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(9)]
    assert locked & set(files), "no number was free again"
    wait_for(os.fork())
    for file in files:
        os.fstat(file)
    os._exit(7)
"""


def test_a_lock_is_let_go_without_removing_another_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with contextlib.ExitStack() as second:
        with held_lock(path, "the run"):
            path.unlink()  # as a user may
            second.enter_context(held_lock(path, "the run"))
        assert path.is_file()
        with pytest.raises(OutputError, match="in use"), held_lock(path, "the run"):
            pass
    assert not path.exists()


def test_a_lock_outlives_what_is_around_it(tmp_path: Path) -> None:
    folder = tmp_path / "measured"
    (folder / "deeper").mkdir(parents=True)
    (folder / "deeper/a").touch()
    (folder / "b").touch()
    (tmp_path / "mine").mkdir()
    (folder / "link").symlink_to("../mine")
    with held_lock(folder / "lock", "measuring"):
        empty_around(folder / "lock")
        assert [file.name for file in folder.iterdir()] == ["lock"]
    assert (tmp_path / "mine").is_dir()


def test_a_grandchild_closes_no_file_of_its_parent(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", GENERATIONS, str(tmp_path / "lock")], capture_output=True, text=True
    )
    assert ended.returncode == 7, ended.stderr


def test_python_is_told_once_what_to_do_in_processes_forked_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[functools.partial[None]] = []
    monkeypatch.setattr(os, "register_at_fork", lambda **hooks: told.append(hooks["after_in_child"]))
    for _ in range(3):
        with held_lock(tmp_path / "lock", "the run"):
            pass
    assert len(told) <= 1  # none where an earlier test held a lock
