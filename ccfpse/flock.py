"""A file that one process at a time has open: what locks and temporary files rest on."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_TRIES = 100


@contextlib.contextmanager
def opened_alone(path: Path, *, wait: bool) -> Iterator[int]:
    """A descriptor of the file `path`, made where there is none, that no other process has by this function.

    The system's own lock (`flock`) decides, so it ends with the process, however that ends; and with those
    that were forked off meanwhile and have the descriptor.

    Raises:
        BlockingIOError: another process has it, and `wait` is false.
        OSError: the file cannot be opened or locked.
    """
    for _ in range(_TRIES):
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # Between opening and locking, the one before may have renamed or removed it.
            if is_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)
    raise BlockingIOError(f"{path}: is taken away again and again")


def is_open_elsewhere(path: Path) -> bool:
    """Whether somebody has the file by `opened_alone`; false where there is no such file.

    To find out, this process has it for a moment.

    Raises:
        OSError: the file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:  # another process has just removed the folder, which was empty
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o666)
