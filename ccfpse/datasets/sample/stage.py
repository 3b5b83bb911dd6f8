"""A scene while it is being furnished."""

from dataclasses import dataclass, field

import numpy as np

from ccfpse.datasets.sample.camera import Camera, Sector
from ccfpse.datasets.sample.geometry import Floats, Geometry
from ccfpse.datasets.sample.place import Street

FAR_M = 35.0
"""Beyond this, small parts are left out."""
START_M, END_M = -45.0, 125.0
"""The street's stretch along y; the camera stands near y = 0."""


@dataclass(slots=True)
class Stage:
    """A street, the camera in it, and what has been put there so far."""

    street: Street
    camera: Camera
    rng: np.random.Generator
    shapes: Geometry = field(default_factory=Geometry)
    sector: Sector = field(init=False)
    footprints: list[Floats] = field(default_factory=list)
    """Ground that stands under something, each (n, 2): light is scarce beside it."""

    occupied: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Rectangles of ground that are taken: middles and half their sides."""

    def __post_init__(self) -> None:
        self.sector = self.camera.sector()

    def matters(self, x: float, y: float, size: float, height: float) -> bool:
        """Whether something at a place may be seen, or its shadow, no longer than 1.6 times its height."""
        return self.sector.touches(x, y, size) or self.distance(x, y) < size + 1.6 * height

    def distance(self, x: float, y: float) -> float:
        """From the camera, over ground."""
        return float(np.hypot(x - self.camera.position[0], y - self.camera.position[1]))

    def occupy(self, x: float, y: float, half_x: float, half_y: float) -> bool:
        """Takes a rectangle of ground for something; False if some of it is taken."""
        is_free = all(abs(x - a) >= half_x + w or abs(y - b) >= half_y + d for a, b, w, d in self.occupied)
        if is_free:
            self.occupied.append((x, y, half_x, half_y))
        return is_free

    def crown_balls(self, x: float, y: float) -> int:
        """How many balls of leaves a tree needs at a place."""
        distance = self.distance(x, y)
        return 7 if distance < 18 else 5 if distance < FAR_M else 3

    def ahead_of_camera(self, near: float, far: float) -> tuple[float, float]:
        """A random point of the ground towards which the camera looks."""
        view = np.arctan2(self.camera.ahead[0], self.camera.ahead[1])
        half_field = np.arctan(self.camera.size[1] / 2 / self.camera.focal_px)
        angle = view + self.rng.uniform(-0.85, 0.85) * half_field
        reach = self.rng.uniform(near, far)
        x, y = self.camera.position[:2]
        return float(x + reach * np.sin(angle)), float(y + reach * np.cos(angle))
