"""Folders and archives look alike, and unsafe or damaged ones are refused by name."""

import os
import zipfile
from pathlib import Path

import pytest

from ccfpse.datasets.source import RawFile, SourceTree
from ccfpse.errors import DataError


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members.items():
            opened.writestr(name.replace("__", "/") + ".png", content)
    return path


def test_the_archive_itself_is_a_source(tmp_path: Path) -> None:
    tree = SourceTree(archive(tmp_path / "all.zip", top__maps__a=b"A"))
    found = tree.files("maps", (".png",))
    assert {name: file.read() for name, file in found.items()} == {"a.png": b"A"}
    assert found["a.png"].name == "all.zip/top/maps/a.png"


def test_an_unpacked_file_is_preferred(tmp_path: Path) -> None:
    archive(tmp_path / "all.zip", maps__a=b"packed", maps__b=b"packed")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/a.png").write_bytes(b"unpacked")
    found = SourceTree(tmp_path).files("maps", (".png",))
    assert [file.read() for file in found.values()] == [b"unpacked", b"packed"]


def test_a_folder_at_the_top_is_preferred_and_two_further_down_are_refused(tmp_path: Path) -> None:
    for folder in ("old/maps", "new/maps"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.png").touch()
    with pytest.raises(DataError, match=r"maps is there more than once \(new/maps/ and old/maps/\)"):
        SourceTree(tmp_path).files("maps", (".png",))
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/b.png").touch()
    assert list(SourceTree(tmp_path).files("maps", (".png",))) == ["b.png"]


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    archive(tmp_path / "all.zip", maps__a=b"")
    with zipfile.ZipFile(tmp_path / "all.zip", "a") as opened:
        opened.writestr("__MACOSX/maps/._a.png", b"")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/b.png").touch()
    (tmp_path / "._c.png").touch()
    assert list(SourceTree(tmp_path).files(".", (".png",))) == ["maps/a.png"]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.png").touch()
    (tmp_path / "real/up").symlink_to(tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "source/linked").symlink_to(tmp_path / "real")
    assert list(SourceTree(tmp_path / "source").files("linked", (".png",))) == ["a.png"]


@pytest.mark.parametrize("name", ["../up.png", "/etc/absolute.png", "a/../../b.png", "c\\..\\d.png"])
def test_unsafe_names_in_an_archive_are_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as opened:
        opened.writestr(zipfile.ZipInfo(name), b"")
    with pytest.raises(DataError, match=r"bad\.zip: holds the unsafe name"):
        SourceTree(tmp_path)


def test_links_in_an_archive_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as opened:
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match=r"bad\.zip: holds the link 'link\.png'"):
        SourceTree(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", None], ids=["empty", "text", "cut"])
def test_a_damaged_archive_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = archive(tmp_path / "bad.zip", a=b"x" * 1000)
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    with pytest.raises(DataError, match=r"bad\.zip: is not a whole zip archive"):
        SourceTree(tmp_path)


def test_a_damaged_file_in_an_archive_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "bad.zip", maps__a=b"\0" * 64)
    path.write_bytes(path.read_bytes().replace(b"\0" * 64, b"\0" * 63 + b"\1"))
    with pytest.raises(DataError, match=r"^bad\.zip/maps/a\.png: cannot be read from its archive .*CRC"):
        SourceTree(tmp_path).files("maps", (".png",))["a.png"].read()


def test_what_unpacks_to_more_than_any_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(b"12345")
    archive(tmp_path / "big.zip", member=b"12345")
    for file in SourceTree(tmp_path).files("", (".png",)).values():
        with pytest.raises(DataError, match="has 5 bytes; at most 4 are read"):
            file.read(most=4)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere.png")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_folder, "is a folder where a file should be"),
        (make_dangling_link, "is a link to a file that is not there"),
        (make_pipe, "is not a regular file"),
    ],
)
def test_what_only_looks_like_a_file_is_named(tmp_path: Path, make, message: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "a.png")
    with pytest.raises(DataError, match=rf"^a\.png: {message}"):
        SourceTree(tmp_path).files("", (".png",))["a.png"].read()


def test_names_with_line_breaks_are_shown_on_one_line(tmp_path: Path) -> None:
    assert str(RawFile("a\nb.png", str(tmp_path), None)) == r"'a\nb.png'"
