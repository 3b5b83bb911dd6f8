"""How each material looks: colours and normals of the pixels that see it, before light falls on them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.facades import N_LOOKS, facade_colors
from ccfpse.datasets.sample.geometry import Floats, Material, SurfaceTable, dot, unit_columns
from ccfpse.datasets.sample.ground import periodic, stripe
from ccfpse.datasets.sample.sky import HORIZON, ZENITH
from ccfpse.datasets.sample.textures import cloudy, sample_pattern

DARK_GROUND = np.float32(0.16)
"""What the lower half of the surroundings looks like in a mirror."""


class Pixels:
    """The pixels of a picture that see surfaces of one material, with what they see."""

    def __init__(
        self, surface: NDArray[np.int32], rays: Floats, depth: Floats, camera: Camera, table: SurfaceTable
    ):
        self.surface = surface
        """Rows of the surface table, (n,)."""
        self.rays = rays
        """(3, n), one metre ahead."""
        self.points = camera.position[:, None] + rays * depth
        """Places in the world, (3, n)."""
        self.pixel_m = depth / np.float32(camera.focal_px)
        """Width of a pixel, held square to the view."""
        self.table = table

    def of(self, column: Floats) -> Floats:
        """A column of the surface table, (rows, k), at every pixel, (k, n)."""
        return column.T.take(self.surface, axis=1)

    def colors(self) -> Floats:
        """Display colours of the surfaces, (3, n)."""
        return self.of(self.table.colors)

    def coordinates(self) -> tuple[Floats, Floats]:
        """Position on the surface in metres, along and up."""
        offset = self.points - self.of(self.table.origins)
        return dot(offset, self.of(self.table.along)), dot(offset, self.of(self.table.up))

    def normals(self) -> Floats:
        """Outward normals of the surfaces, (3, n)."""
        normals = self.of(self.table.normals)
        curved = np.flatnonzero(self.surface >= self.table.first_curved)
        if len(curved):
            which = self.surface[curved]
            offset = self.points.take(curved, axis=1) - self.table.origins.T.take(which, axis=1)
            quadric = self.table.quadrics.reshape(-1, 9).T.take(which, axis=1).reshape(3, 3, -1)
            normals[:, curved] = unit_columns(np.stack([dot(row, offset) for row in quadric]))
        return normals

    def slant(self, normals: Floats) -> Floats:
        """1 where a surface is seen square on, 0 where along it."""
        return np.asarray(np.abs(dot(self.rays, normals)) / np.sqrt(dot(self.rays, self.rays)), np.float32)

    def footprint(self, normals: Floats) -> Floats:
        """Width of a pixel on the surface, longer where that is seen at a slant."""
        return np.asarray(self.pixel_m / np.sqrt(np.maximum(self.slant(normals), 0.02)), np.float32)

    def mirrored(self, normals: Floats, base: float, rim: float) -> Floats:
        """Linear light (3, n) that a glossy surface mirrors: a share `base`, and `rim` more at a slant."""
        rise = self.rays[2] - 2 * dot(self.rays, normals) * normals[2]
        rise /= np.sqrt(dot(self.rays, self.rays))
        outdoors = HORIZON + (ZENITH - HORIZON) * np.clip(rise, 0, 1)
        seen = DARK_GROUND + (outdoors - DARK_GROUND) * np.clip(rise * 5 + 0.4, 0, 1)
        light = seen * seen * (base + rim * (1 - self.slant(normals)) ** 3)
        return np.asarray(light, dtype=np.float32)


Painted = tuple[Floats, Floats, Floats | float]
"""Display colours and normals (3, n), and light that does not depend on the sun's."""


def _plain(pixels: Pixels) -> Painted:
    x, y, z = pixels.points
    grit = sample_pattern(cloudy(0.6, 6), x * 40 + y * 23, z * 40)
    return pixels.colors() * (1 + 0.04 * grit), pixels.normals(), 0.0


def _facade(pixels: Pixels) -> Painted:
    normals = pixels.normals()
    table, (x, y, z) = pixels.table, pixels.points
    # walls are upright and stand on the ground, so height is one coordinate and the other needs no z
    start = np.einsum("ni,ni->n", table.origins, table.along).take(pixels.surface)
    along = x * table.along[:, 0].take(pixels.surface) + y * table.along[:, 1].take(pixels.surface) - start
    looks = pixels.of(table.parameters[:, :N_LOOKS])
    return facade_colors(along, z, pixels.colors(), looks, pixels.footprint(normals)), normals, 0.0


