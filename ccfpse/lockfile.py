"""A lock file says that one process works on something, and which."""

import contextlib
import errno
import functools
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ccfpse.errors import OutputError
from ccfpse.files import folder_for
from ccfpse.flock import opened_alone


@contextlib.contextmanager
def held_lock(path: Path, what: str, patience_seconds: float = 0.0) -> Iterator[None]:
    """Holds the lock file `path`, there only for so long, while the block runs; a dead process holds nothing.

    Nor do processes that it has forked off, such as a data loader's, which outlive a killed one by seconds.
    Between machines it holds where their file system's locks do (NFS: yes, unless mounted `nolock`).

    Who holds it may go on doing so for `patience_seconds`.

    Raises:
        OutputError: another process holds it; the sentence names that process and `what` it locks. Or the
            file cannot be made or locked.
    """
    with folder_for(path), contextlib.ExitStack() as ending:
        try:
            descriptor = ending.enter_context(_opened_in_time(path, patience_seconds))
            # Still locked: who has opened this file in the meantime sees that it is no longer there.
            ending.callback(path.unlink, missing_ok=True)
            held = [descriptor]
            ending.callback(held.clear)
            os.register_at_fork(after_in_child=functools.partial(_close, held))
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


@contextlib.contextmanager
def _opened_in_time(path: Path, patience_seconds: float) -> Iterator[int]:
    deadline = time.monotonic() + patience_seconds
    with contextlib.ExitStack() as ending:
        while True:
            try:
                descriptor = ending.enter_context(opened_alone(path, wait=False))
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(0.2)
        yield descriptor


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _first_words(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")[:200].strip()
    except OSError:
        return ""
