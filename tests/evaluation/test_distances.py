from pathlib import Path

import numpy as np
import pytest

from ccfpse.errors import DataError
from ccfpse.evaluation.distances import frechet_of_few, kernel_distance, streamed_kernel_distance
from ccfpse.evaluation.records import Records
from ccfpse.evaluation.statistics import FeatureStatistics, frechet_distance


def features(n: int, d: int = 6, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ np.random.default_rng(9).normal(size=(d, d)) + shift


def recorded(folder: Path, rows: np.ndarray) -> tuple[Records, str]:
    records = Records(folder, len(rows))
    for part in records.missing():
        records.write(part, {"features": rows[part.start : part.stop]})
    return records, "features"


def test_the_distance_of_small_sets_is_that_of_their_statistics() -> None:
    a, b = features(60), features(50, shift=0.7, seed=1)
    of_all = []
    for rows in (a, b):
        statistics = FeatureStatistics(rows.shape[1])
        statistics.add(rows)
        of_all.append(statistics)
    assert frechet_of_few(a, b) == pytest.approx(frechet_distance(*of_all), rel=1e-8)


def test_fewer_photos_than_features_need_no_root_of_a_singular_matrix() -> None:
    a = features(5, d=40)
    assert frechet_of_few(a, a) == pytest.approx(0, abs=1e-8)
    assert frechet_of_few(a, a + 1) == pytest.approx(40, rel=1e-8)


def test_the_kernel_distance_is_the_formula_written_out() -> None:
    a, b = features(7), features(9, shift=0.3, seed=1)

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((sum(p * q for p, q in zip(x, y, strict=True)) / len(x) + 1) ** 3)

    within = [
        sum(kernel(x, y) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j)
        / (len(rows) * (len(rows) - 1))
        for rows in (a, b)
    ]
    between = sum(kernel(x, y) for x in a for y in b) / (len(a) * len(b))
    assert kernel_distance(a, b) == pytest.approx(sum(within) - 2 * between, rel=1e-12)


def test_the_streamed_kernel_distance_is_that_of_all_rows_at_once(tmp_path: Path) -> None:
    a, b = features(1100), features(600, shift=0.3, seed=1)  # more than one block each
    streamed = streamed_kernel_distance(recorded(tmp_path / "a", a), recorded(tmp_path / "b", b))
    assert streamed == pytest.approx(kernel_distance(a, b), rel=1e-10)


def test_the_kernel_distance_of_two_draws_of_one_kind_is_nothing_on_average() -> None:
    found = [kernel_distance(features(40, seed=i), features(40, seed=100 + i)) for i in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))


@pytest.mark.parametrize("distance", [frechet_of_few, kernel_distance])
def test_a_single_photo_has_no_distance(distance) -> None:
    with pytest.raises(DataError, match="at least two"):
        distance(features(1), features(5))
