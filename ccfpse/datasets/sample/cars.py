"""Cars: a hull over a side profile, a cabin of glass, wheels, lights and plates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ccfpse.datasets.sample.geometry import Color, Floats, Geometry, Material, Skin

Corner = tuple[float, float, float]

CAR = 26
PAINTS: tuple[Color, ...] = (
    (0.72, 0.10, 0.10),
    (0.12, 0.25, 0.62),
    (0.86, 0.87, 0.88),
    (0.60, 0.63, 0.66),
    (0.13, 0.14, 0.16),
    (0.10, 0.42, 0.36),
    (0.88, 0.66, 0.12),
    (0.30, 0.52, 0.76),
    (0.52, 0.10, 0.18),
    (0.90, 0.42, 0.12),
)
SILL_M = 0.24
"""Height of a hull's lower edge."""
CHIN_M = 0.46
"""Height of the foremost edge, the top of the bumper."""


@dataclass(frozen=True, slots=True)
class CarShape:
    """Measures of a car, in metres."""

    length: float
    width: float
    height: float
    belt: float
    """Height of the lower edge of the windows."""
    bonnet: float
    """Length of the bonnet."""
    boot: float
    """Length of the deck behind the rear window; small for hatchbacks."""
    wheel: float
    """Radius of the wheels."""


@dataclass(frozen=True, slots=True)
class Car:
    """A car and where it stands."""

    shape: CarShape
    x: float
    y: float
    heading: float
    """Angle of its nose from the y axis, anticlockwise, in radians."""
    color: Color
    instance: int
    """Cityscapes instance value."""


def draw_car_shape(rng: np.random.Generator) -> CarShape:
    """A saloon, a hatchback, an off-roader or a van, and none quite like another."""
    kind = rng.choice(4, p=[0.35, 0.35, 0.2, 0.1])
    length, width, height, belt, bonnet, boot, wheel = [
        (4.5, 1.78, 1.43, 0.90, 1.15, 0.72, 0.32),
        (3.9, 1.72, 1.48, 0.90, 0.95, 0.10, 0.31),
        (4.4, 1.84, 1.70, 1.05, 1.05, 0.12, 0.37),
        (4.7, 1.88, 1.98, 1.10, 0.70, 0.06, 0.34),
    ][kind]
    scale = rng.uniform(0.95, 1.05, size=3)
    return CarShape(
        length=float(length * scale[0]),
        width=float(width * scale[1]),
        height=float(height * scale[2]),
        belt=belt,
        bonnet=bonnet,
        boot=boot,
        wheel=wheel,
    )


class _Builder:
    """Collects shapes in a car's own coordinates, x right, y ahead, z up, and adds them all at once."""

    def __init__(self, car: Car) -> None:
        self.car = car
        self.corners: list[Corner] = []
        self.parts: list[tuple[int, Skin]] = []

    def skin(self, color: Color, material: Material = Material.PLAIN, *parameters: float) -> Skin:
        return Skin(CAR, color, material, parameters, self.car.instance)

    def polygon(self, corners: Sequence[Corner], skin: Skin) -> None:
        self.corners.extend(corners)
        self.parts.append((len(corners), skin))

    def finish(self, scene: Geometry) -> None:
        """Adds the collected polygons and the wheels where the car stands."""
        shape, c, s = self.car.shape, math.cos(self.car.heading), math.sin(self.car.heading)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=np.float32)
        points = np.array(self.corners, dtype=np.float32) @ turn.T
        points += np.array([self.car.x, self.car.y, 0], dtype=np.float32)
        end = 0
        for n, skin in self.parts:
            scene.polygon(points[end : end + n], skin)
            end += n
        skin = self.skin((0.62, 0.63, 0.65), Material.WHEEL, shape.wheel)
        reach = shape.wheel * 1.2
        for side in (1, -1):
            x = side * (shape.width / 2 + 0.012)
            for y in (shape.length / 2 - 0.78, -shape.length / 2 + 0.80):
                centre = (c * x - s * y + self.car.x, s * x + c * y + self.car.y, shape.wheel)
                scene.disc(
                    centre, (-s * side * reach, c * side * reach, 0), (0, 0, reach), skin, n_corners=14
                )


def _inset(quad: Sequence[Corner], left: float, right: float, bottom: float, top: float) -> list[Corner]:
    """A quadrilateral inside another: edges moved in by fractions, lifted 1.5 cm off it.

    Corners run bottom left, bottom right, top right, top left, as seen from outside.
    """
    (ax, ay, az), (bx, by, bz), _, (dx, dy, dz) = quad
    ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, dx - ax, dy - ay, dz - az
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    lift = 0.015 / math.sqrt(nx * nx + ny * ny + nz * nz)

    def at(u: float, v: float) -> Corner:
        x, y, z = (
            (1 - v) * (a + u * (b - a)) + v * (d + u * (c - d)) for a, b, c, d in zip(*quad, strict=True)
        )
        return x + lift * nx, y + lift * ny, z + lift * nz

    return [at(left, bottom), at(1 - right, bottom), at(1 - right, 1 - top), at(left, 1 - top)]


