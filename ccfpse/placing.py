"""Finished folders take their place so that a power cut leaves the old one or the new one, whole.

Of a folder that is replaced: a rename puts a file in the place of a file in one step, but no folder in
the place of a folder that holds something. Linux can exchange two names; where it cannot, the old folder is
taken away first:

    PATH and .NAME.new       before; after an exchange, when the old one has the new one's name
    .NAME.old and .NAME.new  between: no PATH, the only state that needs `put_right`
    PATH and .NAME.old       after

Of files that are added to a folder, in the place of older ones: PATH/.new holds those still to be moved.
Folders come from strangers, too: no link is followed out of PATH, and who only reads moves no files about.

Whoever calls these functions holds the lock of PATH.
"""

import ctypes
import errno
import itertools
import os
import shutil
from pathlib import Path

from ccfpse.errors import OutputError

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

    The folders are there already: a disk that is full refuses them before the first file is moved.

    Raises:
        OutputError: a link leads out of `path`.
        OSError: a folder is in a file's place, or the disk refuses.
    """
    targets = [target for _, target in _moves(finished, path)]
    for target in targets:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    for folder in sorted({folder for target in targets for folder in _between(target, path)}):
        flush(folder)
    _rename(finished, path / ADDED)
    _move_in(path)


def put_right(path: Path) -> None:
    """Ends a `place` or an `add` that was cut off; of the old folder nothing is left.

    Raises:
        OutputError: the files to be added, or where they go to, are behind a link.
        OSError: the disk refuses.
    """
    if is_mixed(path):
        _move_in(path)
    put_back(path)


def put_back(path: Path) -> None:
    """Ends a `place` that was cut off."""
    if is_away(path):
        _rename(new_and_old(path)[0], path)
    _remove_both(path)


def is_away(path: Path) -> bool:
    """Whether a `place` was cut off, or is at work, with nothing at `path`."""
    return not os.path.lexists(path) and all(
        folder.is_dir() and not folder.is_symlink() for folder in new_and_old(path)
    )


def is_mixed(path: Path) -> bool:
    """Whether an `add` was cut off, or is at work: files in `path` may be old ones or new ones."""
    return os.path.lexists(path / ADDED)


def refuse_way_out(folder: Path, path: Path) -> None:
    """Refuses to write a file below an output folder where a link would put it elsewhere.

    Raises:
        OutputError: one of the folders between `folder` and `path` is such a link.
    """
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise OutputError(
            f"{path}: a link leads out of {folder} there; remove it or choose another output folder"
        )


def refuse_strange(folder: Path) -> None:
    """Refuses to go on in a folder of partial work that is a link, or holds links, pipes or devices.

    Commands make none there: what writes below it would write elsewhere, or wait for ever.

    Raises:
        OutputError: it is, or does.
    """
    for path in itertools.chain([folder], folder.rglob("*")):
        if os.path.lexists(path) and (path.is_symlink() or not (path.is_dir() or path.is_file())):
            raise OutputError(
                f"{path}: is a link, or neither a file nor a folder, among partial work; remove it, or "
                f"{folder} to start anew"
            )


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


def _moves(finished: Path, path: Path) -> list[tuple[Path, Path]]:
    """Files in `finished` and what they become in `path`, none of it elsewhere."""
    files = sorted(file for file in finished.rglob("*") if not file.is_dir())
    moves = [(file, path / file.relative_to(finished)) for file in files]
    for _, target in moves:
        refuse_way_out(path, target)
    return moves


def _between(file: Path, folder: Path) -> list[Path]:
    """The folders from `file` up to `folder`."""
    return [place for place in file.parents if place.is_relative_to(folder)]


def _move_in(path: Path) -> None:
    added = path / ADDED
    if added.is_symlink() or not added.is_dir():
        raise OutputError(f"{added}: is not a folder of files to be added to {path}; remove it")
    for file, target in _moves(added, path):
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
        flush(target.parent)
    shutil.rmtree(added)
    flush(path)


def _rename(one: Path, other: Path) -> None:
    one.rename(other)
    for folder in {one.parent, other.parent}:
        flush(folder)


def _remove_both(path: Path) -> None:
    for past in new_and_old(path):
        shutil.rmtree(past, ignore_errors=True)
