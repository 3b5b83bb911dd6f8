"""Many painters at once: no photo is lost or mixed up, the refused are told so, memory stays where it is."""

import gc
import resource
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.painting.servers import Answer, Painting, painting, png
from tests.soak.conftest import Soak

AT_ONCE = 200
DIFFERENT = 40
MakeModel = Callable[..., Path]


def layout(number: int) -> np.ndarray:
    """Blocks of classes, another for every number."""
    rng = np.random.default_rng(number)
    return rng.integers(0, 4, (2, 4)).astype(np.uint8).repeat(16, 0).repeat(16, 1)


def all_at_once(server: Painting, numbers: list[int], **fields: str) -> list[Answer]:
    """Answers to one request each, sent as near to the same moment as threads can."""
    gate = threading.Barrier(len(numbers))

    def ask(number: int) -> Answer:
        labels = png(layout(number))
        gate.wait(300)
        return server.post("/api/synthesize", labels=labels, coding="classes", **fields)

    with ThreadPoolExecutor(len(numbers)) as pool:
        return list(pool.map(ask, numbers))


def wanted(server: Painting, numbers: list[int]) -> list[np.ndarray]:
    different = sorted(set(numbers))
    photos = server.model.synthesize([layout(n) for n in different], coding="classes", as_arrays=True)
    assert len({np.asarray(photo).tobytes() for photo in photos}) == len(different)
    by_number = dict(zip(different, photos, strict=True))
    return [np.asarray(by_number[number]) for number in numbers]


def _resident_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


@pytest.mark.slow
def test_two_hundred_at_once_are_all_answered_with_their_own_photo(make_model: MakeModel, soak: Soak) -> None:
    numbers = [n % DIFFERENT for n in range(AT_ONCE)]
    with painting(make_model(), queue_length=AT_ONCE) as server:
        photos = wanted(server, numbers)

        def ask_and_compare(count: int) -> None:
            answers = all_at_once(server, numbers[:count])
            assert Counter(answer.status for answer in answers) == {200: count}
            for answer, photo in zip(answers, photos, strict=False):
                np.testing.assert_array_equal(answer.pixels, photo)

        ask_and_compare(AT_ONCE)
        # Threads and the allocator's arenas are there by now.
        rounds, before = soak.pick(2, 50), _resident_mb()
        for _ in range(rounds):
            ask_and_compare(AT_ONCE)
        grown = _resident_mb() - before
    soak.figure(f"painting: MB more after {rounds * AT_ONCE:,} photos", f"{grown:+.1f}")
    assert grown < 20


@pytest.mark.slow
def test_who_is_refused_is_told_so_and_the_others_get_their_own_photo(make_model: MakeModel) -> None:
    numbers = [n % DIFFERENT for n in range(AT_ONCE)]
    with painting(make_model(), queue_length=4) as server:
        photos = wanted(server, numbers)
        answers = all_at_once(server, numbers)
        statuses = Counter(answer.status for answer in answers)
        assert statuses.keys() == {200, 503}
        for answer, photo in zip(answers, photos, strict=True):
            if answer.status == 200:
                np.testing.assert_array_equal(answer.pixels, photo)
            else:
                assert answer.said.endswith("; try again in a moment")
                assert answer.headers["retry-after"] == "1"
        # Nothing of them stays behind.
        assert all_at_once(server, [0])[0].status == 200


@pytest.mark.slow
def test_of_one_window_the_newest_is_always_answered(make_model: MakeModel) -> None:
    numbers = list(range(40))
    with painting(make_model(), queue_length=10) as server:
        photos = wanted(server, numbers)
        answers = all_at_once(server, numbers, window="one")
        assert {answer.status for answer in answers} <= {200, 409}  # one waits at a time
        last = server.post("/api/synthesize", labels=png(layout(0)), coding="classes", window="one")
    np.testing.assert_array_equal(last.pixels, photos[0])
    for answer, photo in zip(answers, photos, strict=True):
        if answer.status == 200:
            np.testing.assert_array_equal(answer.pixels, photo)