def add_car(scene: Geometry, car: Car, is_far: bool) -> None:
    """Add a car; what cannot be seen from afar is left out of one that is far."""
    build = _Builder(car)
    _add_hull(build, car)
    _add_cabin(build, car)
    if not is_far:
        _add_trim(build, car.shape)
    build.finish(scene)


def _add_hull(build: _Builder, car: Car) -> None:
    """The body below the windows, drawn out sideways from its profile."""
    shape, L, W = car.shape, car.shape.length / 2, car.shape.width / 2
    belt, nose = shape.belt, shape.belt - 0.16
    paint = build.skin(car.color, Material.PAINT)
    panel = build.skin(car.color, Material.PAINT, 1.0, shape.length, belt)
    black = build.skin((0.07, 0.07, 0.08))
    profile = [
        (-L + 0.08, SILL_M),
        (L - 0.08, SILL_M),
        (L, CHIN_M),
        (L - 0.08, nose),
        (L - shape.bonnet, belt),
        (-L + shape.boot, belt + 0.03),
        (-L, belt - 0.12),
    ]
    looks = [black, black, paint, paint, paint, paint, paint]
    for (y0, z0), (y1, z1), look in zip(profile, profile[1:] + profile[:1], looks, strict=True):
        build.polygon([(-W, y0, z0), (-W, y1, z1), (W, y1, z1), (W, y0, z0)], look)
    build.polygon([(W, y, z) for y, z in profile], panel)
    build.polygon([(-W, *profile[i]) for i in (1, 0, 6, 5, 4, 3, 2)], panel)


def _add_cabin(build: _Builder, car: Car) -> None:
    """Roof, pillars and windows."""
    shape, L, W = car.shape, car.shape.length / 2, car.shape.width / 2
    belt, top = shape.belt, shape.height
    slope = 0.62 * (top - belt)
    cowl, tail = L - shape.bonnet, -L + shape.boot
    front, rear = cowl - slope * 1.15, tail + slope * (0.85 if shape.boot > 0.3 else 0.4)
    w, v = W - 0.03, W - (0.20 if top < 1.8 else 0.09)
    windscreen = [(w, cowl, belt), (-w, cowl, belt), (-v, front, top), (v, front, top)]
    back = [(-w, tail, belt), (w, tail, belt), (v, rear, top), (-v, rear, top)]
    right = [(w, tail, belt), (w, cowl, belt), (v, front, top), (v, rear, top)]
    left = [(-w, cowl, belt), (-w, tail, belt), (-v, rear, top), (-v, front, top)]
    roof = [(-v, rear, top), (v, rear, top), (v, front, top), (-v, front, top)]
    paint = build.skin(car.color, Material.PAINT)
    glass = build.skin((0.10, 0.13, 0.16), Material.GLASS)
    for quad in (windscreen, back, right, left, roof):
        build.polygon(quad, paint)
    build.polygon(_inset(windscreen, 0.06, 0.06, 0.03, 0.08), glass)
    build.polygon(_inset(back, 0.08, 0.08, 0.12, 0.12), glass)
    for quad in (right, left):
        build.polygon(_inset(quad, 0.05, 0.52, 0.07, 0.13), glass)
        build.polygon(_inset(quad, 0.52, 0.05, 0.07, 0.13), glass)


def _add_trim(build: _Builder, shape: CarShape) -> None:
    """Lights, bumpers, grille and number plates."""
    L, W = shape.length / 2, shape.width / 2
    nose, high = shape.belt - 0.16, shape.belt - 0.12
    fascia = [(W, L, CHIN_M), (-W, L, CHIN_M), (-W, L - 0.08, nose), (W, L - 0.08, nose)]
    bumper = [(W, L - 0.08, SILL_M), (-W, L - 0.08, SILL_M), (-W, L, CHIN_M), (W, L, CHIN_M)]
    hatch = [(-W, -L + 0.08, SILL_M), (W, -L + 0.08, SILL_M), (W, -L, high), (-W, -L, high)]
    white, red = build.skin((1.0, 0.97, 0.88), Material.LAMP), build.skin((0.85, 0.06, 0.05), Material.LAMP)
    dark, plate = build.skin((0.08, 0.08, 0.09)), build.skin((0.88, 0.88, 0.84))
    for left, right in ((0.03, 0.75), (0.75, 0.03)):
        build.polygon(_inset(fascia, left, right, 0.35, 0.05), white)
        build.polygon(_inset(hatch, left, right, 0.58, 0.08), red)
    build.polygon(_inset(fascia, 0.28, 0.28, 0.10, 0.25), dark)
    build.polygon(_inset(bumper, 0.36, 0.36, 0.35, 0.10), plate)
    build.polygon(_inset(hatch, 0.0, 0.0, 0.0, 0.72), dark)
    build.polygon(_inset(hatch, 0.36, 0.36, 0.36, 0.44), plate)


def footprint(car: Car) -> Floats:
    """Corners (4, 2) of the ground under a car."""
    c, s = np.cos(car.heading), np.sin(car.heading)
    turn = np.array([[c, -s], [s, c]], dtype=np.float32)
    half = np.array([car.shape.width / 2, car.shape.length / 2], dtype=np.float32)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.float32) * half
    return np.asarray(corners @ turn.T + np.array([car.x, car.y], dtype=np.float32), dtype=np.float32)
