"""The sky: a gradient, a bright side towards the sun, and clouds."""

import numpy as np

from ccfpse.datasets.sample.geometry import Floats, dot
from ccfpse.datasets.sample.place import Light
from ccfpse.datasets.sample.textures import cloudy, sample_pattern

ZENITH = np.array([[0.33, 0.54, 0.84]], dtype=np.float32).T
HORIZON = np.array([[0.78, 0.86, 0.93]], dtype=np.float32).T
CLOUD = np.array([[0.95, 0.95, 0.96]], dtype=np.float32).T
CLOUD_BASE = np.array([[0.72, 0.75, 0.80]], dtype=np.float32).T


def sky_colors(rays: Floats, light: Light, drift: float) -> Floats:
    """Colours (3, n) of directions (3, n) above the horizon; `drift` shifts the clouds."""
    rise = rays[2] / np.sqrt(dot(rays, rays))
    color = HORIZON + (ZENITH - HORIZON) * np.sqrt(np.clip(rise, 0, 1))
    spread = 30 / (np.maximum(rise, 0.02) + np.float32(0.12)) / np.sqrt(dot(rays, rays))
    shape = _smooth(rays[0] * spread + drift, rays[1] * spread)
    threshold = 1.3 - 2.6 * light.cloud_cover
    cover = np.clip((shape - threshold) * 0.9, 0, 1) * np.clip(rise * 6, 0, 1) * np.float32(0.92)
    thick = np.clip((shape - threshold - 0.6) * 0.5, 0, 1)
    cloud = CLOUD + (CLOUD_BASE - CLOUD) * thick
    return np.asarray(color + (cloud - color) * cover, dtype=np.float32)


def _smooth(x: Floats, y: Floats) -> Floats:
    """The cloud pattern between its texels, which would show as blocks."""
    pattern = cloudy(1.7, 5)
    column, row = np.floor(x), np.floor(y)
    u, v = x - column, y - row
    upper = sample_pattern(pattern, column, row) * (1 - u) + sample_pattern(pattern, column + 1, row) * u
    lower = (
        sample_pattern(pattern, column, row + 1) * (1 - u) + sample_pattern(pattern, column + 1, row + 1) * u
    )
    return np.asarray(upper * (1 - v) + lower * v, dtype=np.float32)
