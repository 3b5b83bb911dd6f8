"""Runs the reading of samples in several processes, none of which outlives its parent."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path

from ccfpse.datasets.fitting import Size
from ccfpse.datasets.raw import BadFile, RawSample
from ccfpse.datasets.reading import Recipe, read_sample
from ccfpse.errors import DataError, OutputError
from ccfpse.preparing.partial import Done, write_row

_CHUNK = 8  # samples a process gets at once
_WAITING = 3  # chunks a process has ahead of it


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
    if workers <= 1:
        for task in tasks:
            yield _run(task, recipe, store)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_follow_parent)
    try:
        yield from _spread(pool, tasks, recipe, store, workers * _WAITING)
    except BrokenProcessPool as error:
        raise OutputError(
            f"{store}: a process that prepares samples was killed, perhaps for want of memory; "
            "run the same command again, it goes on (runtime.workers says how many run at once)"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _spread(
    pool: ProcessPoolExecutor, tasks: list[Task], recipe: Recipe, store: Path, most: int
) -> Iterator[Done | BadFile]:
    """Hands out chunks, few at a time: 118,000 tasks at once would be in memory twice."""
    chunks = (tasks[start : start + _CHUNK] for start in range(0, len(tasks), _CHUNK))
    running: set[Future[list[Done | BadFile]]] = set()
    for chunk in chunks:
        running.add(pool.submit(_run_chunk, chunk, recipe, store))
        if len(running) >= most:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield from future.result()
    for future in running:
        yield from future.result()


def _run_chunk(chunk: list[Task], recipe: Recipe, store: Path) -> list[Done | BadFile]:
    return [_run(task, recipe, store) for task in chunk]


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


def _follow_parent() -> None:
    """Ends this process when its parent is gone, however that ended; Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def watch() -> None:
            connection.wait([sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