def _roof(pixels: Pixels) -> Painted:
    normals = pixels.normals()
    along, up = pixels.coordinates()
    footprint = pixels.footprint(normals)
    rows = stripe(periodic(up, 0.36), 0.05, footprint)
    columns = stripe(periodic(along, 0.3), 0.03, footprint)
    stain = sample_pattern(cloudy(1.0, 7), along * 8, up * 8)
    return pixels.colors() * (1 - 0.3 * np.maximum(rows, 0.5 * columns) + 0.07 * stain), normals, 0.0


def _leaves(pixels: Pixels) -> Painted:
    normals = pixels.normals()
    x, y, z = pixels.points
    seed = pixels.table.parameters[:, 0].take(pixels.surface)
    clumps = sample_pattern(cloudy(0.7, 8), (x + 0.6 * z) * 14 + seed, (y * 0.8 + z) * 14)
    tone = 0.92 + 0.22 * clumps / (1 + 5 * pixels.pixel_m) + 0.12 * normals[2]
    color = pixels.colors() * np.clip(tone, 0.35, 1.6)
    color[0] += np.clip(0.03 * clumps, -0.05, 0.08)  # yellower where it is brighter
    return color, normals, 0.0


def _paint(pixels: Pixels) -> Painted:
    """Car paint: doors, handles and a sill on panels; the surroundings mirrored."""
    normals = pixels.normals()
    color = pixels.colors()
    looks = pixels.of(pixels.table.parameters)
    panel = np.flatnonzero(looks[0] == 1)
    if len(panel):
        along, up = pixels.coordinates()
        u, v, length, belt = along[panel], up[panel], looks[1, panel], looks[2, panel]
        footprint = pixels.pixel_m[panel]
        lines = np.zeros_like(u)
        for share in (0.30, 0.51, 0.70):  # doors
            np.maximum(lines, stripe(u - share * length, 0.012, footprint), out=lines)
        for share in (0.37, 0.56):  # handles
            handle = stripe(u - share * length, 0.09, footprint) * stripe(v - 0.50, 0.02, footprint)
            np.maximum(lines, handle, out=lines)
        sill = np.clip((0.08 - v) / np.maximum(footprint, 1e-3) + 0.5, 0, 1)
        lined = color[:, panel] * (1 - 0.55 * lines)
        color[:, panel] = lined + (0.08 - lined) * sill
        normals[2, panel] += (v / np.maximum(belt - 0.24, 0.1) - 0.42) * 0.9  # panels bulge
        normals[:, panel] = unit_columns(normals[:, panel])
    return color, normals, pixels.mirrored(normals, 0.06, 0.30)


def _glass(pixels: Pixels) -> Painted:
    normals = pixels.normals()
    return pixels.colors(), normals, pixels.mirrored(normals, 0.22, 0.5)


def _wheel(pixels: Pixels) -> Painted:
    along, up = pixels.coordinates()
    size = pixels.table.parameters[:, 0].take(pixels.surface)
    radius = np.hypot(along, up) / size
    rim = np.clip((0.66 - radius) / (pixels.pixel_m / size + 0.02) + 0.5, 0, 1)
    wave = np.clip(np.cos(np.arctan2(up, along) * 5) * 3, -1, 1)
    spokes = 0.62 + 0.38 * wave * np.clip((radius - 0.18) * 8, 0, 1)
    tyre = np.where(radius > 1, np.float32(0.045), np.float32(0.13))
    return tyre + (pixels.colors() * spokes - tyre) * rim, pixels.normals(), 0.0


def _fence(pixels: Pixels) -> Painted:
    normals = pixels.normals()
    along, up = pixels.coordinates()
    footprint = pixels.footprint(normals)
    gap = stripe(periodic(along, 0.22), 0.045, footprint)
    rails = np.maximum(stripe(up - 0.25, 0.05, footprint), stripe(up - 0.88, 0.05, footprint))
    return pixels.colors() * (1 - 0.62 * gap * (1 - rails)), normals, 0.0


def _lamp(pixels: Pixels) -> Painted:
    color = pixels.colors()
    return color, pixels.normals(), color * color * 0.55


PAINTERS: dict[Material, Callable[[Pixels], Painted]] = {
    Material.PLAIN: _plain,
    Material.FACADE: _facade,
    Material.ROOF: _roof,
    Material.PAINT: _paint,
    Material.GLASS: _glass,
    Material.WHEEL: _wheel,
    Material.LEAVES: _leaves,
    Material.LAMP: _lamp,
    Material.FENCE: _fence,
}
