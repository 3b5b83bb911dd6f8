"""A lock file says that one process works on something, and which."""

import contextlib
import errno
import functools
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from ccfpse.errors import OutputError
from ccfpse.files import folder_for
from ccfpse.flock import is_at, opened_alone

_LOOKING_SECONDS = 0.5
"""Who has a lock may only be looking whether somebody has it (`is_open_elsewhere`): for microseconds, unless
the machine is busy."""
_PAUSE_SECONDS = 0.1


@contextlib.contextmanager
def held_lock(path: Path, what: str, patience_seconds: float = 0.0) -> Iterator[None]:
    """Holds the lock file `path`, there only for so long, while the block runs; a dead process holds nothing.

    Nor do processes that it has forked off, such as a data loader's, which outlive a killed one by seconds.
    Between machines it holds where their file system's locks do (NFS: yes, unless mounted `nolock`).

    Who holds it may go on doing so for `patience_seconds`, or a moment at least.

    Raises:
        OutputError: another process holds it; the sentence names that process and `what` it locks. Or the
            file cannot be made or locked.
    """
    with folder_for(path), contextlib.ExitStack() as ending:
        try:
            descriptor = ending.enter_context(_opened_in_time(path, patience_seconds))
            # Still locked: who has opened this file in the meantime sees that it is no longer there.
            ending.callback(_unlink, path, descriptor)
            held = _held()
            held.add(descriptor)
            ending.callback(held.discard, descriptor)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {os.uname().nodename}".encode())
        except BlockingIOError as error:
            holder = _first_words(path) or "another process"
            raise OutputError(f"{what} is in use by {holder}; wait for it or stop it first") from error
        except OSError as error:
            reason = f"cannot be written ({error.strerror})"
            if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                reason = "its file system has no locks, which keep two commands from writing there at once"
            raise OutputError(f"{path}: {reason}; choose another output path") from error
        yield


def empty_around(lock: Path) -> None:
    """Removes all that is in the folder of a lock, which the caller holds.

    The lock stays until it is let go: were it removed first, another process would make a new one, and what
    it then writes beside it would be removed too.
    """
    for part in lock.parent.iterdir():
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        elif part != lock:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened_in_time(path: Path, patience_seconds: float) -> Iterator[int]:
    deadline = time.monotonic() + max(patience_seconds, _LOOKING_SECONDS)
    with contextlib.ExitStack() as ending:
        while True:
            try:
                descriptor = ending.enter_context(opened_alone(path, wait=False))
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_PAUSE_SECONDS)
        yield descriptor


@functools.cache
def _held() -> set[int]:
    """Descriptors of the locks that this process holds; the same set at every call.

    A process forked off closes them at once. Python keeps what it is told to do then for ever, so that it is
    told once for all locks, not once for each.
    """
    descriptors: set[int] = set()
    os.register_at_fork(after_in_child=functools.partial(_close_all, descriptors))
    return descriptors


def _close_all(descriptors: set[int]) -> None:
    # Taken out as well: the numbers may be other files' by the time this process forks off one of its own.
    while descriptors:
        os.close(descriptors.pop())


def _unlink(path: Path, descriptor: int) -> None:
    """Removes the lock file, unless another one is in its place."""
    if is_at(descriptor, path):
        path.unlink(missing_ok=True)


def _first_words(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")[:200].strip()
    except OSError:
        return ""
