"""How each material looks: colours and normals of the pixels that see it, before light falls on them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.facades import facade_colors
from ccfpse.datasets.sample.geometry import Floats, Material, SurfaceTable, unit
from ccfpse.datasets.sample.ground import periodic, stripe
from ccfpse.datasets.sample.sky import HORIZON, ZENITH
from ccfpse.datasets.sample.textures import cloudy, sample_pattern


class Pixels:
    """The pixels of a picture that see surfaces of one material, with what they see."""

    def __init__(
        self, surface: NDArray[np.int32], rays: Floats, depth: Floats, camera: Camera, table: SurfaceTable
    ):
        self.surface = surface
        self.rays = rays
        self.points = camera.position + rays * depth[:, None]
        self.pixel_m = depth / np.float32(camera.focal_px)
        """Width of a pixel, held square to the view."""
        self.table = table

    def coordinates(self) -> tuple[Floats, Floats]:
        """Position on the surface in metres, along and up."""
        offset = self.points - self.table.origins[self.surface]
        along = np.einsum("ni,ni->n", offset, self.table.along[self.surface])
        return along, np.einsum("ni,ni->n", offset, self.table.up[self.surface])

    def footprint(self, normals: Floats) -> Floats:
        """Width of a pixel on the surface, longer where that is seen at a slant."""
        facing = np.abs(np.einsum("ni,ni->n", unit(self.rays), normals))
        return np.asarray(self.pixel_m / np.sqrt(np.maximum(facing, 0.02)), dtype=np.float32)


def _reflection(rays: Floats, normals: Floats) -> Floats:
    """Display colours (n, 3) of the surroundings, seen in a mirror."""
    bounced = unit(rays) - 2 * np.einsum("ni,ni->n", unit(rays), normals)[:, None] * normals
    up = bounced[:, 2:3]
    outdoors = HORIZON + (ZENITH - HORIZON) * np.clip(up, 0, 1)
    return np.asarray(0.16 + (outdoors - 0.16) * np.clip(up * 5 + 0.4, 0, 1), dtype=np.float32)


Painted = tuple[Floats, Floats, Floats | float]
"""Display colours and normals (n, 3), and light that does not depend on the sun's."""


def _normals(pixels: Pixels) -> Floats:
    """Outward normals of the surfaces that pixels see."""
    normals = pixels.table.normals[pixels.surface]
    curved = np.flatnonzero(np.abs(normals).sum(axis=1) == 0)
    if len(curved):
        which = pixels.surface[curved]
        offset = pixels.points[curved] - pixels.table.origins[which]
        normals[curved] = unit(np.einsum("nij,nj->ni", pixels.table.quadrics[which], offset))
    return np.asarray(normals)


def _plain(pixels: Pixels) -> Painted:
    grit = sample_pattern(
        cloudy(0.6, 6), pixels.points[:, 0] * 40 + pixels.points[:, 1] * 23, pixels.points[:, 2] * 40
    )
    return pixels.table.colors[pixels.surface] * (1 + 0.04 * grit)[:, None], _normals(pixels), 0.0


def _facade(pixels: Pixels) -> Painted:
    normals = _normals(pixels)
    along, up = pixels.coordinates()
    table = pixels.table
    looks, wall = table.parameters[pixels.surface], table.colors[pixels.surface]
    return facade_colors(along, up, wall, looks, pixels.footprint(normals)), normals, 0.0


def _roof(pixels: Pixels) -> Painted:
    normals = _normals(pixels)
    along, up = pixels.coordinates()
    footprint = pixels.footprint(normals)
    rows = stripe(periodic(up, 0.36), 0.05, footprint)
    columns = stripe(periodic(along, 0.3), 0.03, footprint)
    stain = sample_pattern(cloudy(1.0, 7), along * 8, up * 8)
    tone = 1 - 0.3 * np.maximum(rows, 0.5 * columns) + 0.07 * stain
    return pixels.table.colors[pixels.surface] * tone[:, None], normals, 0.0


