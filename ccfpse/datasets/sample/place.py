"""Where a scene happens: the plan of the street, the camera's stand and the light, all drawn at random.

The range of cameras is deliberately wide (looking up, down, along, across, from the carriageway or a window):
otherwise every scene would have its road at the bottom and its sky on top, and a layout would say little.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.geometry import Floats, cross, unit


class Side(Enum):
    """What stands along one side of a street."""

    HOUSES = "houses"
    GARDENS = "gardens"
    PARK = "park"


@dataclass(frozen=True, slots=True)
class Street:
    """A straight street along y, its middle at x = 0; lengths in metres."""

    half_width: float
    """From the middle to the kerb."""
    median: float
    """Half the width of a planted strip in the middle, or 0."""
    walks: tuple[float, float]
    """Widths of the pavements, left and right."""
    yards: tuple[float, float]
    """Ground between pavement and house fronts, left and right."""
    sides: tuple[Side, Side]
    crossings: tuple[tuple[float, float], ...]
    """Side streets: y of the middle and half the width of the carriageway."""
    crossing_walk: float
    """Width of the pavements of side streets."""
    texture_seed: int

    def front(self, side: int) -> float:
        """Distance of the house fronts on side 0 (left) or 1 (right) from the middle."""
        return self.half_width + self.walks[side] + self.yards[side]

    def is_free(self, start: float, stop: float) -> bool:
        """Whether the stretch from y = start to stop lies between side streets and their pavements."""
        return all(
            stop < y - w - self.crossing_walk or start > y + w + self.crossing_walk for y, w in self.crossings
        )


@dataclass(frozen=True, slots=True)
class Light:
    """Sun and sky; strengths are linear factors on the colours of surfaces."""

    toward_sun: Floats
    sun: Floats
    """(3,) colour of direct light; small under clouds."""
    sky: Floats
    """(3,) colour of light from all over the sky."""
    cloud_cover: float
    """0 for a clear sky, 1 for a closed one."""
    haze_per_m: float


def draw_street(rng: np.random.Generator) -> Street:
    """A street between a narrow lane and an avenue, with houses, gardens or parks along it."""
    kind = rng.choice(4, p=[0.22, 0.4, 0.18, 0.2])  # lane, street, avenue, open place
    low, high = [(1.9, 3.0), (3.4, 5.5), (6.5, 9.0), (3.0, 6.0)][kind]
    half_width = float(rng.uniform(low, high))
    park = [0.12, 0.28, 0.35, 0.85][kind]
    sides = [
        Side.PARK if rng.random() < park else (Side.GARDENS if rng.random() < 0.3 else Side.HOUSES)
        for _ in "lr"
    ]
    walks = rng.uniform([0.9, 1.6, 2.5, 1.6][kind], [1.6, 4.0, 6.0, 5.0][kind], size=2)
    yards = [float(rng.uniform(2.5, 6)) if s is Side.GARDENS else 0.0 for s in sides]
    crossings = []
    y = float(rng.uniform(-25, 15))
    while y < 110:
        crossings.append((y, float(rng.uniform(2.6, 4.5))))
        y += float(rng.uniform(30, 70))
    return Street(
        half_width=half_width,
        median=float(rng.uniform(0.7, 2.0)) if half_width > 6.5 and rng.random() < 0.6 else 0.0,
        walks=(float(walks[0]), float(walks[1])),
        yards=(yards[0], yards[1]),
        sides=(sides[0], sides[1]),
        crossings=tuple(crossings),
        crossing_walk=float(rng.uniform(1.5, 2.6)),
        texture_seed=int(rng.integers(1 << 20)),
    )


def draw_camera(rng: np.random.Generator, street: Street, size: tuple[int, int]) -> Camera:
    """A stand and a direction: at the wheel, on foot, at a window, on a bus or with the head thrown back."""
    kind = rng.choice(5, p=[0.24, 0.24, 0.2, 0.16, 0.16])
    side = int(rng.integers(2))
    outward = 1 if side else -1
    edge = street.half_width
    yaw_sign = 1 if rng.random() < 0.5 else -1
    if kind == 0:  # at the wheel
        x = outward * edge * rng.uniform(0.15, 0.75)
        height, yaw, pitch = rng.uniform(1.2, 2.4), rng.normal(0, 16), rng.normal(-2, 7)
    elif kind == 1:  # on foot, looking along the street or across it
        x = outward * (edge + street.walks[side] * rng.uniform(0.2, 0.85))
        height, yaw, pitch = rng.uniform(1.4, 1.8), -outward * rng.uniform(-20, 95), rng.normal(-6, 10)
    elif kind == 2:  # at a window
        x = outward * (street.front(side) - 0.3)
        height, yaw, pitch = rng.uniform(3.5, 10), -outward * rng.uniform(15, 105), rng.uniform(-48, -12)
    elif kind == 3:  # from the upper deck of a bus
        x = outward * edge * rng.uniform(0.1, 0.8)
        height, yaw, pitch = rng.uniform(2.8, 4.5), yaw_sign * rng.uniform(0, 75), rng.uniform(-36, -8)
    else:  # looking up
        x = rng.uniform(-edge - street.walks[0] * 0.7, edge + street.walks[1] * 0.7)
        height, yaw, pitch = rng.uniform(1.3, 2.2), rng.uniform(-90, 90), rng.uniform(6, 30)
    roll = rng.normal(0, 3) if rng.random() < 0.85 else rng.normal(0, 11)
    y, p, r = np.deg2rad([yaw, pitch, roll])
    ahead = np.array([np.sin(y) * np.cos(p), np.cos(y) * np.cos(p), np.sin(p)], dtype=np.float32)
    level = np.array([np.cos(y), -np.sin(y), 0], dtype=np.float32)
    above = cross(level, ahead)
    field = np.deg2rad(rng.uniform(52, 88))
    return Camera(
        position=np.array([x, 0, height], dtype=np.float32),
        ahead=unit(ahead),
        right=unit((np.cos(r) * level + np.sin(r) * above).astype(np.float32)),
        up=unit((np.cos(r) * above - np.sin(r) * level).astype(np.float32)),
        focal_px=float(size[1] / 2 / np.tan(field / 2)),
        size=size,
    )


def draw_light(rng: np.random.Generator, camera: Camera) -> Light:
    """Daylight with the sun behind the photographer's left shoulder, as the old rule for snapshots has it.

    The rule keeps lit sides, shaded sides and shadows predictable from the layout.
    """
    azimuth = np.arctan2(camera.ahead[0], camera.ahead[1]) - np.deg2rad(rng.uniform(95, 160))
    elevation = np.deg2rad(rng.uniform(33, 55))
    toward = [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)]
    cover = float(rng.beta(1.2, 2.2))
    clear = 1 - 0.75 * max(cover - 0.45, 0) / 0.55
    warmth = rng.uniform(-0.05, 0.05)
    return Light(
        toward_sun=np.array(toward, dtype=np.float32),
        sun=np.array([1.08 + warmth, 1.0, 0.86 - warmth], dtype=np.float32) * np.float32(1.05 * clear),
        sky=np.array([0.40, 0.46, 0.56], dtype=np.float32) * np.float32(1.35 - 0.45 * clear),
        cloud_cover=cover,
        haze_per_m=float(rng.uniform(0.0015, 0.004)),
    )
