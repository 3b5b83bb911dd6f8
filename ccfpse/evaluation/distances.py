"""Distances between two sets of features: of all photos, and of subsets for an interval.

The Fréchet distance of all photos is pytorch-fid's (`statistics`). Here are the kernel distance, and
both for small subsets, where products of photos with photos are cheaper than of features with features.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ccfpse.errors import DataError
from ccfpse.evaluation.records import Records
from ccfpse.evaluation.statistics import TOO_FEW

Array = npt.NDArray[Any]
_BLOCK = 512  # photos whose features are in memory at a time


def frechet_of_few(a: Array, b: Array) -> float:
    """Fréchet distance between two small sets of features, (M, D) and (N, D).

    ``tr (cov_a cov_b)^½`` is the sum of the singular values of the centred sets' products, photo by
    photo: exact, and without the D x D root that takes a minute at D = 2048.
    """
    if min(len(a), len(b)) < 2:
        raise DataError(TOO_FEW)
    means = a.mean(axis=0) - b.mean(axis=0)
    a, b = _centred(a), _centred(b)
    root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(means @ means + np.vdot(a, a) + np.vdot(b, b) - 2 * root)


def kernel_distance(a: Array, b: Array) -> float:
    """`streamed_kernel_distance` between two small sets of features, (M, D) and (N, D)."""
    m, n = len(a), len(b)
    if min(m, n) < 2:
        raise DataError(TOO_FEW)
    own_a, own_b = _kernel(a, a), _kernel(b, b)
    within_a = (own_a.sum(dtype=np.float64) - np.trace(own_a, dtype=np.float64)) / (m * (m - 1))
    within_b = (own_b.sum(dtype=np.float64) - np.trace(own_b, dtype=np.float64)) / (n * (n - 1))
    return float(within_a + within_b - 2 * _kernel(a, b).mean(dtype=np.float64))


def streamed_kernel_distance(a: tuple[Records, str], b: tuple[Records, str]) -> float:
    """Kernel distance (KID) between two columns of features; memory does not grow with them.

    The unbiased estimate of the squared maximum mean discrepancy with the kernel ``(x·y / D + 1)³``, of
    all photos at once: what the mean over random subsets, which is usually given, estimates too.

    Source: Bińkowski et al. 2018, arXiv:1801.01401, section 3.
    """
    m, n = a[0].n, b[0].n
    within = _pair_sum(a, a) / (m * (m - 1)) + _pair_sum(b, b) / (n * (n - 1))
    return within - 2 * _pair_sum(a, b) / (m * n)


def _centred(rows: Array) -> Array:
    """Such that the covariance is their product with themselves."""
    centred: Array = rows - rows.mean(axis=0)
    centred /= np.sqrt(len(rows) - 1)
    return centred


def _pair_sum(a: tuple[Records, str], b: tuple[Records, str]) -> float:
    """Sum of the kernel over all pairs, of a photo with itself left out."""
    total = 0.0
    for rows_start, rows in _blocks(*a):
        # The kernel is symmetric: of a column with itself, pairs beyond the diagonal count twice.
        for others_start, others in _blocks(*b, first=rows_start if a == b else 0):
            kernel = _kernel(rows, others)
            part = float(kernel.sum(dtype=np.float64))
            if a == b and others_start == rows_start:
                total += part - float(np.trace(kernel, dtype=np.float64))
            else:
                total += 2 * part if a == b else part
    return total


def _blocks(records: Records, name: str, first: int = 0) -> Iterator[tuple[int, Array]]:
    """Parts of a column from row `first` on, each with its first row's number."""
    for start in range(first, records.n, _BLOCK):
        yield start, records.rows(name, range(start, min(start + _BLOCK, records.n)))


def _kernel(a: Array, b: Array) -> Array:
    kernel: Array = (a @ b.T / a.shape[1] + 1) ** 3
    return kernel
