"""Noise patterns shared by all scenes, made once per process from a fixed seed."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample.geometry import Floats

SIDE = 512
"""Side of the square patterns, which repeat seamlessly; a power of two."""
FOLIAGE_PX = (1.5, 3.0, 6.0, 12.0)
"""Sizes of the leaf clumps that are kept ready."""


@cache
def cloudy(roughness: float, seed: int) -> Floats:
    """A pattern of mean 0 and deviation 1 whose amplitude falls as frequency^-roughness."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    frequency[0, 0] = np.inf
    pattern = np.fft.irfft2(spectrum * frequency**-roughness, s=(SIDE, SIDE))
    return np.asarray(pattern / pattern.std(), dtype=np.float32)


@cache
def _foliage(level: int) -> Floats:
    rng = np.random.default_rng(100 + level)
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    soft = np.exp(-((frequency * FOLIAGE_PX[level]) ** 2))
    pattern = np.fft.irfft2(spectrum * soft, s=(SIDE, SIDE))
    ranks = pattern.ravel().argsort().argsort().reshape(pattern.shape)
    return np.tile(np.asarray(ranks / pattern.size, dtype=np.float32), (2, 3))


def foliage_noise(radius_px: float, row: int, column: int, shape: tuple[int, ...]) -> Floats:
    """A cut-out, evenly spread over 0..1, with clumps that suit a crown of this radius."""
    level = int(np.searchsorted(FOLIAGE_PX[1:], radius_px * 0.12))
    row, column = row % SIDE, column % SIDE
    return _foliage(level)[row : row + shape[0], column : column + shape[1]]


@cache
def speckle(n: int, seed: int) -> Floats:
    """Independent numbers, (n,), of mean 0 and deviation 1."""
    return np.random.default_rng(seed).standard_normal(n, dtype=np.float32)


def sample_pattern(pattern: Floats, x: Floats, y: Floats) -> Floats:
    """The pattern's value at texel coordinates, wrapped around, nearest texel."""
    column = np.floor(x).astype(np.int32) & (SIDE - 1)
    row = np.floor(y).astype(np.int32) & (SIDE - 1)
    return pattern.ravel().take(row * SIDE + column)


def chance(*keys: NDArray[np.int32] | NDArray[np.float32]) -> Floats:
    """Numbers evenly spread over 0..1 that depend on whole-number keys only."""
    mixed = np.zeros(np.broadcast_shapes(*(k.shape for k in keys)), dtype=np.uint32)
    for key in keys:
        mixed = (mixed ^ np.asarray(key, dtype=np.int32).astype(np.uint32)) * np.uint32(0x9E3779B1)
        mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x85EBCA6B)
    return np.asarray((mixed >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24))
