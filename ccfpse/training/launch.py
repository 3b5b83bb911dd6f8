"""Several training processes on this machine: started, watched, and ended together."""

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from ccfpse.device import cores
from ccfpse.errors import CcfpseError, NotFinite, ProcessLost, TrainingError, TrainingStopped
from ccfpse.training.parent import end_with
from ccfpse.training.processes import MEETING
from ccfpse.training.signals import stop_signals

_ENDING_SECONDS = 10.0
"""What is left to the others after one failed otherwise than by `NotFinite`, before they are killed."""
_GOES_ON = "the same command goes on from the last checkpoint"


def launch(count: int, work: Callable[..., None], *arguments: Any) -> None:
    """Runs `work(*arguments)` in `count` processes and waits for all; they find each other by `together`.

    SIGTERM and Ctrl-C are passed on, and waited for however long the processes need to save; a
    second one kills them. When one fails, the others are ended. All end when this process does.

    Raises:
        CcfpseError: the one that a process raised.
        TrainingError: a process was killed.
        TrainingStopped: a signal ended them.
        RuntimeError: one of them failed otherwise.
    """
    # Threads of several processes on the same cores wait for each other in busy loops.
    threads = max(1, cores() // count)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    with tempfile.TemporaryDirectory(prefix="ccfpse-") as folder, stop_signals() as received:
        workers: list[_Worker] = []
        try:
            for rank in range(count):
                workers.append(_start(rank, count, Path(folder) / "meeting", work, arguments))
            _wait(workers, received)
        finally:
            for worker in workers:
                worker.process.kill()
    if (error := _error(workers, received)) is not None:
        raise error


@dataclasses.dataclass
class _Worker:
    rank: int
    process: SpawnProcess
    hears: "connection.Connection[Any, Any]"
    was_killed: bool = False
    """By us."""
    said: Exception | None = None

    def listen(self) -> None:
        """Takes in what the process raised; a full pipe would keep it from ending."""
        with contextlib.suppress(EOFError):
            while self.hears.poll():
                self.said = self.hears.recv()

    @property
    def is_over(self) -> bool:
        return self.process.exitcode is not None

    @property
    def has_failed(self) -> bool:
        return self.process.exitcode not in (None, 0)


def _start(
    rank: int, count: int, meeting: Path, work: Callable[..., None], arguments: tuple[Any, ...]
) -> _Worker:
    context = multiprocessing.get_context("spawn")
    hears, tells = context.Pipe(duplex=False)
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), MEETING: str(meeting)}
    process = context.Process(target=_work, args=(tells, os.getpid(), place, work, arguments))
    # Ctrl-C reaches every process of a terminal. Until a worker knows what to do with it, it leaves it to us.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, before)
    tells.close()
    return _Worker(rank, process, hears)


def _work(
    tells: "connection.Connection[Any, Any]",
    launcher: int,
    place: dict[str, str],
    work: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    os.environ |= place
    end_with([launcher])
    try:
        work(*arguments)
    except TrainingStopped as error:
        _tell(tells, error)
    except CcfpseError as error:
        _tell(tells, error)
        raise SystemExit(error.exit_code) from error
    except Exception as error:
        told = RuntimeError(f"training process {place['RANK']} failed: {type(error).__name__}: {error}")
        told.add_note(traceback.format_exc())
        _tell(tells, told)
        raise SystemExit(1) from error


def _tell(launcher: "connection.Connection[Any, Any]", error: Exception) -> None:
    with contextlib.suppress(BrokenPipeError):  # it was killed
        launcher.send(error)


def _wait(workers: list[_Worker], received: list[signal.Signals]) -> None:
    """Until all are over."""
    n_passed_on = 0
    deadline: float | None = None
    while running := [worker for worker in workers if not worker.is_over]:
        connection.wait([worker.process.sentinel for worker in running], timeout=0.2)
        failed = [worker for worker in workers if worker.has_failed]  # before listening: they have said why
        for worker in workers:
            worker.listen()
        # A figure that is not finite is found by all at once: the others end at once, while the main process
        # may still be writing a checkpoint.
        if deadline is None and not all(isinstance(worker.said, NotFinite) for worker in failed):
            deadline = time.monotonic() + _ENDING_SECONDS
            _terminate(running)
        if received and not n_passed_on:
            n_passed_on = 1
            _terminate(running)
        if len(received) > 1 or (deadline is not None and time.monotonic() > deadline):
            for worker in running:
                worker.was_killed |= not worker.is_over
                worker.process.kill()
    for worker in workers:
        worker.listen()


def _terminate(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()


def _error(workers: list[_Worker], received: list[signal.Signals]) -> Exception | None:
    """What is to be raised; first what a process found, then deaths, and only then what follows from them."""
    said = [worker.said for worker in workers if worker.said is not None]
    for error in said:
        if not isinstance(error, TrainingStopped | ProcessLost):
            return error
    for worker in workers:
        code = worker.process.exitcode or 0
        if code < 0 and not worker.was_killed and code != -signal.SIGTERM:
            name = signal.Signals(-code).name
            why = ", as Linux does when memory runs out" if code == -signal.SIGKILL else ""
            return TrainingError(f"training process {worker.rank} was killed ({name}{why}); {_GOES_ON}")
        if code > 0 and worker.said is None:
            return RuntimeError(f"training process {worker.rank} ended with exit code {code}")
    stopped = next((error for error in said if isinstance(error, TrainingStopped)), None)
    if received:
        sentence = f"stopped; {_GOES_ON}" if stopped is None else str(stopped)
        return TrainingStopped(sentence, 128 + received[0])
    if stopped is not None:
        return stopped
    if said:
        return said[0]
    if any(worker.has_failed for worker in workers):
        return TrainingStopped(f"stopped; {_GOES_ON}", 128 + signal.SIGTERM)
    return None
