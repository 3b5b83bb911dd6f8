"""What commands leave beside their outputs, to go on from or because they died, and how to be rid of it."""

import contextlib
import dataclasses
import functools
import glob
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ccfpse import outputlock
from ccfpse.caches import cache_folder
from ccfpse.compare.grid import cells_of
from ccfpse.config import Settings
from ccfpse.errors import OutputError
from ccfpse.flock import opened_alone
from ccfpse.lockfile import empty_around, held_lock
from ccfpse.outputlock import output_lock
from ccfpse.training.runs import describe_run


@dataclasses.dataclass(frozen=True)
class Leftover:
    """What nothing needs but a command that would go on from it."""

    path: Path
    what: str
    n_bytes: int
    parts: tuple[Path, ...]
    """Files and folders in it, or itself, that are removed one by one."""
    remove_part: Callable[[Path], None]
    """Holds the lock that a command holds which works there."""


def leftovers(settings: Settings) -> list[Leftover]:
    """What lies beside the outputs of these settings and of their grid, and in the cache; largest first."""
    paths = settings.paths
    cells = [cell for variant in settings.compare.variants for cell in cells_of(settings, variant)]
    named = (paths.raw_list, paths.prepared, paths.judge, paths.loss_network, paths.training)
    more = (paths.synthesized, paths.evaluation, paths.report, paths.compare)
    outs = [*map(Path, (*named, *more)), *(cell.folder(settings, "training") for cell in cells)]
    return _largest_first([*_measured(), *beside(outs)])


def beside(outs: Iterable[Path]) -> list[Leftover]:
    """What lies beside and in outputs of any commands; largest first.

    Raises:
        OutputError: nothing can be beside one of them.
    """
    kinds = (_of_training, _of_preparing, _of_the_dead)
    return _largest_first(left for out in map(_named, outs) for kind in kinds for left in kind(out))


def remove(left: Leftover) -> None:
    """Removes it.

    Raises:
        OutputError: a process is using it.
    """
    for part in left.parts:
        left.remove_part(part)


def _named(out: Path) -> Path:
    """The same by a path that ends with its name, which `.` and `..` do not."""
    named = out if out.name not in ("", "..") else Path(os.path.abspath(out))  # noqa: PTH100 - links stay
    if not named.name:
        raise OutputError(f"{out}: is no output of a command; name one")
    return named


def _of_training(out: Path) -> Iterator[Leftover]:
    for folder in out.parent.glob(f".{glob.escape(out.name)}.partial-*"):
        yield _leftover(folder, describe_run(folder), [folder], functools.partial(_remove_of, out))


def _of_preparing(out: Path) -> Iterator[Leftover]:
    for folder in out.with_name(f".{out.name}.work").glob("partial-*"):
        yield _leftover(folder, "unfinished preparing", [folder], functools.partial(_remove_of, out))


def _of_the_dead(out: Path) -> Iterator[Leftover]:
    for path in outputlock.leftovers(out):
        remove = _remove_lock if path.name.endswith(".lock") else functools.partial(_remove_of, out)
        yield _leftover(path, "left by a command that was killed", [path], remove)


def _measured() -> Iterator[Leftover]:
    whole = cache_folder() / "measured"
    if parts := list(whole.glob("*")):
        what = "measurements of photos by `ccfpse evaluate`, of all projects"
        yield _leftover(whole, what, parts, _remove_measured)


def _remove_of(out: Path, part: Path) -> None:
    with output_lock(out):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        elif part.is_symlink():
            part.unlink()
        else:
            _remove_file(part)


def _remove_file(file: Path) -> None:
    """Removes a temporary file, unless another command, which writes an output in this one, has it."""
    try:
        with opened_alone(file, wait=False):
            file.unlink(missing_ok=True)
    except BlockingIOError as error:
        raise OutputError(f"{file} is in use by another process; wait for it or stop it first") from error


def _remove_lock(file: Path) -> None:
    with held_lock(file, str(file)):
        pass  # whoever holds a lock file removes it in the end


def _remove_measured(folder: Path) -> None:
    with held_lock(folder / "lock", str(folder)):
        empty_around(folder / "lock")
    with contextlib.suppress(OSError):  # another process measures there by now
        folder.rmdir()


def _largest_first(found: Iterable[Leftover]) -> list[Leftover]:
    return sorted({left.path: left for left in found}.values(), key=lambda left: -left.n_bytes)


def _leftover(path: Path, what: str, parts: Iterable[Path], remove_part: Callable[[Path], None]) -> Leftover:
    files = [path] if path.is_symlink() or not path.is_dir() else path.rglob("*")
    n_bytes = sum(file.lstat().st_size for file in files if not file.is_dir())
    return Leftover(path, what, n_bytes, tuple(parts), remove_part)
