"""What commands leave beside their outputs, to go on from or because they died, and how to be rid of it."""

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from ccfpse import outputlock
from ccfpse.caches import cache_folder
from ccfpse.compare.grid import cells_of
from ccfpse.config import Settings
from ccfpse.lockfile import held_lock
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
    lock: Callable[[Path], AbstractContextManager[None]]
    """Of a part; a command that works there holds it."""


def leftovers(settings: Settings) -> list[Leftover]:
    """What lies beside the outputs of these settings and of their grid, and in the cache; largest first."""
    paths = settings.paths
    cells = [cell for variant in settings.compare.variants for cell in cells_of(settings, variant)]
    trainings = [Path(paths.training), *(cell.folder(settings, "training") for cell in cells)]
    others = (paths.raw_list, paths.prepared, paths.judge, paths.loss_network, paths.synthesized)
    outs = [*trainings, *map(Path, (*others, paths.evaluation, paths.report, paths.compare))]
    found = [*_of_preparing(Path(paths.prepared)), *_measured()]
    for out in trainings:
        found += _of_training(out)
    for out in outs:
        found += _of_the_dead(out)
    return sorted(found, key=lambda left: -left.n_bytes)


def remove(left: Leftover) -> None:
    """Removes it.

    Raises:
        OutputError: a process is using it.
    """
    for part in left.parts:
        with left.lock(part):
            if part.is_dir():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)


def _of_training(out: Path) -> Iterator[Leftover]:
    for folder in out.parent.glob(f".{out.name}.partial-*"):
        yield _leftover(folder, describe_run(folder), [folder], _lock_of(out))


def _of_preparing(out: Path) -> Iterator[Leftover]:
    for folder in out.with_name(f".{out.name}.work").glob("partial-*"):
        yield _leftover(folder, "unfinished preparing", [folder], _lock_of(out))


def _of_the_dead(out: Path) -> Iterator[Leftover]:
    for path in outputlock.leftovers(out):
        yield _leftover(path, "left by a command that was killed", [path], _lock_of(out))


def _measured() -> Iterator[Leftover]:
    whole = cache_folder() / "measured"
    if parts := list(whole.glob("*")):
        what = "measurements of photos by `ccfpse evaluate`, of all projects"
        yield _leftover(whole, what, parts, lambda part: held_lock(part / "lock", str(part)))


def _lock_of(out: Path) -> Callable[[Path], AbstractContextManager[None]]:
    return lambda part: output_lock(out)


def _leftover(
    path: Path, what: str, parts: Iterable[Path], lock: Callable[[Path], AbstractContextManager[None]]
) -> Leftover:
    files = [path] if path.is_file() else path.rglob("*")
    n_bytes = sum(file.lstat().st_size for file in files if file.is_file())
    return Leftover(path, what, n_bytes, tuple(parts), lock)
