"""Where the sun does not reach, and where the light of the sky is scarce.

Points are looked up where a line through them along the sun's light meets the ground. The map keeps,
for every such place, the greatest height at which something stands in the light.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.geometry import Ellipsoid, Floats, Geometry, Material, SurfaceTable, cross, unit
from ccfpse.datasets.sample.raster import fill_convex

CELLS = 420
CELL_M = 0.18
SKIPPED = (Material.GLASS, Material.WHEEL, Material.LAMP)
"""Small parts whose shadows fall within those of what carries them."""
TOLERANCE_M = 0.3
"""A surface does not shade points this close below itself."""


@dataclass(frozen=True, slots=True)
class ShadowMap:
    """Heights of what stands in the light, and closeness of walls, over a square of ground."""

    west: float
    north: float
    drift: Floats
    """Metres that a shadow moves over ground per metre of height, x and y."""
    heights: Floats
    closeness: Floats
    """0 on open ground, 1 under things."""

    def sunlit(self, points: Floats) -> Floats:
        """How much of the sun reaches points (n, 3): 0 to 1."""
        x, y = self._cells(points[:, :2] - points[:, 2:] * self.drift)
        column, row = np.floor(x), np.floor(y)
        u, v = x - column, y - row
        c, r = column.astype(np.int32), row.astype(np.int32)
        flat, limit = self.heights.ravel(), points[:, 2] + np.float32(TOLERANCE_M)
        shade = np.zeros(len(points), dtype=np.float32)
        for step, weight in (
            (0, (1 - u) * (1 - v)),
            (1, u * (1 - v)),
            (CELLS, (1 - u) * v),
            (CELLS + 1, u * v),
        ):
            shade += weight * (flat.take(r * CELLS + c + step, mode="clip") > limit)
        inside = (x > 0) & (x < CELLS - 1) & (y > 0) & (y < CELLS - 1)
        return np.asarray(1 - shade * inside, dtype=np.float32)

    def enclosed(self, points: Floats) -> Floats:
        """How much of the sky is hidden from ground points (n, 2 or more) by what stands there."""
        x, y = self._cells(points[:, :2])
        inside = (x > 0) & (x < CELLS - 1) & (y > 0) & (y < CELLS - 1)
        index = np.round(y).astype(np.int32) * CELLS + np.round(x).astype(np.int32)
        return np.asarray(self.closeness.ravel().take(index, mode="clip") * inside, dtype=np.float32)

    def _cells(self, ground: Floats) -> tuple[Floats, Floats]:
        return (ground[:, 0] - self.west) / CELL_M, (self.north - ground[:, 1]) / CELL_M


def cast_shadows(
    scene: Geometry, table: SurfaceTable, footprints: list[Floats], camera: Camera, toward_sun: Floats
) -> ShadowMap:
    """The map for the ground that a camera looks at."""
    level = unit(camera.ahead[:2])
    centre = camera.position[:2] + level * (CELLS * CELL_M * 0.42)
    west, north = (float(v) for v in (centre[0] - CELLS * CELL_M / 2, centre[1] + CELLS * CELL_M / 2))
    columns = west + np.arange(CELLS, dtype=np.float32) * np.float32(CELL_M)
    rows = north - np.arange(CELLS, dtype=np.float32) * np.float32(CELL_M)
    drift = (toward_sun[:2] / toward_sun[2]).astype(np.float32)
    heights = np.zeros((CELLS, CELLS), dtype=np.float32)
    ids = np.zeros((CELLS, CELLS), dtype=np.int32)
    grid = (columns, rows)
    low, high = np.array([west, rows[-1]]), np.array([columns[-1], north])
    tilt = table.normals @ np.append(drift, np.float32(1))
    stacked = np.concatenate(scene.points)
    cast = stacked[:, :2] - stacked[:, 2:] * drift
    ends = np.cumsum([len(p) for p in scene.points])
    starts = np.append(0, ends[:-1])
    least, most = np.minimum.reduceat(cast, starts), np.maximum.reduceat(cast, starts)
    flat = slice(2, 2 + len(ends))
    matters = (most > low).all(axis=1) & (least < high).all(axis=1) & (tilt[flat] > 1e-3)
    matters &= ~np.isin(table.materials[flat], SKIPPED)
    for i in np.flatnonzero(matters):
        n, steepness = table.normals[i + 2], tilt[i + 2]
        d = float(n @ stacked[starts[i]])
        plane = (-n[0] / steepness, -n[1] / steepness, d / steepness)
        fill_convex(cast[starts[i] : ends[i]], plane, grid, heights, ids, 1)
    _cast_ellipsoids(scene.ellipsoids, toward_sun, drift, (low, high), grid, heights, ids)
    return ShadowMap(west, north, drift, heights, _closeness(footprints, west, north))


def _cast_ellipsoids(
    shapes: list[Ellipsoid],
    toward_sun: Floats,
    drift: Floats,
    limits: tuple[Floats, Floats],
    grid: tuple[Floats, Floats],
    heights: Floats,
    ids: NDArray[np.int32],
) -> None:
    """Draws each ellipsoid as the disc that faces the sun."""
    side = unit(np.array([-toward_sun[1], toward_sun[0], 0], dtype=np.float32))
    above = cross(toward_sun, side)
    angles = np.arange(8, dtype=np.float32) * np.float32(np.pi / 4)
    ring = np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * above
    rise = float(toward_sun[2])
    for shape in shapes:
        foot = shape.centre[:2] - shape.centre[2] * drift
        if (foot + 2 * shape.radius < limits[0]).any() or (foot - 2 * shape.radius > limits[1]).any():
            continue
        reach = 1 / np.sqrt(((ring @ shape.quadric) * ring).sum(axis=1))
        points = shape.centre + ring * (reach * (1 - 0.25 * shape.raggedness))[:, None]
        d = float(toward_sun @ shape.centre)
        plane = (-float(toward_sun[0]) * rise, -float(toward_sun[1]) * rise, d * rise)
        fill_convex(points[:, :2] - points[:, 2:] * drift, plane, grid, heights, ids, 1)


def _closeness(footprints: list[Floats], west: float, north: float) -> Floats:
    canvas = Image.new("L", (CELLS, CELLS))
    draw = ImageDraw.Draw(canvas)
    for corners in footprints:
        cells = (corners - np.array([west, north], dtype=np.float32)) / np.float32(CELL_M)
        draw.polygon([(float(x), float(-y)) for x, y in cells], fill=255)
    blurred = canvas.filter(ImageFilter.BoxBlur(2)).filter(ImageFilter.BoxBlur(2))
    return np.asarray(blurred, dtype=np.float32) / np.float32(255)
