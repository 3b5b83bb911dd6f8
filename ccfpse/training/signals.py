"""Signals that ask training to stop are noted, and obeyed when it suits."""

import contextlib
import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker
from types import FrameType

_STOP = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def stop_signals() -> Iterator[list[signal.Signals]]:
    """Yields a list that receives SIGTERM and SIGINT, so that a step can end before the run does."""
    received: list[signal.Signals] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(signal.Signals(number))

    before = {number: signal.signal(number, receive) for number in _STOP}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that are started in the block never get SIGTERM or SIGINT; this one gets them after it.

    Ctrl-C reaches every process of a terminal, and `timeout`, systemd and Slurm end whole groups: a process
    that only serves this one has to live until this one has finished its step.
    """
    resource_tracker.ensure_running()  # started in the block, it would let the signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)  # which those processes inherit
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
