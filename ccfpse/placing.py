"""Finished folders take their place so that a power cut leaves the old one or the new one, whole.

Of a folder that is replaced: a rename puts a file in the place of a file in one step, but no folder in
the place of a folder that holds something. Linux can exchange two names; where it cannot, the old folder is
taken away first:

    PATH and .NAME.new       before; after an exchange, when the old one has the new one's name
    .NAME.old and .NAME.new  between: no PATH, the only state that needs `put_right`
    PATH and .NAME.old       after

Of files that are added to a folder, in the place of older ones: PATH/.new holds those still to be moved.

Whoever calls these functions holds the lock of PATH.
"""

import ctypes
import errno
import os
import shutil
from pathlib import Path

ADDED = ".new"
"""Folder in a folder, of files that are to be added to it."""
_HERE = -100  # AT_FDCWD: a relative path is one of the working folder's
_EXCHANGE = 2  # RENAME_EXCHANGE
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def place(finished: Path, path: Path) -> None:
    """Renames the folder `finished`, all on disk, to `path`, and removes the folder that was there."""
    put_right(path)
    if not path.exists():
        _rename(finished, path)
        return
    new, old = new_and_old(path)
    _rename(finished, new)
    if exchange(new, path):
        flush(path.parent)
    else:
        _rename(path, old)
        _rename(new, path)
    _remove_both(path)


def add(finished: Path, path: Path) -> None:
    """Moves the files of the folder `finished`, all on disk, into the folder `path` and its folders.

    Raises:
        OSError: a folder is in a file's place, or the disk refuses.
    """
    for file in _files(finished):
        if (target := path / file.relative_to(finished)).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    _rename(finished, path / ADDED)
    _move_in(path)


def put_right(path: Path) -> None:
    """Ends a `place` or an `add` that was cut off; of the old folder nothing is left."""
    if (path / ADDED).is_dir():
        _move_in(path)
    elif _is_away(path):
        _rename(new_and_old(path)[0], path)
    _remove_both(path)


def is_between(path: Path) -> bool:
    """Whether `path` is neither the old nor the new: a `place` or an `add` was cut off, or is at work."""
    return (path / ADDED).is_dir() or _is_away(path)


def new_and_old(path: Path) -> tuple[Path, Path]:
    """Names of the new folder before and of the old one after `path` is theirs."""
    return path.with_name(f".{path.name}.new"), path.with_name(f".{path.name}.old")


def exchange(one: Path, other: Path) -> bool:
    """Lets two files or folders of one file system change names, at no moment with one missing.

    Returns:
        False: the system or this file system cannot (Linux's ext4, XFS, Btrfs and tmpfs can, NFS cannot),
        and nothing has changed.

    Raises:
        OSError: it can, but not with these two.

    Source: renameat2(2).
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:  # another system, or a C library without it
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    if (code := ctypes.get_errno()) in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(other))


def flush(path: Path) -> None:
    """Asks the system to put a file's or folder's content on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_all(folder: Path) -> None:
    """The same for a folder and everything in it."""
    for file in sorted(folder.rglob("*")):
        flush(file)
    flush(folder)


def _is_away(path: Path) -> bool:
    return not os.path.lexists(path) and all(folder.is_dir() for folder in new_and_old(path))


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if not file.is_dir())


def _move_in(path: Path) -> None:
    for file in _files(path / ADDED):
        target = path / file.relative_to(path / ADDED)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
        flush(target.parent)
    shutil.rmtree(path / ADDED)
    flush(path)


def _rename(one: Path, other: Path) -> None:
    one.rename(other)
    for folder in {one.parent, other.parent}:
        flush(folder)


def _remove_both(path: Path) -> None:
    for past in new_and_old(path):
        shutil.rmtree(past, ignore_errors=True)
