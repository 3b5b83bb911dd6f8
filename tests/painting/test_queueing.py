"""The queue: order, its bound, windows that ask again, and work that nobody waits for."""

import threading
from collections.abc import Iterator

import pytest

from ccfpse.painting.queueing import QueueFull, Superseded, WorkQueue


class Held:
    """A queue whose thread is busy until it is let go."""

    def __init__(self, length: int) -> None:
        self.queue = WorkQueue(length)
        self.go = threading.Event()
        began = threading.Event()
        self.first = self.queue.submit(lambda: (began.set(), self.go.wait(30)))
        assert began.wait(30)


@pytest.fixture
def held() -> Iterator[Held]:
    found = Held(length=3)
    yield found
    found.go.set()
    found.queue.close()


def test_work_is_done_in_order_by_one_thread() -> None:
    queue, done = WorkQueue(100), []
    futures = [queue.submit(lambda i=i: done.append((i, threading.get_ident()))) for i in range(50)]
    for future in futures:
        future.result(30)
    queue.close()
    assert [i for i, _ in done] == list(range(50))
    assert len({thread for _, thread in done}) == 1


def test_more_than_may_wait_is_refused_in_a_sentence(held: Held) -> None:
    for _ in range(3):
        held.queue.submit(lambda: None)
    with pytest.raises(QueueFull, match="3 requests are waiting already; try again"):
        held.queue.submit(lambda: None)


def test_a_newer_request_of_a_window_takes_the_place_of_the_older(held: Held) -> None:
    done: list[str] = []
    old = held.queue.submit(lambda: done.append("old"), "a")
    other = held.queue.submit(lambda: done.append("other"), "b")
    last = held.queue.submit(lambda: done.append("last"))
    new = held.queue.submit(lambda: done.append("new"), "a")  # although the queue is full
    with pytest.raises(Superseded):
        old.result(1)
    held.go.set()
    for future in (other, last, new):
        future.result(30)
    assert done == ["new", "other", "last"]


def test_what_is_cancelled_is_not_done_and_leaves_its_place(held: Held) -> None:
    done: list[int] = []
    futures = [held.queue.submit(lambda i=i: done.append(i)) for i in range(3)]
    assert futures[1].cancel()
    late = held.queue.submit(lambda: done.append(3))
    held.go.set()
    late.result(30)
    assert done == [0, 2, 3]


def test_a_failure_reaches_who_asked_and_the_queue_goes_on(held: Held) -> None:
    failing = held.queue.submit(lambda: 1 // 0)
    next_one = held.queue.submit(lambda: "done")
    held.go.set()
    with pytest.raises(ZeroDivisionError):
        failing.result(30)
    assert next_one.result(30) == "done"


def test_closing_cancels_what_waits(held: Held) -> None:
    waiting = held.queue.submit(lambda: None)
    held.go.set()
    held.queue.close()
    assert waiting.done()
    with pytest.raises(QueueFull, match="being stopped"):
        held.queue.submit(lambda: None)
