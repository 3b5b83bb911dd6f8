"""Which surface each pixel sees, and how far away it is: a z-buffer over polygons and ellipsoids.

The buffer holds 1/depth, which on a plane is linear in the pixel's column and row.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.geometry import FIRST_ROW, Ellipsoid, Floats, Geometry
from ccfpse.datasets.sample.textures import foliage_noise

NEAR_M = 0.25
"""Nothing closer to the camera's plane than this is drawn."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """What every pixel sees: 1/depth (0 for sky) and row of the surface table, both (H, W)."""

    nearness: Floats
    surfaces: NDArray[np.int32]


def fill_convex(
    corners: Floats,
    plane: tuple[float, float, float],
    grid: tuple[Floats, Floats],
    value: Floats,
    ids: NDArray[np.int32],
    row: int,
) -> None:
    """Draw one convex polygon where its value exceeds what is there.

    Args:
        corners: (n, 2), in the units of `grid`, either sense of rotation.
        plane: the value is plane[0] · column + plane[1] · row + plane[2].
        grid: coordinates of the columns, ascending, and of the rows, descending.
        value: (H, W), updated in place.
        ids: (H, W), set to `row` where the polygon wins.
        row: row in the surface table.
    """
    columns, rows = grid
    points: list[list[float]] = corners.tolist()
    first_column, first_row = float(columns[0]), float(rows[0])
    scale = (len(columns) - 1) / (float(columns[-1]) - first_column)
    across, down = [p[0] for p in points], [p[1] for p in points]
    c0 = max(math.ceil((min(across) - first_column) * scale), 0)
    c1 = min(math.floor((max(across) - first_column) * scale) + 1, len(columns))
    r0 = max(math.ceil((first_row - max(down)) * scale), 0)
    r1 = min(math.floor((first_row - min(down)) * scale) + 1, len(rows))
    if c0 >= c1 or r0 >= r1:
        return
    x, y = columns[c0:c1], rows[r0:r1]
    start = np.full(len(y), -np.inf, dtype=np.float32)
    stop = np.full(len(y), np.inf, dtype=np.float32)
    following = points[1:] + points[:1]
    turn = sum(xa * yb - xb * ya for (xa, ya), (xb, yb) in zip(points, following, strict=True))
    for (xa, ya), (xb, yb) in zip(points, following, strict=True):
        rise = yb - ya
        if abs(rise) < 1e-7:
            continue  # the rows of the bounding box already end here
        slope = (xb - xa) / rise
        crossing = y * slope + (xa - ya * slope)
        if rise * turn > 0:  # going up on the right-hand side
            np.minimum(stop, crossing, out=stop)
        else:
            np.maximum(start, crossing, out=start)
    candidate = plane[0] * x + (plane[1] * y + plane[2])[:, None]
    target = value[r0:r1, c0:c1]
    seen = candidate > target
    seen &= x >= start[:, None]
    seen &= x <= stop[:, None]
    np.copyto(target, candidate, where=seen)
    np.copyto(ids[r0:r1, c0:c1], row, where=seen)


def clip_to_near(points: Floats) -> Floats:
    """The part of a polygon in camera coordinates (n, 3: right, up, ahead) that is in front."""
    kept = []
    following = np.roll(points, -1, axis=0)
    for a, b in zip(points, following, strict=True):
        if a[2] >= NEAR_M:
            kept.append(a)
        if (a[2] >= NEAR_M) != (b[2] >= NEAR_M):
            kept.append(a + (b - a) * ((NEAR_M - a[2]) / (b[2] - a[2])))
    return np.array(kept, dtype=np.float32).reshape(-1, 3)


def draw_ellipsoids(
    camera: Camera, shapes: list[Ellipsoid], grid: tuple[Floats, Floats], buffers: Buffers, first_row: int
) -> None:
    """Draws ellipsoids: a ray meets one where a quadratic in its column and row is positive."""
    if not shapes:
        return
    axes = np.stack([camera.right, camera.up, camera.ahead])
    offsets = (camera.position - np.stack([e.centre for e in shapes])) @ axes.T
    quadrics = axes @ np.stack([e.quadric for e in shapes]) @ axes.T
    towards = np.einsum("nij,nj->ni", quadrics, offsets)
    outside = np.einsum("ni,ni->n", offsets, towards) - 1  # positive unless the camera is inside
    radii = np.array([e.radius for e in shapes], dtype=np.float32)
    depths = -offsets[:, 2]
    clear = depths - radii
    shown = (clear > NEAR_M) & (outside > 0) & (radii * camera.focal_px > 0.6 * depths)
    middles = -offsets[:, :2] / np.maximum(depths, NEAR_M)[:, None]
    # a sphere off the axis appears longer away from the centre
    reaches = (radii / np.maximum(clear, NEAR_M) * 1.05)[:, None] * (1 + np.abs(middles))
    limits = np.array([grid[0][-1], grid[1][0]], dtype=np.float32)
    shown &= (np.abs(middles) - reaches < limits).all(axis=1)
    for i in np.flatnonzero(shown):
        window = (*(middles[i] - reaches[i]).tolist(), *(middles[i] + reaches[i]).tolist())
        conic = (quadrics[i], towards[i], float(outside[i]))
        _draw_ellipsoid(conic, window, float(depths[i]), shapes[i], grid, buffers, first_row + int(i))


