"""Whether two runs differ: the same photos drawn again from both, and what the difference then is."""

import dataclasses
import zipfile
import zlib

import numpy as np
import numpy.typing as npt

from ccfpse.errors import DataError
from ccfpse.evaluation.intervals import Interval, around, percentiles, standard_error
from ccfpse.evaluation.metrics import Drawn
from ccfpse.evaluation.outputs import DRAWN, read_drawn
from ccfpse.report.evaluation import AGAIN, Evaluation
from ccfpse.report.naming import Run

SCORES = ("miou", "accuracy", "boundary_agreement")
"""Scores that evaluations keep resamples of, where they have them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Of one figure, from the first run."""

    value: float
    interval: Interval | None
    """95 %; None: too few photos."""

    @property
    def is_shown(self) -> bool:
        """Whether the interval excludes 0: only then are two models called different."""
        return self.interval is not None and self.interval.excludes_zero

    @property
    def verdict(self) -> str:
        """In words."""
        if self.interval is None or not self.interval.excludes_zero:
            return "no difference shown"
        return "higher" if self.interval.low > 0 else "lower"


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """A run beside the first."""

    run: Run
    reason: str | None
    """Why nothing is compared; None: something is."""
    differences: dict[str, Difference]
    """By figure, of those that both have."""
    reasons: dict[str, str]
    """Why a figure that both have is not compared."""


def compare(first: Run, other: Run) -> Comparison:
    """Differences of `other` from `first`.

    Scores: percentiles over resamples of the photos, the same for both. Distances: normal, from subsets of
    the photos, the same for both.

    Raises:
        DataError: resamples are missing or damaged.
    """
    a, b = first.evaluation, other.evaluation
    drawn_a, photos_a = _drawn(a)
    drawn_b, photos_b = _drawn(b)
    if (reason := _why_not(a, b, photos_a, photos_b)) is not None:
        return Comparison(other, reason, {}, {})
    differences = {}
    reasons = {}
    for name in SCORES:
        values = a.scores[name].synthesized.value, b.scores[name].synthesized.value
        resamples = _paired(drawn_b.scores, drawn_a.scores, name, b)
        if values[0] is not None and values[1] is not None:
            interval = None if resamples is None else percentiles(resamples)
            differences[name] = Difference(values[1] - values[0], interval)
    for name in a.distances.keys() & b.distances.keys():
        values = a.distances[name].value, b.distances[name].value
        if values[0] is None or values[1] is None:
            continue
        if any(a.record(name).get(key) != b.record(name).get(key) for key in ("network", "reference_sha256")):
            reasons[name] = "measured by another network, or to other photos"
            continue
        subsets = _paired(drawn_b.distances, drawn_a.distances, name, b)
        value = values[1] - values[0]
        error = None if subsets is None else standard_error(subsets, b.photos, b.reference_photos)
        differences[name] = Difference(value, None if error is None else around(value, error))
    return Comparison(other, None, differences, reasons)


def _why_not(a: Evaluation, b: Evaluation, photos_a: str, photos_b: str) -> str | None:
    if photos_a.split()[0] != photos_b.split()[0]:
        return f"its photos are of other validation data ({b.dataset}, {b.photos} photos)"
    if a.protocol != b.protocol:
        return f"its photos were read by another protocol ({b.protocol})"
    if photos_a != photos_b:
        return "its photos were held against label maps of another store"
    if a.record("miou").get("network") != b.record("miou").get("network"):
        return "its photos were read by another network under the same protocol"
    return None


def _drawn(evaluation: Evaluation) -> tuple[Drawn, str]:
    path = evaluation.folder / DRAWN
    try:
        drawn, photos = read_drawn(path)
        if not photos.split():
            raise ValueError("it does not say of which photos")
    except (
        *(OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError),
        *(zipfile.BadZipFile, zlib.error),
    ) as error:
        raise DataError(f"{path}: is missing or damaged ({error}); {AGAIN}") from error
    return drawn, photos


def _paired(
    b: dict[str, npt.NDArray[np.float64]], a: dict[str, npt.NDArray[np.float64]], name: str, of: Evaluation
) -> npt.NDArray[np.float64] | None:
    """Differences draw by draw; None: one has none."""
    if name not in a or name not in b:
        return None
    if a[name].shape != b[name].shape:
        raise DataError(
            f"{of.folder / DRAWN}: has {b[name].size} draws of {name}, the first run {a[name].size}; {AGAIN}"
        )
    return b[name] - a[name]
