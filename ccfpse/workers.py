"""Work spread over processes, none of which outlives the one that started them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from ccfpse.errors import OutputError

Item = TypeVar("Item")
Result = TypeVar("Result")

_WAITING = 3  # chunks a process has ahead of it


def in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, *, chunk: int, what: str
) -> Iterator[Result]:
    """Yields `work(item)` for every item, in any order.

    Args:
        work: a function that can be pickled, as must be items and results.
        items: what there is to do.
        workers: number of processes; with 1 or less this process does all the work, in order.
        chunk: items a process gets at once.
        what: is being made, for the message when a process dies.

    Raises:
        OutputError: a process was killed.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_follow_parent)
    try:
        yield from _spread(pool, work, items, chunk, workers * _WAITING)
    except BrokenProcessPool as error:
        raise OutputError(
            f"{what}: a process that makes it was killed, perhaps for want of memory; "
            "run the same command again, it goes on (runtime.workers says how many run at once)"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _spread(
    pool: ProcessPoolExecutor, work: Callable[[Item], Result], items: Sequence[Item], chunk: int, most: int
) -> Iterator[Result]:
    """Hands out chunks, few at a time: 118,000 tasks at once would be in memory twice."""
    running: set[Future[list[Result]]] = set()
    for start in range(0, len(items), chunk):
        running.add(pool.submit(_do, work, items[start : start + chunk]))
        if len(running) >= most:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield from future.result()
    for future in running:
        yield from future.result()


def _do(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [work(item) for item in items]


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
