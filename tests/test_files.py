"""Files and folders are whole or absent, and a lock names its holder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccfpse.errors import DataError, OutputError
from ccfpse.files import read_json, replacing, replacing_folder, sha256_file, write_json
from ccfpse.lockfile import held_lock


def test_a_replaced_file_is_the_new_one_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for text in ("one", "two"):
        with replacing(path) as temporary:
            assert temporary.parent == path.parent
            assert temporary.suffix == ".txt"
            temporary.write_text(text)
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_keeps_the_old_folder_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").touch()

    def fail() -> None:
        with replacing_folder(folder) as temporary:
            (temporary / "new").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [p.name for p in folder.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_replaced_folder_holds_only_the_new_files(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    for name in ("first", "second"):
        with replacing_folder(folder) as temporary:
            (temporary / "sub").mkdir()
            (temporary / "sub" / name).touch()
    assert [p.name for p in (folder / "sub").iterdir()] == ["second"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_where_a_file_is_to_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder where a file is to be written"), replacing(tmp_path):
        pass


def test_a_file_where_a_folder_is_to_be_written_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with pytest.raises(OutputError, match="taken: is not a folder"), replacing_folder(taken):
        pass
    with pytest.raises(OutputError, match="taken: cannot be made a folder"), replacing(taken / "below.txt"):
        pass
    assert taken.read_text() == "mine"


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = {"name": "größe", "numbers": [1, 2.5, None]}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json", DataError, "make it again") == content


def test_json_never_holds_what_other_readers_refuse(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, "{", "\x00"])
def test_unreadable_json_is_refused_with_its_name_and_advice(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=r"a\.json: .*; make it again$"):
        read_json(path, DataError, "make it again")


def test_sha256_of_the_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    # The digest that FIPS 180-4's examples give for the empty message.
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_file(tmp_path / "empty") == expected


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = (
        "import sys; from pathlib import Path; from ccfpse.lockfile import held_lock\n"
        "with held_lock(Path(sys.argv[1]), 'the run'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", held, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OutputError) as refusal, held_lock(path, "the run"):
            pass
        sentence = str(refusal.value)
        assert sentence.startswith(f"the run is in use by process {holder.pid} on {os.uname().nodename}")
        holder.kill()
    with held_lock(path, "the run"):
        assert f"process {os.getpid()} on" in path.read_text()


def test_written_json_ends_with_a_newline(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", [1])
    assert (tmp_path / "a.json").read_text() == json.dumps([1], indent=2) + "\n"
