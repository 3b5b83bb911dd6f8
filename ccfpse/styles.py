"""Style vectors that depend on a seed and a name alone."""

import hashlib
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Style = npt.NDArray[np.float32]

_BYTES = 8  # of hash per number


def prior_style(seed: int, name: str, dim: int) -> Style:
    """A standard normal vector, (dim,), drawn by hashing `seed` and `name`.

    Hashing instead of a random generator: no library version, order or machine can change it.
    """
    stream = hashlib.shake_256(f"{seed}/{name}".encode()).digest(dim * _BYTES)
    uniform = (np.frombuffer(stream, "<u8") >> np.uint64(12)).astype(np.float64) + 0.5  # below 2^52
    inverse = NormalDist().inv_cdf
    return np.array([inverse(u / 2**52) for u in uniform], np.float32)
