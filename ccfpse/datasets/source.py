"""A folder, the zip archives in it, or one archive, seen as one tree of files; nothing is unpacked."""

import functools
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ccfpse.errors import DataError
from ccfpse.opening import NotRegularError, open_regular
from ccfpse.pictures import PHOTO_SUFFIXES

T = TypeVar("T")

_LONGEST_LIST = 2**26  # bytes; COCO's 118,000 photos take 12 MB
_LONGEST_END = 2**16 + 200  # of a zip archive: its longest comment, and the records before it
_SUFFIXES = (*PHOTO_SUFFIXES, ".json", ".txt", ".yaml", ".yml")
_ARCHIVE_DAMAGE = (
    *(OSError, RuntimeError, EOFError, KeyError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True, slots=True, order=True)
class RawFile:
    """A file in a folder or an archive."""

    name: str
    """For messages and manifests: its path below the source; a file in an archive: ARCHIVE/PATH-IN-IT."""
    path: str
    """Where the file, or its archive, is."""
    member: str | None
    """Its name in the archive."""

    def __str__(self) -> str:
        return self.name if self.name.isprintable() else ascii(self.name)

    def read(self, most: int = 2**28) -> bytes:
        """All bytes, if there are no more than `most`; no picture needs more than the default.

        Raises:
            DataError: not a file, not readable, damaged in its archive, or too large.
        """
        if self.member is None:
            return self._read_unpacked(most)
        try:
            archive = _opened(self.path)
            declared = archive.getinfo(self.member).file_size
            self._refuse_more_than(most, declared)
            with archive.open(self.member) as file:
                # Never without a number: an archive may declare little and unpack to much.
                return file.read(declared + 1)
        except _ARCHIVE_DAMAGE as error:
            raise DataError(f"{self}: cannot be read from its archive ({error})") from error

    def _read_unpacked(self, most: int) -> bytes:
        path = Path(self.path)
        try:
            with open_regular(path) as file:
                self._refuse_more_than(most, os.fstat(file.fileno()).st_size)
                return file.read(most)
        except IsADirectoryError as error:
            raise DataError(f"{self}: is a folder where a file should be") from error
        except NotRegularError as error:
            raise DataError(f"{self}: is not a regular file") from error
        except FileNotFoundError as error:
            what = "is a link to a file that is not there" if path.is_symlink() else "has vanished"
            raise DataError(f"{self}: {what}") from error
        except OSError as error:
            raise DataError(f"{self}: cannot be read: {_told(error)}") from error

    def _refuse_more_than(self, most: int, n_bytes: int) -> None:
        if n_bytes > most:
            raise DataError(f"{self}: has {n_bytes} bytes; at most {most} are read")


class SourceTree:
    """All files of the kinds that data sets are made of, by their path below the source.

    A file that is there both unpacked and in an archive is read unpacked. Names starting with a dot
    are passed over.

    Raises:
        DataError: nothing there, not a folder or zip archive, or an archive that is damaged or unsafe.
    """

    def __init__(self, root: Path, called: str = "") -> None:
        """Lists the files below `root`; their names begin with `called`."""
        self.root = root
        self.on_disk: dict[str, Path] = {}
        """Files and archives as they lie on the disk, by their path below the source."""
        if not root.exists():
            raise DataError(f"{root}: there is no such folder or archive; see data.source or --source")
        unpacked: dict[str, RawFile] = {}
        self._files: dict[str, RawFile] = {}
        for name, path in _walk(root):
            suffix = PurePosixPath(name).suffix.lower()
            if suffix == ".zip" and path.is_file():
                self.on_disk[name] = path
                self._files.update(_archived(name, path, called))
            elif suffix in _SUFFIXES:
                self.on_disk[name] = path
                unpacked[name] = RawFile(str(PurePosixPath(called, name)), str(path), None)
        self._files.update(unpacked)

    def files(self, folder: str, suffixes: tuple[str, ...]) -> dict[str, RawFile]:
        """Files with one of the suffixes at any depth below `folder`, by their path below it, sorted.

        `folder` is looked for at the top, then anywhere; `cityscapes/leftImg8bit/train` is found as
        `leftImg8bit/train`.

        Raises:
            DataError: there are several such folders, none of them at the top.
        """
        folder = "" if folder == "." else folder.strip("/")
        mark = f"/{folder}/" if folder else "/"
        found: dict[str, dict[str, RawFile]] = {}
        for path, file in self._files.items():
            at = f"/{path}".find(mark)
            if at >= 0 and path.lower().endswith(suffixes):
                below = at + len(mark) - 1
                found.setdefault(path[:below], {})[path[below:]] = file
        top = f"{folder}/" if folder else ""
        return dict(sorted(self._only(folder, found, top).items())) if found else {}

    def file(self, path: str) -> RawFile | None:
        """The file at `path` from the top, or else the only one that has this path further down.

        Raises:
            DataError: there are several, none of them at the top.
        """
        found = {p: f for p, f in self._files.items() if f"/{p}".endswith(f"/{path}")}
        return self._only(path, found, path) if found else None

    def _only(self, wanted: str, found: dict[str, T], top: str) -> T:
        if top in found:
            return found[top]
        if len(found) > 1:
            first, second = sorted(found)[:2]
            raise DataError(
                f"{self.root}: {wanted} is there more than once ({first} and {second}); "
                "give the folder above one of them as the source"
            )
        return next(iter(found.values()))


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """Files below a folder (or the one file `root`), sorted; linked folders are followed, each once.

    A folder called like a picture comes out too, so that reading it says what is wrong.
    """
    if not root.is_dir():
        yield root.name, root
        return
    seen: set[tuple[int, int]] = set()

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be listed: {_told(error)}")

    for here, folders, names in os.walk(root, followlinks=True, onerror=refuse):
        found = Path(here).stat()
        if (found.st_dev, found.st_ino) in seen:
            folders.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        pictures = [f for f in folders if f.lower().endswith(PHOTO_SUFFIXES)]
        folders[:] = sorted(f for f in folders if not _is_hidden(f) and f not in pictures)
        for name in sorted(n for n in [*names, *pictures] if not _is_hidden(n)):
            path = Path(here, name)
            yield path.relative_to(root).as_posix(), path


def _archived(name: str, path: Path, called: str) -> Iterator[tuple[str, RawFile]]:
    folder = PurePosixPath(name).parent
    try:
        _refuse_long_list(path)
        members = _opened(str(path)).infolist()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {_told(error)}") from error
    except (zipfile.BadZipFile, RuntimeError, ValueError) as error:  # RuntimeError: unknown to zipfile
        raise DataError(f"{path}: is not a whole zip archive ({error}); fetch it again") from error
    if sum(info.compress_size for info in members) > path.stat().st_size:
        raise DataError(f"{path}: holds files that overlap each other; this archive is not read")
    for info in members:
        parts = info.filename.split("/")
        if not info.filename or info.filename.startswith("/") or ".." in parts or "\\" in info.filename:
            raise DataError(f"{path}: holds the unsafe name {info.filename!r}; this archive is not read")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise DataError(f"{path}: holds the link {info.filename!r}; this archive is not read")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # bzip2 and LZMA unpack a few bytes to gigabytes before anybody can count them.
            raise DataError(f"{path}: is packed in another way than zip's usual ones; pack it again")
        if (
            not info.is_dir()
            and not any(map(_is_hidden, parts))
            and info.filename.lower().endswith(_SUFFIXES)
        ):
            yield (
                (folder / info.filename).as_posix(),
                RawFile(str(PurePosixPath(called, name, info.filename)), str(path), info.filename),
            )


def _refuse_long_list(path: Path) -> None:
    """Looks at how long an archive's list of files is, before all of it is read into memory.

    Raises:
        DataError: longer than that of any data set.
    """
    with open_regular(path) as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_END))
        end = file.read()
    at = end.rfind(b"PK\5\6")
    if at >= 0 and len(end) >= at + 20:
        (n_bytes,) = struct.unpack_from("<L", end, at + 12)
        beyond = end.rfind(b"PK\6\6", 0, at)  # the same for archives of more than 4 GB or 65535 files
        if beyond >= 0 and at >= beyond + 56:
            (n_bytes,) = struct.unpack_from("<Q", end, beyond + 40)
        if n_bytes > _LONGEST_LIST:
            raise DataError(f"{path}: lists more files than any data set has; this archive is not read")


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _told(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


@functools.lru_cache(maxsize=16)
def _opened(path: str) -> zipfile.ZipFile:
    """An archive, opened once in a process: reading the list of 118,000 names takes a second."""
    return zipfile.ZipFile(path)
