import numpy as np
import pytest

from ccfpse.errors import DataError
from ccfpse.evaluation.statistics import FeatureStatistics, frechet_distance


def statistics(features: np.ndarray, parts: int = 1) -> FeatureStatistics:
    found = FeatureStatistics(features.shape[1])
    for part in np.array_split(features, parts):
        found.add(part)
    return found


@pytest.fixture
def features() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) + 3


def test_streamed_statistics_equal_numpys(features: np.ndarray) -> None:
    found = statistics(features.astype(np.float32), parts=7)
    np.testing.assert_allclose(found.mean, features.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.covariance, np.cov(features, rowvar=False), rtol=1e-5, atol=1e-6)


def test_the_distance_of_a_set_to_itself_is_nothing(features: np.ndarray) -> None:
    assert frechet_distance(statistics(features), statistics(features[::-1], 3)) == pytest.approx(0, abs=1e-6)


def test_the_distance_of_a_shifted_set_is_the_squared_shift(features: np.ndarray) -> None:
    shift = np.array([1.0, -2, 0, 0, 3, 0])
    distance = frechet_distance(statistics(features), statistics(features + shift))
    assert distance == pytest.approx(14, rel=1e-6)


def test_the_distance_of_stretched_axes_is_the_squared_difference_of_spreads() -> None:
    x = np.random.default_rng(0).normal(size=(1000, 2))
    x -= x.mean(axis=0)
    expected = (2 * x.std(axis=0, ddof=1)) ** 2
    assert frechet_distance(statistics(x), statistics(3 * x)) == pytest.approx(expected.sum(), rel=1e-6)


def test_fewer_photos_than_features_still_have_a_distance() -> None:
    rng = np.random.default_rng(0)
    few = rng.normal(size=(5, 40))
    distance = frechet_distance(statistics(few), statistics(few + 1))
    assert distance == pytest.approx(40, abs=0.5)  # the roots of a singular product are not exact


def test_a_single_photo_has_no_distance(features: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least two"):
        frechet_distance(statistics(features[:1]), statistics(features))
