"""Files that are whole or absent: written beside their place, flushed to disk, then renamed."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccfpse.errors import CcfpseError, DataError, OutputError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it takes `path`'s place, otherwise it vanishes.

    The temporary name keeps the suffix, so that writers which look at it (Pillow) work.

    Raises:
        OutputError: `path` is a directory, or its folder cannot be made or written.
    """
    if path.is_dir():
        raise OutputError(
            f"{path}: is a folder where a file is to be written; remove it or choose another name"
        )
    _make_folder(path.parent)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yields a new temporary folder beside `path`; on success it takes `path`'s place, otherwise it vanishes.

    Raises:
        OutputError: `path` exists and is no folder, or its parent cannot be written.
    """
    refuse_file(path)
    _make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        yield temporary
        put_folder(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_file(path: Path) -> None:
    """Checks that a folder can be put at `path`; worth asking before hours of work.

    Raises:
        OutputError: something that is no folder is there.
    """
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
    """Flushes the folder `finished` to disk and renames it to `path`, in place of the folder there.

    Raises:
        OutputError: something that is no folder is there.
    """
    refuse_file(path)
    for file in sorted(finished.rglob("*")):
        _flush(file)
    _flush(finished)
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    if path.exists():
        path.rename(old)
    finished.rename(path)
    _flush(path.parent)
    shutil.rmtree(old, ignore_errors=True)


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
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def read_json(path: Path, error: type[CcfpseError], advice: str) -> Any:
    """The content of a JSON file.

    Raises:
        error: the file is missing, unreadable or no JSON; the sentence ends with `advice`.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror}); {advice}") from reason
    except ValueError as reason:
        raise error(f"{path}: is not valid JSON ({reason}); {advice}") from reason


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
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
def held_lock(path: Path, what: str, patience_seconds: float = 0.0) -> Iterator[None]:
    """Holds the lock file `path` while the block runs; a dead process holds nothing.

    Who holds it may go on doing so for `patience_seconds`.

    Raises:
        OutputError: another process holds it; the sentence names that process and `what` it locks.
    """
    _make_folder(path.parent)
    with path.open("a+") as file:
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    file.seek(0)
                    holder = file.read().strip() or "another process"
                    raise OutputError(
                        f"{what} is in use by {holder}; wait for it or stop it first"
                    ) from error
            time.sleep(0.2)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {os.uname().nodename}")
        file.flush()
        yield


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made a folder ({error.strerror}); choose another output path"
        ) from error


def _flush(path: Path) -> None:
    """Asks the system to put a file's or folder's content on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
