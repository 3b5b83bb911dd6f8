"""One command at a time writes an output; what dead ones left there is put right, or found.

The lock of the output NAME is the file `.NAME.lock` beside it, so outside of what DVC tracks and on the
file system that several machines may share. It is there while a command writes, and after a kill until the
next one.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ccfpse.errors import OutputError
from ccfpse.files import TEMPORARY
from ccfpse.flock import is_open_elsewhere
from ccfpse.lockfile import held_lock
from ccfpse.placing import is_away, is_mixed, new_and_old, put_back, put_right

_LEFT_INSIDE = re.compile(r"\..+\.(lock|tmp|tmp\.[^.]+)")
"""Names of locks, and of temporary files as `files.replacing` calls them."""


@contextlib.contextmanager
def output_lock(out: Path, what: str | None = None, patience_seconds: float = 0.0) -> Iterator[None]:
    """Keeps other commands from writing the file or folder `out` while the block runs.

    Args:
        out: there or not; a replacement of it that was cut off is ended first.
        what: is in use, for the message to others; None: `out`.
        patience_seconds: how long who holds the lock may go on doing so.

    Raises:
        OutputError: another process writes it, and is named; or nothing can be written there, or a link
            leads elsewhere.
    """
    place = _real(out)
    with held_lock(_lock_file(place), what or str(out), patience_seconds):
        put_right(place)
        yield


def recover(out: Path) -> None:
    """Puts the folder `out` in its place where a command was cut off just before that; for its readers.

    Files that were to be added to it stay where they are: the folder may be a stranger's, and so may be what
    lies there as if a command had been cut off.

    Raises:
        OutputError: another process is at it, or has left old files among new ones.
    """
    place = _real(out)
    if is_mixed(place):
        raise OutputError(
            f"{out}: is unfinished, by a command that is still at work or was cut off; once none is at work, "
            "run the command that writes it again"
        )
    if is_away(place):
        with held_lock(_lock_file(place), str(out)):
            put_back(place)


def leftovers(out: Path) -> list[Path]:
    """Files and folders that dead processes left beside and in the output `out`: may be removed.

    None while a command writes `out`. Partial work that its command would go on with is none of them.
    """
    place = _real(out)
    lock = _lock_file(place)
    if not _is_left(lock):
        return []
    temporary = (f".{place.stem}.tmp{place.suffix}", f".{place.name}.tmp")
    found = [lock, place / TEMPORARY, *(place.with_name(name) for name in temporary)]
    if not is_away(place):
        found += new_and_old(place)
    # Others may write outputs of their own in there.
    found += (
        file for file in sorted(place.rglob(".*")) if _LEFT_INSIDE.fullmatch(file.name) and _is_left(file)
    )
    return [left for left in dict.fromkeys(found) if os.path.lexists(left)]


def _is_left(file: Path) -> bool:
    """Whether no process has it; a folder, or what cannot be opened, may be somebody's."""
    try:
        return not is_open_elsewhere(file)
    except OSError:
        return False


def _real(out: Path) -> Path:
    """The same for all names of a folder: two that differ by a link would have two locks."""
    whole = Path(os.path.abspath(out))  # noqa: PTH100 - a link to be replaced stays a link
    return whole.resolve() if whole.is_dir() else whole.parent.resolve() / whole.name


def _lock_file(place: Path) -> Path:
    # A volume that is mounted for this output alone: nothing can be written around it.
    is_walled = place.is_dir() and not os.access(place.parent, os.W_OK)
    return place / ".lock" if is_walled else place.with_name(f".{place.name}.lock")
