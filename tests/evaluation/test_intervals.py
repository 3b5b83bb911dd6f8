from pathlib import Path

import numpy as np
import pytest

from ccfpse.evaluation import intervals
from ccfpse.evaluation.distances import frechet_of_few, kernel_distance
from ccfpse.evaluation.records import Records
from ccfpse.scores import Tally


def tally(shares: np.ndarray, pixels: int = 100) -> Tally:
    """Photos of one class, of which a share is read rightly; a second class takes the rest."""
    hits = np.stack([np.round(shares * pixels), np.zeros(len(shares))], axis=1).astype(np.int64)
    labelled = np.tile([pixels, 0], (len(shares), 1))
    predicted = np.stack([hits[:, 0], pixels - hits[:, 0]], axis=1)
    return Tally(hits, labelled, predicted, np.full(len(shares), pixels))


def recorded(folder: Path, rows: np.ndarray) -> Records:
    records = Records(folder, len(rows))
    for part in records.missing():
        records.write(part, {"features": rows[part.start : part.stop]})
    return records


def test_the_bootstrap_finds_the_standard_error_of_a_mean() -> None:
    shares = np.random.default_rng(0).uniform(0.2, 0.9, 200)
    drawn = intervals.resampled(tally(shares), "labels")["accuracy"]
    assert drawn.shape == (intervals.RESAMPLES,)
    assert drawn.mean() == pytest.approx(shares.mean(), abs=0.005)
    assert drawn.std() == pytest.approx(shares.std() / np.sqrt(200), rel=0.1)
    interval = intervals.percentiles(drawn)
    assert interval.low < shares.mean() < interval.high


def test_two_models_of_the_same_photos_are_drawn_alike() -> None:
    shares = np.random.default_rng(0).uniform(0.2, 0.8, 50)
    a = intervals.resampled(tally(shares), "labels")["accuracy"]
    b = intervals.resampled(tally(shares + 0.1), "labels")["accuracy"]
    assert intervals.percentiles(b - a).low == pytest.approx(0.1, abs=1e-9)


def test_photos_that_are_alike_leave_nothing_open() -> None:
    drawn = intervals.resampled(tally(np.full(30, 0.5)), "either")
    assert np.ptp(drawn["accuracy"]) == 0
    assert drawn["miou"][0] == pytest.approx(0.25)  # 1/2 and 0 of a class that is only predicted


@pytest.mark.parametrize("distance", [frechet_of_few, kernel_distance])
def test_the_error_of_a_distance_is_that_of_new_draws(tmp_path: Path, distance) -> None:
    def draw(seed: int, shift: float = 0.0) -> np.ndarray:
        return np.random.default_rng(seed).normal(size=(200, 5)) + shift

    fresh = [distance(draw(i, shift=1.0), draw(1000 + i)) for i in range(150)]
    a, b = recorded(tmp_path / "a", draw(1, shift=1.0)), recorded(tmp_path / "b", draw(1001))
    subsets = intervals.subset_distances(a, b, "features", {"d": distance})["d"]
    assert len(subsets) == intervals.SUBSETS >= 20
    assert intervals.standard_error(subsets, 200, 200) == pytest.approx(np.std(fresh), rel=0.4)


def test_the_error_is_that_of_new_draws_where_the_sets_have_different_sizes(tmp_path: Path) -> None:
    def draw(seed: int, n: int, shift: float = 0.0) -> np.ndarray:
        return np.random.default_rng(seed).normal(size=(n, 5)) + shift

    fresh = [frechet_of_few(draw(i, 60, shift=1.0), draw(1000 + i, 360)) for i in range(150)]
    a, b = recorded(tmp_path / "a", draw(1, 60, shift=1.0)), recorded(tmp_path / "b", draw(1001, 360))
    subsets = intervals.subset_distances(a, b, "features", {"d": frechet_of_few})["d"]
    assert intervals.standard_error(subsets, 60, 360) == pytest.approx(np.std(fresh), rel=0.4)


def test_between_sets_of_one_kind_the_error_is_not_too_small(tmp_path: Path) -> None:
    def draw(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).normal(size=(200, 5))

    fresh = [frechet_of_few(draw(i), draw(1000 + i)) for i in range(150)]
    a, b = recorded(tmp_path / "a", draw(1)), recorded(tmp_path / "b", draw(1001))
    subsets = intervals.subset_distances(a, b, "features", {"d": frechet_of_few})["d"]
    error = intervals.standard_error(subsets, 200, 200)
    assert 0.8 * np.std(fresh) < error < 3 * np.std(fresh)


def test_a_difference_is_one_where_its_interval_excludes_zero() -> None:
    assert intervals.around(1.0, 0.4).excludes_zero
    assert intervals.around(-1.0, 0.4).excludes_zero
    assert not intervals.around(1.0, 0.6).excludes_zero
