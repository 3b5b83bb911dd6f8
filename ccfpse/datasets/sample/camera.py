"""A pinhole camera and the piece of ground that it shows."""

import math
from dataclasses import dataclass

import numpy as np

from ccfpse.datasets.sample.geometry import Floats


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera; `ahead`, `right` and `up` are its unit axes in the world."""

    position: Floats
    ahead: Floats
    right: Floats
    up: Floats
    focal_px: float
    size: tuple[int, int]

    def plane_coordinates(self) -> tuple[Floats, Floats]:
        """Columns (W,) and rows (H,) as slopes to the right and upwards, pixel centres."""
        H, W = self.size
        columns = (np.arange(W, dtype=np.float32) + 0.5 - W / 2) / self.focal_px
        rows = (H / 2 - 0.5 - np.arange(H, dtype=np.float32)) / self.focal_px
        return columns.astype(np.float32), rows.astype(np.float32)

    def rays(self) -> Floats:
        """Directions (3, H, W) that advance one metre along `ahead`."""
        columns, rows = self.plane_coordinates()
        ahead, right, up = (v[:, None, None] for v in (self.ahead, self.right, self.up))
        return np.asarray((ahead + rows[:, None] * up) + columns * right, dtype=np.float32)

    def sector(self) -> "Sector":
        """The piece of ground over which things can appear in the picture."""
        H, W = self.size
        middle = math.atan2(float(self.ahead[0]), float(self.ahead[1]))
        spread, far = 0.0, 0.0
        for column in (-0.5, 0.0, 0.5):
            for row in (-0.5, 0.5):
                ray = self.ahead + (self.right * (column * W) + self.up * (row * H)) / self.focal_px
                level = math.hypot(float(ray[0]), float(ray[1]))
                spread = max(spread, _angle_between(math.atan2(float(ray[0]), float(ray[1])), middle))
                down = -float(ray[2])
                far = max(far, float(self.position[2]) * level / down if down > 1e-3 else math.inf)
        return Sector(float(self.position[0]), float(self.position[1]), middle, spread, far)


@dataclass(frozen=True, slots=True)
class Sector:
    """A sector of a circle on the ground."""

    x: float
    y: float
    middle: float
    """Direction of its middle, clockwise from the y axis, in radians."""
    spread: float
    """Half its angle."""
    far: float
    """Its radius: rays beyond it have met the ground. Infinite where the horizon is in view."""

    def touches(self, x: float, y: float, reach: float) -> bool:
        """Whether a disc of the radius `reach` around a ground point has a part in the sector."""
        dx, dy = x - self.x, y - self.y
        distance = math.hypot(dx, dy)
        if distance < reach + 1:
            return True
        if distance - reach > self.far:
            return False
        return _angle_between(math.atan2(dx, dy), self.middle) < self.spread + math.asin(reach / distance)


def _angle_between(a: float, b: float) -> float:
    return abs((a - b + math.pi) % (2 * math.pi) - math.pi)
