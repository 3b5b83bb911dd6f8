"""Files that are whole or absent: written beside their place, flushed to disk, then renamed."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccfpse.errors import CcfpseError, DataError, OutputError
from ccfpse.flock import opened_alone
from ccfpse.opening import MOST_TEXT_BYTES, open_regular, read_regular
from ccfpse.placing import add, flush, flush_all, place, refuse_way_out

TEMPORARY = ".tmp"
"""Folder in a folder, of files that are being made to be added to it."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary file beside `path`; on success it takes `path`'s place, otherwise it vanishes.

    The temporary name keeps the suffix, so that writers which look at it (Pillow) work. It is always the
    same, so that what a killed process leaves is used by the next one; while one writes, another waits.

    Raises:
        OutputError: `path` is a directory, or its folder cannot be made or written.
    """
    if path.is_dir():
        raise OutputError(
            f"{path}: is a folder where a file is to be written; remove it or choose another name"
        )
    temporary = path.with_name(f".{path.stem}.tmp{path.suffix}")
    with folder_for(temporary), writing(path), opened_alone(temporary, wait=True) as descriptor:
        try:
            os.ftruncate(descriptor, 0)
            yield temporary
            flush(temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        flush(path.parent)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yields a new temporary folder beside `path`; on success it takes `path`'s place, otherwise it vanishes.

    The caller holds `path`'s lock, since the temporary name is always the same.

    Raises:
        OutputError: `path` exists and is no folder, or its parent cannot be written.
    """
    refuse_file(path)
    with _new_folder(path.with_name(f".{path.name}.tmp")) as temporary, writing(path):
        yield temporary
        put_folder(temporary, path)


@contextlib.contextmanager
def adding(path: Path) -> Iterator[Path]:
    """Yields a new temporary folder; on success its files take their places in `path`, all or none.

    Other files there stay. Whenever the power is cut, the old files are there or the new ones, once
    `outputlock` has ended what was cut off. The caller holds `path`'s lock.

    Raises:
        OutputError: `path` exists and is no folder, or it cannot be written, or a link leads out of it.
    """
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path}: is not a folder; remove it or choose another output folder")
    with _new_folder(path / TEMPORARY) as temporary, writing(path):
        yield temporary
        flush_all(temporary)
        with contextlib.ExitStack() as folders:
            for folder in sorted(part for part in temporary.rglob("*") if part.is_dir()):
                there = path / folder.relative_to(temporary)
                refuse_way_out(path, there / "a file")
                folders.enter_context(folder_for(there / "a file"))
            add(temporary, path)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Says of what the system refuses in the block that `path` cannot be written.

    Raises:
        OutputError: the block raised `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def refuse_file(path: Path) -> None:
    """Checks that a folder can be put at `path`; worth asking before hours of work.

    Raises:
        OutputError: something that is no folder is there, or the path does not end with a name.
    """
    if path.name in ("", ".."):
        raise OutputError(f"{path}: cannot be replaced as a whole; give the output folder by a name")
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise OutputError(f"{path}: is not a folder; remove it or choose another output folder")


def refuse_foreign(path: Path, marker: str, what: str) -> None:
    """Refuses a place for an output folder that holds something else than an earlier such output.

    Args:
        path: folder that is to be written, and replaced if it is there.
        marker: name of a file that every such folder has.
        what: such a folder holds, for the message.

    Raises:
        OutputError: `path` is no folder, or holds files but no `marker`.
    """
    refuse_file(path)
    if path.is_dir() and any(path.iterdir()) and not (path / marker).is_file():
        raise OutputError(f"{path}: holds files but no {what}; choose another output folder")


def put_folder(finished: Path, path: Path) -> None:
    """Flushes the folder `finished` to disk and puts it at `path`, in place of the folder there.

    Whenever the power is cut, `path` is the old one or the new one, whole. Where the file system cannot
    exchange names, it may be missing: `put_right` then finds the new one. The caller holds `path`'s lock.

    Raises:
        OutputError: something that is no folder is there.
        OSError: the disk refuses.
    """
    refuse_file(path)
    flush_all(finished)
    place(finished, path)


def copy_folder(folder: Path, to: Path) -> None:
    """Copies a folder of plain files.

    Raises:
        OSError: the first that the system refused; `shutil.copytree` would list them all as one text.
    """
    to.mkdir(parents=True)
    for file in sorted(folder.rglob("*")):
        if file.is_dir():
            (to / file.relative_to(folder)).mkdir()
        else:
            shutil.copyfile(file, to / file.relative_to(folder))


def write_json(path: Path, content: object) -> None:
    """Writes `content` as indented JSON, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
        )


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return read_regular(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def read_json(path: Path, error: type[CcfpseError], advice: str) -> Any:
    """The content of a JSON file.

    Raises:
        error: the file is missing, unreadable or no JSON; the sentence ends with `advice`.
    """
    try:
        return json.loads(read_regular(path, MOST_TEXT_BYTES))
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror}); {advice}") from reason
    except (ValueError, RecursionError) as reason:  # RecursionError: brackets within brackets
        raise error(f"{path}: is not valid JSON ({reason}); {advice}") from reason


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_checksum(*parts: str) -> str:
    """SHA-256 over files of this package: modules and folders by path, such as "models"."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for part in parts:
        place = package / part
        inside = (file for file in place.rglob("*") if file.is_file() and file.parent.name != "__pycache__")
        for file in sorted(inside) if place.is_dir() else [place]:
            digest.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@contextlib.contextmanager
def folder_for(file: Path) -> Iterator[None]:
    """Makes the folder of `file`; in the end removes those of its folders that it made and that are empty.

    Raises:
        OutputError: it cannot be made.
    """
    missing = [folder for folder in file.parents if not folder.exists()]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            flush(folder.parent)
    except OSError as error:
        raise OutputError(
            f"{file.parent}: cannot be made a folder ({error.strerror}); choose another output path"
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            for folder in missing:
                folder.rmdir()


@contextlib.contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """Makes the folder `path` anew; if it is still there in the end, it is removed.

    Raises:
        OutputError: it cannot be made.
    """
    with folder_for(path):
        shutil.rmtree(path, ignore_errors=True)
        try:
            with writing(path):
                path.mkdir()
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
