"""Fréchet distance between two sets of features, from streamed sums: memory does not grow with the sets."""

import warnings

import numpy as np
import numpy.typing as npt
from pytorch_fid.fid_score import calculate_frechet_distance
from scipy.linalg import LinAlgWarning

from ccfpse.errors import DataError

Array = npt.NDArray[np.float64]
TOO_FEW = "a distance between sets of photos needs at least two photos in each"


class FeatureStatistics:
    """Mean and covariance of features that come in parts."""

    def __init__(self, n_features: int) -> None:
        self.count = 0
        self._sum: Array = np.zeros(n_features)
        self._outer: Array = np.zeros((n_features, n_features))

    def add(self, features: npt.NDArray[np.floating]) -> None:
        """Counts in some features, (N, D)."""
        wide = features.astype(np.float64)
        self.count += len(wide)
        self._sum += wide.sum(axis=0)
        self._outer += wide.T @ wide

    @property
    def mean(self) -> Array:
        """Means, (D)."""
        return self._sum / self.count

    @property
    def covariance(self) -> Array:
        """Unbiased covariance, (D, D)."""
        mean = self.mean
        covariance: Array = (self._outer - self.count * np.outer(mean, mean)) / (self.count - 1)
        return covariance


def frechet_distance(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """``|mean_a - mean_b|² + tr(cov_a + cov_b - 2 (cov_a cov_b)^½)``, by pytorch-fid's own code.

    Raises:
        DataError: fewer than two photos have no covariance.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6.
    """
    if min(a.count, b.count) < 2:
        raise DataError(TOO_FEW)
    with warnings.catch_warnings():
        # Fewer photos than features make the product singular, which that code is prepared for; and it
        # calls SciPy in a way that will be gone in 1.18, which the requirements exclude.
        warnings.simplefilter("ignore", LinAlgWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        return float(calculate_frechet_distance(a.mean, a.covariance, b.mean, b.covariance))
