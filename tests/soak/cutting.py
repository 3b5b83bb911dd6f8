"""Ends a process before one of the changes that it makes to files, whichever."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

_CUT = 99
_CHANGES = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"),
    *("fcntl.flock", "ctypes.dlsym"),  # locking a file, and looking for what exchanges two names
}
"""Events that Python's audit hooks are told of before the system is asked."""


def cut_before(number: int, work: Callable[[], object], folder: Path) -> bool:
    """Runs `work` in a process forked off, which ends at once before its `number`-th change in `folder`.

    Returns:
        Whether it came to that; otherwise `work` is done.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            sys.addaudithook(_counting(number, str(folder)))
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, _CUT), code
    return code == _CUT


def _counting(number: int, folder: str) -> Callable[[str, tuple[object, ...]], None]:
    left = number

    def told(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if _is_change(event, arguments, folder):
            left -= 1
            if left == 0:
                os._exit(_CUT)

    return told


def _is_change(event: str, arguments: tuple[object, ...], folder: str) -> bool:
    if event == "open":
        path, _, flags = arguments
        writes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        return writes and _is_in(path, folder)
    if event == "ctypes.dlsym":
        return "renameat2" in arguments
    return event in _CHANGES and _is_in(arguments[0], folder)


def _is_in(path: object, folder: str) -> bool:
    """A descriptor's file counts as one of the folder."""
    return isinstance(path, int) or os.fsdecode(path).startswith(folder)  # type: ignore[arg-type]
