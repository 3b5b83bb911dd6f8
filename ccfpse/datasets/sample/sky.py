"""The sky: a gradient, a bright side towards the sun, and clouds."""

import numpy as np

from ccfpse.datasets.sample.geometry import Floats
from ccfpse.datasets.sample.place import Light
from ccfpse.datasets.sample.textures import cloudy, sample_pattern

ZENITH = np.array([0.33, 0.54, 0.84], dtype=np.float32)
HORIZON = np.array([0.78, 0.86, 0.93], dtype=np.float32)
CLOUD = np.array([0.95, 0.95, 0.96], dtype=np.float32)
CLOUD_BASE = np.array([0.72, 0.75, 0.80], dtype=np.float32)


def sky_colors(rays: Floats, light: Light, drift: float) -> Floats:
    """Colours (n, 3) of directions (n, 3) above the horizon; `drift` shifts the clouds."""
    rise = rays[:, 2] / np.sqrt(np.einsum("ni,ni->n", rays, rays))
    height = np.sqrt(np.clip(rise, 0, 1))[:, None]
    color = HORIZON + (ZENITH - HORIZON) * height
    plane = rays[:, :2] / (np.maximum(rise, 0.02) + 0.12)[:, None]
    x, y = plane[:, 0] * 30 + drift, plane[:, 1] * 30
    shape = _smooth(x, y)
    threshold = 1.3 - 2.6 * light.cloud_cover
    cover = np.clip((shape - threshold) * 0.9, 0, 1) * np.clip(rise * 6, 0, 1)
    thick = np.clip((shape - threshold - 0.6) * 0.5, 0, 1)[:, None]
    cloud = CLOUD + (CLOUD_BASE - CLOUD) * thick
    return np.asarray(color + (cloud - color) * (cover * 0.92)[:, None], dtype=np.float32)


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