def _leaves(pixels: Pixels) -> Painted:
    normals = _normals(pixels)
    seed = pixels.table.parameters[pixels.surface, 0]
    p = pixels.points
    clumps = sample_pattern(
        cloudy(0.7, 8), (p[:, 0] + 0.6 * p[:, 2]) * 14 + seed, (p[:, 1] * np.float32(0.8) + p[:, 2]) * 14
    )
    grain = 1 / (1 + 5 * pixels.pixel_m)
    tone = 0.92 + 0.22 * clumps * grain + 0.12 * normals[:, 2]
    yellow = np.clip(0.03 * clumps, -0.05, 0.08)
    color = pixels.table.colors[pixels.surface] * np.clip(tone, 0.35, 1.6)[:, None]
    color[:, 0] += yellow
    return color, normals, 0.0


def _paint(pixels: Pixels) -> Painted:
    """Car paint: doors, handles and a sill on panels; the surroundings mirrored at a slant."""
    normals = _normals(pixels).copy()
    along, up = pixels.coordinates()
    looks = pixels.table.parameters[pixels.surface]
    color = pixels.table.colors[pixels.surface].copy()
    panel = np.flatnonzero(looks[:, 0] == 1)
    if len(panel):
        u, v, length = along[panel], up[panel], looks[panel, 1]
        footprint = pixels.pixel_m[panel]
        seams = np.zeros_like(u)
        for share in (0.30, 0.51, 0.70):
            seams = np.maximum(seams, stripe(u - share * length, 0.012, footprint))
        handles = np.zeros_like(u)
        for share in (0.37, 0.56):
            handle = stripe(u - share * length, 0.09, footprint) * stripe(v - 0.50, 0.02, footprint)
            handles = np.maximum(handles, handle)
        sill = np.clip((0.08 - v) / np.maximum(footprint, 1e-3) + 0.5, 0, 1)
        color[panel] *= (1 - 0.55 * np.maximum(seams, handles))[:, None]
        color[panel] += (np.float32(0.08) - color[panel]) * sill[:, None]
        share_up = v / np.maximum(looks[panel, 2] - 0.24, 0.1)
        normals[panel, 2] += (share_up - 0.42) * 0.9  # panels bulge
        normals[panel] = unit(normals[panel])
    gloss = 0.06 + 0.30 * (1 - np.abs(np.einsum("ni,ni->n", unit(pixels.rays), normals))) ** 3
    return color, normals, _reflection(pixels.rays, normals) ** 2 * gloss[:, None]


def _glass(pixels: Pixels) -> Painted:
    normals = _normals(pixels)
    gloss = 0.22 + 0.5 * (1 - np.abs(np.einsum("ni,ni->n", unit(pixels.rays), normals))) ** 3
    mirrored = _reflection(pixels.rays, normals) ** 2 * gloss[:, None]
    return pixels.table.colors[pixels.surface], normals, mirrored


def _wheel(pixels: Pixels) -> Painted:
    along, up = pixels.coordinates()
    radius = np.hypot(along, up) / pixels.table.parameters[pixels.surface, 0]
    soft = pixels.pixel_m / pixels.table.parameters[pixels.surface, 0] + np.float32(0.02)
    rim = np.clip((0.66 - radius) / soft + 0.5, 0, 1)
    spokes = 0.62 + 0.38 * np.clip(np.cos(np.arctan2(up, along) * 5) * 3, -1, 1) * np.clip(
        (radius - 0.18) * 8, 0, 1
    )
    tyre = np.where(radius > 1.0, np.float32(0.045), np.float32(0.13))
    color = (
        tyre[:, None] + (pixels.table.colors[pixels.surface] * spokes[:, None] - tyre[:, None]) * rim[:, None]
    )
    return color.astype(np.float32), _normals(pixels), 0.0


def _fence(pixels: Pixels) -> Painted:
    normals = _normals(pixels)
    along, up = pixels.coordinates()
    footprint = pixels.footprint(normals)
    gap = stripe(periodic(along, 0.22), 0.045, footprint)
    rails = np.maximum(stripe(up - 0.25, 0.05, footprint), stripe(up - 0.88, 0.05, footprint))
    tone = 1 - 0.62 * gap * (1 - rails)
    return pixels.table.colors[pixels.surface] * tone[:, None], normals, 0.0


def _lamp(pixels: Pixels) -> Painted:
    color = pixels.table.colors[pixels.surface]
    return color, _normals(pixels), color**2 * np.float32(0.55)


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
