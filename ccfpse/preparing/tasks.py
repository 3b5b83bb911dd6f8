"""One sample's way into the store in the making, and all samples' over several processes."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ccfpse.datasets.fitting import Size
from ccfpse.datasets.raw import BadFile, RawSample
from ccfpse.datasets.reading import Recipe, read_sample
from ccfpse.errors import DataError, OutputError
from ccfpse.preparing.partial import Done, write_row
from ccfpse.workers import in_processes

_CHUNK = 8  # samples a process gets at once


@dataclass(frozen=True, slots=True)
class Task:
    """A sample, and the row of the store that it goes to."""

    split: str
    index: int
    sample: RawSample
    size: Size


def run_tasks(tasks: list[Task], recipe: Recipe, store: Path, workers: int) -> Iterator[Done | BadFile]:
    """Reads samples and writes them to the store in the making; results come in any order.

    Raises:
        OutputError: the store cannot be written, or a process was killed.
    """
    work = functools.partial(_run, recipe=recipe, store=store)
    return in_processes(work, tasks, workers, chunk=_CHUNK, what=str(store))


def _run(task: Task, recipe: Recipe, store: Path) -> Done | BadFile:
    try:
        sample = read_sample(task.sample, recipe, task.size)
    except DataError as error:
        return BadFile(str(task.sample.image), str(error))
    try:
        sha256 = write_row(store, task.split, task.index, sample)
    except OSError as error:
        raise OutputError(f"{store}: cannot be written ({error.strerror or error})") from error
    return Done(task.split, task.index, sha256, sample.source_size)
