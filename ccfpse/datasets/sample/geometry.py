"""Shapes of a scene: flat polygons and ellipsoids with a skin each, collected in one table.

World coordinates in metres: x to the right of the street, y along it, z up, the ground at z = 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Color = tuple[float, float, float]
Point = tuple[float, float, float]

N_PARAMETERS = 8


class Material(IntEnum):
    """Which rule of `materials.py` colours a surface."""

    PLAIN = 0
    FACADE = 1
    ROOF = 2
    PAINT = 3
    GLASS = 4
    WHEEL = 5
    LEAVES = 6
    LAMP = 7
    FENCE = 8
    SKY = 9
    GROUND = 10


@dataclass(frozen=True, slots=True)
class Skin:
    """What a surface is and how it looks."""

    label: int
    """Cityscapes label id."""
    color: Color
    """Display colour under white light, each in 0..1."""
    material: Material = Material.PLAIN
    parameters: tuple[float, ...] = ()
    """At most `N_PARAMETERS` numbers whose meaning the material defines."""
    instance: int = 0
    """Cityscapes instance value; 0 where the class has none."""


@dataclass(frozen=True, slots=True)
class SurfaceTable:
    """One row per surface, in the order of the ids in the picture: sky, ground, polygons, ellipsoids."""

    labels: NDArray[np.uint8]
    instances: NDArray[np.uint16]
    materials: NDArray[np.uint8]
    colors: Floats
    parameters: Floats
    normals: Floats
    origins: Floats
    along: Floats
    """Unit vector of the first coordinate on the surface; the second is `up`."""
    up: Floats
    first_curved: int
    """Row of the first ellipsoid."""
    quadrics: Floats
    """(n, 3, 3), the ellipsoid is (p - origin)' Q (p - origin) = 1; zeros for polygons."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid; `raggedness` in 0..1 is how deep its outline is torn, as foliage is."""

    centre: Floats
    quadric: Floats
    radius: float
    raggedness: float
    skin: Skin


SKY_SKIN = Skin(23, (0.5, 0.7, 0.9), Material.SKY)
GROUND_SKIN = Skin(7, (0.3, 0.3, 0.3), Material.GROUND)

SKY_ROW, GROUND_ROW, FIRST_ROW = 0, 1, 2
"""Rows of the surface table: sky, ground, the first polygon."""


def unit(vectors: Floats) -> Floats:
    """Vectors along the last axis, scaled to length 1."""
    length = np.sqrt(np.einsum("...i,...i", vectors, vectors))
    return np.asarray(vectors / np.maximum(length, 1e-9)[..., None], dtype=np.float32)


def dot(a: Floats, b: Floats) -> Floats:
    """Scalar products of vectors that run along the first axis."""
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2], dtype=np.float32)


def unit_columns(vectors: Floats) -> Floats:
    """Vectors along the first axis, scaled to length 1."""
    return np.asarray(vectors * (1 / np.sqrt(np.maximum(dot(vectors, vectors), 1e-12))), dtype=np.float32)


