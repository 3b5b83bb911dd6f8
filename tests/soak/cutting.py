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


def count_changes(work: Callable[[], object], folder: Path) -> int:
    """How many changes `work` makes in `folder`, done by a process forked off."""
    reading, writing = os.pipe()

    def counted() -> None:
        count = 0

        def told(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            count += _is_change(event, arguments, str(folder))

        sys.addaudithook(told)
        work()
        os.write(writing, str(count).encode())

    assert _forked(counted) == 0
    os.close(writing)
    with open(reading) as file:  # noqa: PTH123 - a descriptor
        return int(file.read())


def cut_before(number: int, work: Callable[[], object], folder: Path) -> None:
    """Runs `work` in a process forked off, which ends at once before its `number`-th change in `folder`."""

    def cut() -> None:
        left = number

        def told(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            left -= _is_change(event, arguments, str(folder))
            if left == 0:
                os._exit(_CUT)

        sys.addaudithook(told)
        work()

    assert _forked(cut) == _CUT


def _forked(work: Callable[[], None]) -> int:
    """Exit status of a process forked off that does `work`."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


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
