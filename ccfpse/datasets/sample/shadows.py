"""Where the sun does not reach, and where the light of the sky is scarce.

Points are looked up where a line through them along the sun's light meets the ground. The map keeps,
for every such place, the greatest height at which something stands in the light.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.geometry import (
    FIRST_ROW,
    Ellipsoid,
    Floats,
    Geometry,
    Material,
    SurfaceTable,
    cross,
    unit,
)
from ccfpse.datasets.sample.raster import fill_convex
from ccfpse.datasets.sample.textures import speckle

CELLS = 420
CELL_M = 0.18
SKIPPED = (Material.GLASS, Material.WHEEL, Material.LAMP)
"""Small parts whose shadows fall within those of what carries them."""
SMALLEST_CASTER_M = 0.15
"""Ellipsoids with smaller radii cast no shadow of their own."""
PENUMBRA_M = np.float32(0.06)
"""Edges of shadows are scattered by this much, which hides the cells."""
SMALLEST_SHADOW_M2 = 0.15
"""Polygons whose shadow fits a smaller rectangle cast none."""
TOLERANCE_M = 0.3
"""A surface does not shade points this close below itself."""

Grid = tuple[Floats, Floats]
Rows = NDArray[np.int32]


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
        """How much of the sun reaches points (3, n): 0 to 1."""
        n = points.shape[1]
        x, y = points[0] - points[2] * self.drift[0], points[1] - points[2] * self.drift[1]
        x, y = self._cells(x + speckle(n, 1) * PENUMBRA_M, y + speckle(n, 2) * PENUMBRA_M)
        column, row = np.floor(x), np.floor(y)
        u, v = x - column, y - row
        corner = row.astype(np.int32) * CELLS + column.astype(np.int32)
        flat, limit = self.heights.ravel(), points[2] + np.float32(TOLERANCE_M)
        upper = (flat.take(corner) > limit) * (1 - u) + (flat.take(corner + 1) > limit) * u
        lower = (flat.take(corner + CELLS) > limit) * (1 - u) + (flat.take(corner + CELLS + 1) > limit) * u
        return np.asarray(1 - upper * (1 - v) - lower * v, dtype=np.float32)

    def enclosed(self, points: Floats) -> Floats:
        """How much of the sky is hidden from ground points (2 or more, n) by what stands there."""
        x, y = self._cells(points[0], points[1])
        return self.closeness.ravel().take(y.astype(np.int32) * CELLS + x.astype(np.int32))

    def _cells(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Columns and rows of ground points; outside, those of the map's rim, which is empty."""
        columns, rows = (x - np.float32(self.west)) / CELL_M, (np.float32(self.north) - y) / CELL_M
        return np.clip(columns, 0, CELLS - 1.01), np.clip(rows, 0, CELLS - 1.01)


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
    flat = slice(FIRST_ROW, table.first_curved)
    matters = (most > low).all(axis=1) & (least < high).all(axis=1) & (tilt[flat] > 1e-3)
    matters &= ~np.isin(table.materials[flat], SKIPPED)
    matters &= (most - least).prod(axis=1) > SMALLEST_SHADOW_M2
    for i in np.flatnonzero(matters):
        n, steepness = table.normals[FIRST_ROW + i], tilt[FIRST_ROW + i]
        d = float(n @ stacked[starts[i]])
        plane = (-n[0] / steepness, -n[1] / steepness, d / steepness)
        fill_convex(cast[starts[i] : ends[i]], plane, grid, heights, ids, 1)
    _cast_ellipsoids(scene.ellipsoids, toward_sun, drift, grid, heights, ids)
    for border in (heights[:2], heights[-2:], heights[:, :2], heights[:, -2:]):
        border[:] = 0
    return ShadowMap(west, north, drift, heights, _closeness(footprints, west, north))


def _cast_ellipsoids(
    shapes: list[Ellipsoid], toward_sun: Floats, drift: Floats, grid: Grid, heights: Floats, ids: Rows
) -> None:
    """Draws each ellipsoid as the disc that faces the sun."""
    shapes = [e for e in shapes if e.radius >= SMALLEST_CASTER_M]
    if not shapes:
        return
    side = unit(np.array([-toward_sun[1], toward_sun[0], 0], dtype=np.float32))
    angles = np.arange(8, dtype=np.float32) * np.float32(np.pi / 4)
    ring = np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * cross(toward_sun, side)
    centres = np.stack([e.centre for e in shapes])
    reaches = np.einsum("ri,nij,rj->nr", ring, np.stack([e.quadric for e in shapes]), ring) ** -0.5
    reaches *= 1 - 0.25 * np.array([[e.raggedness] for e in shapes], dtype=np.float32)
    rims = centres[:, None] + ring * reaches[..., None]
    cast = (rims[..., :2] - rims[..., 2:] * drift).astype(np.float32)
    low, high = np.array([grid[0][0], grid[1][-1]]), np.array([grid[0][-1], grid[1][0]])
    matters = (cast.max(axis=1) > low).all(axis=1) & (cast.min(axis=1) < high).all(axis=1)
    rise = float(toward_sun[2])
    for i in np.flatnonzero(matters):
        d = float(toward_sun @ centres[i])
        plane = (-float(toward_sun[0]) * rise, -float(toward_sun[1]) * rise, d * rise)
        fill_convex(cast[i], plane, grid, heights, ids, 1)


def _closeness(footprints: list[Floats], west: float, north: float) -> Floats:
    half = CELLS // 2  # a blurred thing needs no finer cells
    canvas = Image.new("L", (half, half))
    draw = ImageDraw.Draw(canvas)
    for corners in footprints:
        cells = (corners - np.array([west, north], dtype=np.float32)) / np.float32(2 * CELL_M)
        draw.polygon([(float(x), float(-y)) for x, y in cells], fill=255)
    blurred = canvas.filter(ImageFilter.BoxBlur(1)).filter(ImageFilter.BoxBlur(1))
    closeness = np.asarray(
        blurred.resize((CELLS, CELLS), Image.Resampling.BILINEAR), dtype=np.float32
    ) / np.float32(255)
    for border in (closeness[:2], closeness[-2:], closeness[:, :2], closeness[:, -2:]):
        border[:] = 0
    return closeness
