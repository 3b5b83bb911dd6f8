"""A training process ends soon after those that started it, however they end."""

import os
import signal
import threading
import time
from pathlib import Path


def end_with_parent(interval_seconds: float = 1.0) -> None:
    """Makes this process end soon after the one that started it, however that one ends.

    A trainer left behind by a killed `dvc` would fight with the next one. Under DVC, the shell
    that DVC starts commands through is watched, and DVC behind it; under torchrun, torchrun.
    Elsewhere nothing is: who started it in a shell may log out.
    """
    parent = os.getppid()
    watched = []
    if "TORCHELASTIC_RUN_ID" in os.environ:
        watched.append(parent)
        parent = _parent_of(parent) or 0
    if "DVC_STAGE" in os.environ:
        watched.append(parent)
        if _is_shell(parent):  # it may have become the command itself
            watched.append(_parent_of(parent) or 0)
    if watched:
        end_with(watched, interval_seconds)


def end_with(processes: list[int], interval_seconds: float = 1.0) -> None:
    """Sends this process SIGTERM as soon as one of `processes` is gone; the first of all is left out."""
    watched = {process: started(process) for process in processes if process > 1}

    def watch() -> None:
        while all(_is_there(process, start) for process, start in watched.items()):
            time.sleep(interval_seconds)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def started(process: int) -> str | None:
    """When a process of this machine started, which tells it from a later one; None: it is over."""
    fields = _stat(process)
    return None if fields is None or fields[0] in "ZX" else fields[19]


def _is_there(process: int, start: str | None) -> bool:
    if start is not None:
        return started(process) == start
    try:  # no /proc, or one that hides other people's processes
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stat(process: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the command's name: state, parent, ...; None: no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None


def _parent_of(process: int) -> int | None:
    fields = _stat(process)
    return None if fields is None else int(fields[1])


def _is_shell(process: int) -> bool:
    try:
        return b"-c" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[1:4]
    except OSError:
        return False