def _draw_ellipsoid(
    conic: tuple[Floats, Floats, float],
    window: tuple[float, float, float, float],
    depth: float,
    shape: Ellipsoid,
    grid: tuple[Floats, Floats],
    buffers: Buffers,
    row: int,
) -> None:
    """Draws one ellipsoid inside a window (left, low, right, high) of the picture."""
    columns, rows = grid
    step = float(columns[1] - columns[0])
    left, low, right, high = window
    c0, c1 = max(int((left - columns[0]) / step), 0), min(int((right - columns[0]) / step) + 2, len(columns))
    r0, r1 = max(int((rows[0] - high) / step), 0), min(int((rows[0] - low) / step) + 2, len(rows))
    if c0 >= c1 or r0 >= r1:
        return
    x, y = columns[c0:c1], rows[r0:r1, None]
    Q, b, c = conic
    toward = (b[0] * x) + (b[1] * y + b[2])
    square = (Q[0, 0] * x * x + 2 * Q[0, 2] * x) + (Q[1, 1] * y * y + 2 * Q[1, 2] * y + Q[2, 2])
    square += (2 * Q[0, 1] * y) * x
    gap = toward * toward - c * square
    candidate = (np.sqrt(np.maximum(gap, 0)) - toward) / c
    target = buffers.nearness[r0:r1, c0:c1]
    seen = candidate > target
    if shape.raggedness:
        torn = foliage_noise(shape.radius / (depth * step), r0 + 37 * row, c0 + 91 * row, gap.shape)
        seen &= gap > torn * (float(gap.max()) * shape.raggedness)
    else:
        seen &= gap > 0
    np.copyto(target, candidate, where=seen)
    np.copyto(buffers.surfaces[r0:r1, c0:c1], row, where=seen)


def rasterise(camera: Camera, scene: Geometry, normals: Floats) -> Buffers:
    """What every pixel of a camera sees of a scene that stands on the ground.

    Args:
        camera: the view; its height above the ground must be positive.
        scene: the shapes.
        normals: outward normals of the surface table; polygons seen from behind are left out.
    """
    grid = camera.plane_coordinates()
    columns, rows = grid
    slope_down = -(camera.ahead[2] + columns * camera.right[2] + rows[:, None] * camera.up[2])
    nearness = np.maximum(slope_down / camera.position[2], 0).astype(np.float32)
    buffers = Buffers(nearness, (nearness > 0).astype(np.int32))
    axes = np.stack([camera.right, camera.up, camera.ahead])
    counts = [len(p) for p in scene.points]
    stacked = np.asarray((np.concatenate(scene.points) - camera.position) @ axes.T, dtype=np.float32)
    facing = normals[FIRST_ROW : FIRST_ROW + len(counts)] @ axes.T
    ends = np.cumsum(np.array(counts, dtype=np.int64))
    first = stacked[ends - counts]
    distance = np.einsum("ni,ni->n", facing, first)  # of the camera behind the face, so negative is in front
    starts = ends - counts
    nearest = np.minimum.reduceat(stacked[:, 2], starts)
    farthest = np.maximum.reduceat(stacked[:, 2], starts)
    for i in np.flatnonzero((distance < -1e-4) & (farthest > NEAR_M)):
        points = stacked[starts[i] : ends[i]]
        if nearest[i] < NEAR_M:
            points = clip_to_near(points)
        n, d = facing[i], distance[i]
        plane = (n[0] / d, n[1] / d, n[2] / d)
        corners = points[:, :2] / points[:, 2:]
        fill_convex(corners, plane, grid, buffers.nearness, buffers.surfaces, FIRST_ROW + int(i))
    draw_ellipsoids(camera, scene.ellipsoids, grid, buffers, FIRST_ROW + len(counts))
    return buffers