def cross(a: Floats, b: Floats) -> Floats:
    """The vector product of two vectors (3,); NumPy's own takes 20 times as long on single vectors."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx), dtype=np.float32)


class Geometry:
    """The shapes of one scene, added one by one."""

    def __init__(self) -> None:
        self.points: list[Floats] = []
        self.skins: list[Skin] = []
        self.origins: list[Point | None] = []
        self.ellipsoids: list[Ellipsoid] = []

    def polygon(self, points: Floats | Sequence[Point], skin: Skin, origin: Point | None = None) -> None:
        """Add a convex flat polygon, its corners anticlockwise as seen from outside.

        Args:
            points: corners, (n, 3).
            skin: its look. Coordinates on it run along the first edge and at right angles to that.
            origin: where these coordinates are zero; the first corner unless given.
        """
        self.points.append(np.asarray(points, dtype=np.float32))
        self.skins.append(skin)
        self.origins.append(origin)

    def panel(self, centre: Point, across: Point, rise: Point, skin: Skin) -> None:
        """Add a rectangle with the half-sides `across` (to the right, from outside) and `rise`."""
        c, a, r = (np.asarray(v, dtype=np.float32) for v in (centre, across, rise))
        self.polygon(np.stack([c - a - r, c + a - r, c + a + r, c - a + r]), skin)

    def disc(self, centre: Point, across: Point, rise: Point, skin: Skin, n_corners: int = 12) -> None:
        """Add a regular polygon around a centre, with coordinates from the centre."""
        c, a, r = (np.asarray(v, dtype=np.float32) for v in (centre, across, rise))
        angles = (np.arange(n_corners, dtype=np.float32) - 0.5) * (2 * np.pi / n_corners) - np.pi / 2
        ring = c + np.cos(angles)[:, None] * a + np.sin(angles)[:, None] * r
        self.polygon(ring, skin, origin=centre)

    def walls(
        self, corners: Sequence[tuple[float, float]], bottom: float, top: float, skins: Sequence[Skin]
    ) -> None:
        """Add upright walls over a footprint given anticlockwise from above, one skin per side."""
        for i, skin in enumerate(skins):
            (x0, y0), (x1, y1) = corners[i], corners[(i + 1) % len(corners)]
            self.polygon([(x0, y0, bottom), (x1, y1, bottom), (x1, y1, top), (x0, y0, top)], skin)

    def box(self, low: Point, high: Point, skin: Skin) -> None:
        """Add a box with faces along the axes, without its underside."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        self.walls([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], z0, z1, [skin] * 4)
        self.polygon([(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], skin)

    def ellipsoid(
        self, centre: Point, radii: Point, skin: Skin, axes: Floats | None = None, ragged: float = 0
    ) -> None:
        """Add an ellipsoid; `axes` has the directions of its radii as rows, the world's unless given."""
        rows = np.eye(3, dtype=np.float32) if axes is None else axes
        scaled = rows / np.asarray(radii, dtype=np.float32)[:, None]
        self.ellipsoids.append(
            Ellipsoid(np.asarray(centre, dtype=np.float32), scaled.T @ scaled, max(radii), ragged, skin)
        )

    def limb(self, start: Point, end: Point, thickness: float, skin: Skin) -> None:
        """Add a slender ellipsoid from one point to another."""
        a, b = np.asarray(start, dtype=np.float32), np.asarray(end, dtype=np.float32)
        long = unit(b - a)
        side = unit(cross(long, np.array([0.31, 0.95, 0.05], dtype=np.float32)))
        axes = np.stack([long, side, cross(long, side)])
        half = float(np.linalg.norm(b - a)) / 2
        centre = (a + b) / 2
        self.ellipsoid((centre[0], centre[1], centre[2]), (half * 1.1, thickness, thickness), skin, axes)

    def table(self) -> SurfaceTable:
        """The finished table of all surfaces."""
        skins = [SKY_SKIN, GROUND_SKIN, *self.skins, *(e.skin for e in self.ellipsoids)]
        n, n_flat = len(skins), len(self.points)
        parameters = np.zeros((n, N_PARAMETERS), dtype=np.float32)
        for row, skin in enumerate(skins):
            parameters[row, : len(skin.parameters)] = skin.parameters
        normals, along, up, origins = (np.zeros((n, 3), dtype=np.float32) for _ in range(4))
        quadrics = np.zeros((n, 3, 3), dtype=np.float32)
        normals[1], along[1], up[1] = (0, 0, 1), (1, 0, 0), (0, 1, 0)
        if n_flat:
            first = np.stack([p[:3] for p in self.points])  # (n_flat, 3 corners, 3)
            flat = slice(FIRST_ROW, FIRST_ROW + n_flat)
            along[flat] = unit(first[:, 1] - first[:, 0])
            normals[flat] = unit(np.cross(along[flat], first[:, 2] - first[:, 1]))
            up[flat] = np.cross(normals[flat], along[flat])
            origins[flat] = [p[0] if o is None else o for p, o in zip(self.points, self.origins, strict=True)]
        for row, e in enumerate(self.ellipsoids, start=FIRST_ROW + n_flat):
            origins[row], quadrics[row] = e.centre, e.quadric
        return SurfaceTable(
            labels=np.array([s.label for s in skins], dtype=np.uint8),
            instances=np.array([s.instance or s.label for s in skins], dtype=np.uint16),
            materials=np.array([int(s.material) for s in skins], dtype=np.uint8),
            colors=np.array([s.color for s in skins], dtype=np.float32),
            parameters=parameters,
            normals=normals,
            origins=origins,
            along=along,
            up=up,
            first_curved=FIRST_ROW + n_flat,
            quadrics=quadrics,
        )
