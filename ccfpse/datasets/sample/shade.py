"""From what every pixel sees to the light it receives: materials, sun, sky and haze."""

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample import ground
from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.geometry import Floats, Material, SurfaceTable
from ccfpse.datasets.sample.materials import PAINTERS, Pixels
from ccfpse.datasets.sample.place import Light, Street
from ccfpse.datasets.sample.raster import Buffers
from ccfpse.datasets.sample.shadows import ShadowMap
from ccfpse.datasets.sample.sky import sky_colors

HAZE = np.array([0.66, 0.73, 0.80], dtype=np.float32) ** 2
"""Linear."""


def shade(
    camera: Camera, buffers: Buffers, table: SurfaceTable, street: Street, light: Light, shadows: ShadowMap
) -> tuple[Floats, NDArray[np.uint8]]:
    """Linear light (H, W, 3) and Cityscapes label ids (H, W) of a picture."""
    H, W = camera.size
    order = np.argsort(
        table.materials[buffers.surfaces.ravel()], kind="stable"
    )  # one run of pixels per material
    surfaces = buffers.surfaces.ravel()[order]
    ends = np.searchsorted(table.materials[surfaces], np.arange(len(Material)), side="right")
    nearness = buffers.nearness.ravel()[order]
    rays = camera.rays().reshape(-1, 3)[order]
    labels = table.labels[surfaces]
    linear = np.empty((H * W, 3), dtype=np.float32)
    for material in Material:
        run = slice(int(ends[material - 1]) if material else 0, int(ends[material]))
        if run.start == run.stop:
            continue
        if material is Material.SKY:
            linear[run] = sky_colors(rays[run], light, float(street.texture_seed)) ** 2
            continue
        pixels = Pixels(surfaces[run], rays[run], np.reciprocal(nearness[run]), camera, table)
        if material is Material.GROUND:
            albedo, normals, extra, labels[run] = _ground(pixels, street, shadows)
        else:
            albedo, normals, extra = PAINTERS[material](pixels)
        clear = np.exp(pixels.pixel_m * np.float32(-light.haze_per_m * camera.focal_px))[:, None]
        linear[run] = (_light(pixels, albedo, normals, light, shadows) + extra - HAZE) * clear + HAZE
    image, ids = np.empty_like(linear), np.empty_like(labels)
    image[order], ids[order] = linear, labels
    return image.reshape(H, W, 3), ids.reshape(H, W)


def _ground(
    pixels: Pixels, street: Street, shadows: ShadowMap
) -> tuple[Floats, Floats, Floats | float, NDArray[np.uint8]]:
    at = ground.locate(pixels.points, street)
    labels = ground.classes(at, street)
    normals = np.broadcast_to(np.array([0, 0, 1], dtype=np.float32), pixels.points.shape)
    albedo = ground.colors(at, labels, street, pixels.footprint(normals))
    return albedo * (1 - 0.5 * shadows.enclosed(pixels.points))[:, None], normals, 0.0, labels


def _light(pixels: Pixels, albedo: Floats, normals: Floats, light: Light, shadows: ShadowMap) -> Floats:
    """Linear light from surfaces under sun and sky."""
    toward = normals @ light.toward_sun
    direct = np.zeros(len(toward), dtype=np.float32)
    lit = np.flatnonzero(toward > 0)
    direct[lit] = toward[lit] * shadows.sunlit(pixels.points[lit])
    open_sky = 0.62 + 0.38 * normals[:, 2]
    near_ground = 0.75 + 0.25 * np.clip(pixels.points[:, 2] / 1.2, 0, 1)
    ambient = np.where(pixels.surface == 1, open_sky, open_sky * near_ground)
    return np.asarray(
        albedo**2 * (direct[:, None] * light.sun + ambient[:, None] * light.sky), dtype=np.float32
    )
