"""Times two ways of doing the same, alternately in one process, so that a slow minute slows both."""

import dataclasses
import statistics
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Pair:
    """What was measured; seconds are medians over the rounds."""

    reference_seconds: float
    fast_seconds: float
    ratio: float
    """Median over the rounds of reference to fast: how many times faster."""
    least: float
    most: float
    """Of the rounds' ratios."""
    rounds: int


def paired(reference: Callable[[], object], fast: Callable[[], object], rounds: int) -> Pair:
    """Times `reference` and `fast` in turn, after one round that is not counted."""
    reference(), fast()
    times = [(_seconds(reference), _seconds(fast)) for _ in range(rounds)]
    ratios = [slow / quick for slow, quick in times]
    return Pair(
        reference_seconds=statistics.median(slow for slow, _ in times),
        fast_seconds=statistics.median(quick for _, quick in times),
        ratio=statistics.median(ratios),
        least=min(ratios),
        most=max(ratios),
        rounds=rounds,
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
