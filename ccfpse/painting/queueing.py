"""One queue of bounded length in front of one thread that works.

A network computes one photo at a time best; more threads would only share its processor and fill memory.
"""

import dataclasses
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from ccfpse.errors import CcfpseError

Result = TypeVar("Result")


class QueueFull(CcfpseError):
    """There is more work waiting than is accepted; trying again later is right."""


class Superseded(CcfpseError):
    """The same window has asked for something newer before this was begun."""


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class _Job:
    future: Future[Any]
    work: Callable[[], Any]
    window: str | None


class WorkQueue:
    """Does work in the order in which it comes, in a thread of its own."""

    def __init__(self, length: int) -> None:
        """Starts the thread; `length` is how much may wait beside what is being done."""
        self.length = length
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], Result], window: str | None = None) -> Future[Result]:
        """The result to come of `work`; cancelling it before it is begun takes the work out.

        Args:
            work: takes no arguments.
            window: who asks. What the same window has waiting is answered with `Superseded`, and its place
                in the queue passes on, so that who paints quickly neither waits longer nor pushes in.

        Raises:
            QueueFull: as much is waiting as may.
        """
        job = _Job(Future(), work, window)
        older: _Job | None = None
        with self._changed:
            if not self._is_open:
                raise QueueFull("the server is being stopped")
            for gone in [waiting for waiting in self._waiting if waiting.future.cancelled()]:
                self._waiting.remove(gone)
            older = next((w for w in self._waiting if window is not None and w.window == window), None)
            if older is not None:
                self._waiting[self._waiting.index(older)] = job
            elif len(self._waiting) >= self.length:
                raise QueueFull(f"{self.length} requests are waiting already; try again in a moment")
            else:
                self._waiting.append(job)
            self._changed.notify()
        if older is not None and older.future.set_running_or_notify_cancel():
            older.future.set_exception(Superseded("a newer request of the same window took its place"))
        return job.future

    def close(self) -> None:
        """Cancels what waits and returns when what is being done is done."""
        with self._changed:
            self._is_open = False
            waiting, self._waiting = self._waiting, deque()
            self._changed.notify()
        for job in waiting:
            job.future.cancel()
        self._thread.join()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            try:
                result = job.work()
            except BaseException as error:  # whoever waits for it is told; the thread goes on
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
            del job  # or a large result would stay until the next one

    def _next(self) -> _Job | None:
        with self._changed:
            while self._is_open and not self._waiting:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None
