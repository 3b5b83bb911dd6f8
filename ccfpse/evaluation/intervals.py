"""Intervals of scores and distances: what another draw of as many photos might have given."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ccfpse.evaluation.records import Records
from ccfpse.scores import Counts, Presence, Tally

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
"""Of the bootstrap."""
SUBSETS = 40
"""For distances."""
LARGEST_SUBSET = 1024
"""Photos of one set."""
_AT_ONCE = 50  # resamples whose weights are in memory
_SEED = 0
_NORMAL = 1.959964  # quantile of 0.975

BOOTSTRAP = (
    f"Interval: 95 %, percentiles of {RESAMPLES} bootstrap resamples of the photos (the same for every model "
    "of the same photos)."
)
JACKKNIFE = (
    f"Interval: 95 %, normal, its width from {SUBSETS} random subsets of half the photos, at most "
    f"{LARGEST_SUBSET} (delete-d jackknife; the same subsets for every model of the same photos). Between "
    "sets that hardly differ it is wider than it need be."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """Of a score or a distance, 95 %."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference with this interval is one."""
        return self.low > 0 or self.high < 0


def resampled_share(found: Counts, of: Counts) -> Floats:
    """A share of pixels of every resample of the photos, (RESAMPLES); 0 where none is drawn.

    Args:
        found: pixels of every photo, (N).
        of: of so many, (N).
    """
    shares = [(weights @ found) / np.maximum(weights @ of, 1) for weights in _weights(len(found))]
    return np.concatenate(shares)


def resampled(tally: Tally, presence: Presence) -> dict[str, Floats]:
    """`miou`, `accuracy` and `accuracy_void_counted` of every resample of the photos, (RESAMPLES).

    Args:
        tally: with a leading axis of photos.
        presence: of the mean IoU.
    """
    found: dict[str, list[Floats]] = {"miou": [], "accuracy": [], "accuracy_void_counted": []}
    for weights in _weights(len(tally.pixels)):
        drawn = Tally(
            weights @ tally.hits, weights @ tally.labelled, weights @ tally.predicted, weights @ tally.pixels
        )
        found["miou"].append(drawn.miou(presence))
        found["accuracy"].append(drawn.accuracy())
        found["accuracy_void_counted"].append(drawn.hits.sum(-1) / np.maximum(drawn.pixels, 1))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def percentiles(values: Floats) -> Interval:
    """The middle 95 % of resampled values."""
    low, high = np.percentile(values, [2.5, 97.5]).tolist()
    return Interval(low, high)


def subset_distances(
    a: Records, b: Records, name: str, distances: Mapping[str, Callable[[Floats, Floats], float]]
) -> dict[str, Floats]:
    """Distances between subsets of two sets of photos, each name to (SUBSETS).

    Where both sets have as many photos, those of the same layouts are drawn from both.

    Args:
        a: synthesized photos.
        b: reference photos.
        name: of the column of features.
        distances: of two small sets of features.
    """
    found: dict[str, list[float]] = {key: [] for key in distances}
    for chosen, others in _subsets(a.n, b.n):
        features = a.rows(name, chosen), b.rows(name, others)
        for key, distance in distances.items():
            found[key].append(distance(*features))
    return {key: np.array(values) for key, values in found.items()}


def standard_error(values: Floats, n: int, n_others: int) -> float:
    """Of a distance between sets of so many photos, from those between their subsets.

    Source: Shao and Wu 1989, "A general theory for jackknife variance estimation", section 2.
    """
    share = _share(n, n_others)
    return math.sqrt(share / (1 - share)) * float(np.std(values))


def around(value: float, error: float) -> Interval:
    """The normal interval of a value with a standard error."""
    return Interval(value - _NORMAL * error, value + _NORMAL * error)


def _weights(n: int) -> Iterator[Counts]:
    """How often each of n photos is in a resample, (some, n): the same for every model."""
    random = np.random.default_rng(_SEED)
    for _ in range(0, RESAMPLES, _AT_ONCE):
        yield random.multinomial(n, np.full(n, 1 / n), size=_AT_ONCE)


def _share(n: int, n_others: int) -> float:
    """Of the photos of either set that are in a subset."""
    return min(n // 2, LARGEST_SUBSET * n // max(n, n_others)) / n


def _subsets(n: int, n_others: int) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    random, share = np.random.default_rng(_SEED), _share(n, n_others)
    for _ in range(SUBSETS):
        sizes = [max(2, round(share * size)) for size in (n, n_others)]
        chosen = sorted(random.choice(n, sizes[0], replace=False).tolist())
        if n == n_others:
            yield chosen, chosen
        else:
            yield chosen, sorted(random.choice(n_others, sizes[1], replace=False).tolist())
