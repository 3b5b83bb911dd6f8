"""Style vectors: drawn from a seed and a name alone, and ways between two of them.

Styles are (style_dim,) float32. Those of the prior are standard normal; its mean is the zero vector.
"""

import dataclasses
import hashlib
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ccfpse.errors import SettingsError

Style = npt.NDArray[np.float32]

_BYTES = 8  # of hash per number
_OPPOSITE = 1e-6  # of the lengths on the way: what a straight way may come down to through rounding


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class NamedStyle:
    """One style for all layouts, and what it is called in a picture's recipe."""

    text: str
    """Where it comes from, such as `photo beach.jpg`."""
    vector: Style
    """(style_dim,)."""


def prior_style(seed: int, name: str, dim: int) -> Style:
    """A standard normal vector, (dim,), drawn by hashing `seed` and `name`.

    Hashing instead of a random generator: no library version, order or machine can change it.
    """
    stream = hashlib.shake_256(f"{seed}/{name}".encode()).digest(dim * _BYTES)
    uniform = (np.frombuffer(stream, "<u8") >> np.uint64(12)).astype(np.float64) + 0.5  # below 2^52
    inverse = NormalDist().inv_cdf
    return np.array([inverse(u / 2**52) for u in uniform], np.float32)


def interpolated(a: Style, b: Style, share: float) -> Style:
    """The style that is `share` of the way from `a` to `b`.

    ``u = (1 - share)·a + share·b``, made as long as ``(1 - share)·|a| + share·|b|``.

    Vectors of a standard normal in many dimensions are almost all of one length, √dim, and the middle of the
    straight way between two of them is as short as next to none is: the network has hardly seen any like it.
    Here all of the way between two styles of the prior has their length. Towards the mean, the zero vector,
    it is the straight way, with no threshold between the two cases. Where the straight way passes through
    zero, between opposite vectors, that point is the mean.

    >>> a, b = prior_style(5, "a", 256), prior_style(6, "a", 256)
    >>> [round(float(np.linalg.norm(style))) for style in (a, b, interpolated(a, b, 0.5), (a + b) / 2)]
    [16, 16, 16, 11]

    Args:
        a: (dim,).
        b: (dim,).
        share: 0 is `a`, 1 is `b`, both to the last bit.

    Returns:
        (dim,), float32.

    Raises:
        SettingsError: the share is not between 0 and 1, or the vectors are not of one length.

    Source: on straight and spherical ways White 2016, arXiv:1609.04468; the length as here is ours.
    """
    if not 0 <= share <= 1:
        raise SettingsError(f"the share between two styles is {share}; it must be from 0 to 1")
    if a.ndim != 1 or a.shape != b.shape:
        raise SettingsError(f"styles of the shapes {a.shape} and {b.shape} have nothing between them")
    if share in (0, 1):
        return (b if share else a).astype(np.float32)
    first, second = a.astype(np.float64), b.astype(np.float64)
    straight = (1 - share) * first + share * second
    length = (1 - share) * np.linalg.norm(first) + share * np.linalg.norm(second)
    found = np.linalg.norm(straight)
    if found <= _OPPOSITE * length:
        return np.zeros_like(a, np.float32)
    between: Style = (straight * (length / found)).astype(np.float32)
    return between
