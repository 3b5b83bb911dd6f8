"""Locks of outputs are there while a command writes; what dead ones leave is put right or found."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ccfpse.errors import OutputError
from ccfpse.files import adding, replacing, replacing_folder
from ccfpse.flock import opened_alone
from ccfpse.outputlock import leftovers, output_lock, recover

HOLDER = (
    "import sys; from pathlib import Path; from ccfpse.files import replacing\n"
    "from ccfpse.outputlock import output_lock\n"
    "out = Path(sys.argv[1])\n"
    "with output_lock(out), replacing(out / 'a.png') as temporary:\n"
    "    print('held', flush=True); sys.stdin.read()"
)

FORKING = (
    "import os, sys; from pathlib import Path; from ccfpse.outputlock import output_lock\n"
    "with output_lock(Path(sys.argv[1])):\n"
    "    child = os.fork()\n"
    "    if child: print(child, flush=True)\n"
    "    sys.stdin.read()\n"
    "    os._exit(0)"
)


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*")}


def test_a_lock_is_beside_the_output_and_gone_with_the_folders_made_for_it(tmp_path: Path) -> None:
    with output_lock(tmp_path / "deep/out"):
        assert names(tmp_path) == {"deep", "deep/.out.lock"}
    assert names(tmp_path) == set()


def test_folders_that_hold_the_output_stay(tmp_path: Path) -> None:
    out = tmp_path / "deep/out"
    with output_lock(out), replacing_folder(out) as folder:
        (folder / "a").touch()
    assert names(tmp_path) == {"deep", "deep/out", "deep/out/a"}


@pytest.mark.parametrize("name", ["out", "./out", "other/../out", "link", "way/out"])
def test_all_names_of_a_folder_have_one_lock(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("out", "other"):
        Path(folder).mkdir()
    Path("link").symlink_to("out")
    Path("way").symlink_to(".")
    with (
        output_lock(tmp_path / "out"),
        pytest.raises(OutputError, match=f"in use by process {os.getpid()}"),
        output_lock(Path(name)),
    ):
        pass


def test_what_a_killed_command_leaves_is_found_and_used_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "out"
    left = [tmp_path / ".out.lock", out / ".a.tmp.png"]
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert all(file.exists() for file in left)
        assert leftovers(out) == []  # somebody's
        assert leftovers(tmp_path) == []
        with pytest.raises(OutputError, match=f"is in use by process {holder.pid} on"), output_lock(out):
            pass
        holder.kill()
    assert leftovers(out) == left
    assert leftovers(tmp_path) == left
    with output_lock(out), replacing(out / "a.png") as temporary:
        assert temporary.read_bytes() == b""
    assert names(tmp_path) == {"out", "out/a.png"}
    assert leftovers(out) == []


def test_a_file_that_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        ending = threading.Timer(0.2, holder.stdin.close)  # it ends, and its file is empty
        ending.start()
        with replacing(out / "a.png") as temporary:
            assert temporary.read_bytes() == b""
            temporary.write_bytes(b"ours")
        ending.join()
    assert (out / "a.png").read_bytes() == b"ours"
    assert names(tmp_path) == {"out", "out/a.png"}


def test_a_process_forked_off_does_not_hold_the_lock_of_a_killed_one(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", FORKING, str(tmp_path / "out")],
        stdin=reading,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        with pytest.raises(OutputError, match="is in use by"), output_lock(tmp_path / "out"):
            pass
        holder.kill()
        holder.wait()
        try:
            with output_lock(tmp_path / "out"):
                os.kill(child, 0)  # it lives
        finally:
            os.close(writing)
            os.close(reading)


def test_a_folder_cut_off_between_two_renames_comes_back_for_its_reader(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in (".out.old", ".out.new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name.removeprefix(".out.")).touch()
    assert leftovers(out) == []  # the result is one of them
    recover(out)
    assert names(tmp_path) == {"out", "out/new"}


@pytest.mark.parametrize("left", [".out.old", ".out.new", ".out.tmp"])
def test_a_folder_that_was_removed_does_not_come_back(left: str, tmp_path: Path) -> None:
    (tmp_path / left).mkdir()
    recover(tmp_path / "out")
    assert leftovers(tmp_path / "out") == [tmp_path / left]
    with output_lock(tmp_path / "out"), replacing_folder(tmp_path / "out"):
        pass
    assert names(tmp_path) == {"out"}


def test_files_added_to_a_folder_leave_others_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("notes")
    (tmp_path / "a").write_text("old")
    with adding(tmp_path) as new:
        (new / "a").write_text("new")
        (new / "sub").mkdir()
        (new / "sub/b").write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == {"mine", "a", "sub", "sub/b"}
    assert [(tmp_path / name).read_text() for name in ("mine", "a", "sub/b")] == ["notes", "new", "new"]


def test_a_reader_leaves_files_that_are_to_be_added_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "out/.new").mkdir(parents=True)
    (tmp_path / "out/.new/a").touch()
    with pytest.raises(OutputError, match=r"out: is unfinished.*run the command that writes it again"):
        recover(tmp_path / "out")
    assert names(tmp_path) == {"out", "out/.new", "out/.new/a"}
    with output_lock(tmp_path / "out"):
        assert names(tmp_path / "out") == {"a"}
    recover(tmp_path / "out")


def test_a_link_does_not_take_the_place_of_a_folder_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / ".out.old").mkdir()
    (tmp_path / ".out.new").symlink_to("mine")
    recover(tmp_path / "out")
    assert names(tmp_path) == {"mine", ".out.old", ".out.new"}


def test_nothing_is_added_through_a_link_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/pictures").symlink_to("../elsewhere")
    before = names(tmp_path)

    def add(*path: str) -> None:
        with output_lock(tmp_path / "out"), adding(tmp_path / "out") as new:
            (new / "a").touch()
            (new / Path(*path)).parent.mkdir(parents=True)
            (new / Path(*path)).touch()

    for path in (("pictures", "b"), ("pictures", "deeper", "b")):
        with pytest.raises(OutputError, match="a link leads out of"):
            add(*path)
        assert names(tmp_path) == before
    (tmp_path / "out/pictures").unlink()
    (tmp_path / "out/inside").mkdir()
    (tmp_path / "out/pictures").symlink_to("inside")
    add("pictures", "b")
    assert (tmp_path / "out/inside/b").is_file()


def test_a_disk_too_full_for_a_folder_keeps_all_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir

    def refuse(path: Path, mode: int = 0o777) -> None:
        if path == tmp_path / "out/z":
            raise OSError(28, os.strerror(28), str(path))  # ENOSPC
        make(path, mode)

    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_text("old")

    def add() -> None:
        with output_lock(tmp_path / "out"), adding(tmp_path / "out") as new:
            (new / "a").write_text("new")
            for folder in ("m", "z"):
                (new / folder).mkdir()
                (new / folder / "b").touch()

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(OutputError, match="No space left on device"):
        add()
    assert names(tmp_path) == {"out", "out/a"}
    assert (tmp_path / "out/a").read_text() == "old"


def in_the_way(folder: Path) -> None:
    (folder / "b").mkdir()


def no_folder(folder: Path) -> None:
    folder.rmdir()
    folder.touch()


@pytest.mark.parametrize("spoil", [in_the_way, no_folder])
def test_nothing_is_added_where_not_all_can_be(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    spoil(out)
    before = names(tmp_path)

    def add() -> None:
        with adding(out) as new:
            for name in ("a", "b"):
                (new / name).touch()

    with pytest.raises(OutputError, match=r"out: (cannot be written \(Is a directory\)|is not a folder)"):
        add()
    assert names(tmp_path) == before


def test_a_lock_where_there_are_no_locks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(38, os.strerror(38))  # ENOSYS, as Lustre mounted without its option `flock`

    monkeypatch.setattr("fcntl.flock", refuse)
    with (
        pytest.raises(OutputError, match=r"\.out\.lock: its file system has no locks"),
        output_lock(tmp_path / "out"),
    ):
        pass


def test_a_link_in_the_lock_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".out.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OutputError, match=r"\.out\.lock: cannot be written"), output_lock(tmp_path / "out"):
        pass
    assert not (tmp_path / "mine").exists()


def test_who_only_looks_at_a_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.ExitStack() as looking:
        looking.enter_context(opened_alone(tmp_path / ".out.lock", wait=False))
        monkeypatch.setattr("time.sleep", lambda seconds: looking.close())
        with output_lock(tmp_path / "out"):
            pass
