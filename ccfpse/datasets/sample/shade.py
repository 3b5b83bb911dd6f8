"""From what every pixel sees to the light it receives: materials, sun, sky and haze."""

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample import ground
from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.geometry import GROUND_ROW, Floats, Material, SurfaceTable, dot
from ccfpse.datasets.sample.materials import PAINTERS, Pixels
from ccfpse.datasets.sample.place import Light, Street
from ccfpse.datasets.sample.raster import Buffers
from ccfpse.datasets.sample.shadows import ShadowMap
from ccfpse.datasets.sample.sky import sky_colors

HAZE = np.array([0.66, 0.73, 0.80], dtype=np.float32)[:, None] ** 2
"""Linear."""


def shade(
    camera: Camera, buffers: Buffers, table: SurfaceTable, street: Street, light: Light, shadows: ShadowMap
) -> tuple[Floats, NDArray[np.uint8]]:
    """Linear light (3, H, W) and Cityscapes label ids (H, W) of a picture."""
    H, W = camera.size
    kinds = table.materials.take(buffers.surfaces.ravel())
    order = np.argsort(kinds, kind="stable")  # one run of pixels per material
    ends = np.cumsum(np.bincount(kinds, minlength=len(Material)))
    surfaces = buffers.surfaces.ravel().take(order)
    nearness = buffers.nearness.ravel().take(order)
    rays = camera.rays().reshape(3, -1).take(order, axis=1)
    labels = table.labels.take(surfaces)
    linear = np.empty((3, H * W), dtype=np.float32)
    for material in Material:
        run = slice(int(ends[material - 1]) if material else 0, int(ends[material]))
        if run.start == run.stop:
            continue
        if material is Material.SKY:
            linear[:, run] = sky_colors(rays[:, run], light, float(street.texture_seed % 512)) ** 2
            continue
        pixels = Pixels(surfaces[run], rays[:, run], np.reciprocal(nearness[run]), camera, table)
        if material is Material.GROUND:
            albedo, normals, extra, labels[run] = _ground(pixels, street, shadows)
        else:
            albedo, normals, extra = PAINTERS[material](pixels)
        clear = np.exp(pixels.pixel_m * np.float32(-light.haze_per_m * camera.focal_px))
        linear[:, run] = (_light(pixels, albedo, normals, light, shadows) + extra - HAZE) * clear + HAZE
    image, ids = np.empty_like(linear), np.empty_like(labels)
    for sorted_channel, channel in zip(linear, image, strict=True):
        channel[order] = sorted_channel
    ids[order] = labels
    return image.reshape(3, H, W), ids.reshape(H, W)


def _ground(
    pixels: Pixels, street: Street, shadows: ShadowMap
) -> tuple[Floats, Floats, Floats | float, NDArray[np.uint8]]:
    at = ground.locate(pixels.points, street)
    labels = ground.classes(at, street)
    normals = np.broadcast_to(np.array([[0], [0], [1]], dtype=np.float32), pixels.points.shape)
    albedo = ground.colors(at, labels, street, pixels.footprint(normals))
    return albedo * (1 - 0.5 * shadows.enclosed(pixels.points)), normals, 0.0, labels


def _light(pixels: Pixels, albedo: Floats, normals: Floats, light: Light, shadows: ShadowMap) -> Floats:
    """Linear light (3, n) from surfaces under sun and sky."""
    toward = dot(normals, light.toward_sun)
    lit = np.flatnonzero(toward > 0)
    direct = np.zeros_like(toward)
    direct[lit] = toward[lit] * shadows.sunlit(pixels.points.take(lit, axis=1))
    ambient = 0.62 + 0.38 * normals[2]
    if pixels.surface[0] != GROUND_ROW:
        ambient *= 0.75 + 0.25 * np.clip(pixels.points[2] * np.float32(1 / 1.2), 0, 1)
    received = light.sun[:, None] * direct + light.sky[:, None] * ambient
    return np.asarray(albedo * albedo * received, dtype=np.float32)
