"""What commands keep beside their outputs so that work can go on, and how to be rid of it."""

import dataclasses
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from ccfpse.caches import cache_folder
from ccfpse.compare.grid import cells_of
from ccfpse.config import Settings
from ccfpse.files import held_lock
from ccfpse.training.runs import describe_run


@dataclasses.dataclass(frozen=True)
class Part:
    """A folder, and the lock that a process holds as long as it works there."""

    folder: Path
    lock: Path


@dataclasses.dataclass(frozen=True)
class Leftover:
    """What nothing needs but a command that would go on from it."""

    path: Path
    what: str
    n_bytes: int
    parts: tuple[Part, ...]


def leftovers(settings: Settings) -> list[Leftover]:
    """What lies beside the outputs of these settings and of their grid, and in the cache; largest first."""
    paths = settings.paths
    cells = [cell for variant in settings.compare.variants for cell in cells_of(settings, variant)]
    found = [*_of_preparing(Path(paths.prepared)), *_measured()]
    for out in (Path(paths.training), *(cell.folder(settings, "training") for cell in cells)):
        found += _of_training(out)
    return sorted(found, key=lambda left: -left.n_bytes)


def remove(left: Leftover) -> None:
    """Removes it.

    Raises:
        OutputError: a process is using it.
    """
    for part in left.parts:
        with held_lock(part.lock, str(left.path)):
            shutil.rmtree(part.folder)


def _of_training(out: Path) -> Iterator[Leftover]:
    lock = out.with_name(f".{out.name}.lock")
    for folder in out.parent.glob(f".{out.name}.partial-*"):
        yield _leftover(folder, describe_run(folder), [Part(folder, lock)])


def _of_preparing(out: Path) -> Iterator[Leftover]:
    work = out.with_name(f".{out.name}.work")
    for folder in work.glob("partial-*"):
        yield _leftover(folder, "unfinished preparing", [Part(folder, work / "lock")])


def _measured() -> Iterator[Leftover]:
    whole = cache_folder() / "measured"
    parts = [Part(folder, folder / "lock") for folder in whole.glob("*")]
    if parts:
        yield _leftover(whole, "measurements of photos by `ccfpse evaluate`, of all projects", parts)


def _leftover(path: Path, what: str, parts: Iterable[Part]) -> Leftover:
    n_bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Leftover(path, what, n_bytes, tuple(parts))
