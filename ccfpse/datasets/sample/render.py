"""One scene as a photograph with its labels: the renderer's entry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample.geometry import Floats
from ccfpse.datasets.sample.place import draw_camera, draw_light, draw_street
from ccfpse.datasets.sample.raster import rasterise
from ccfpse.datasets.sample.scene import build_scene
from ccfpse.datasets.sample.shade import shade
from ccfpse.datasets.sample.shadows import cast_shadows

SIZE = (256, 512)


@dataclass(frozen=True, slots=True)
class Scene:
    """A rendered street with its annotation in Cityscapes' coding."""

    pixels: NDArray[np.uint8]
    """(H, W, 3), RGB."""
    label_ids: NDArray[np.uint8]
    """(H, W), Cityscapes label ids."""
    instance_ids: NDArray[np.uint16]
    """(H, W): label id · 1000 + number for people and cars, the label id elsewhere."""


def render_scene(seed: int, index: int, size: tuple[int, int] = SIZE) -> Scene:
    """The scene that belongs to a seed and an index, the same on every call.

    Args:
        seed: of the data set, 0 or more.
        index: of the scene in it, 0 or more.
        size: (height, width) in pixels.
    """
    rng = np.random.default_rng([seed, index])
    street = draw_street(rng)
    camera = draw_camera(rng, street, size)
    light = draw_light(rng, camera)
    shapes, footprints = build_scene(street, camera, rng)
    table = shapes.table()
    buffers = rasterise(camera, shapes, table.normals)
    shadows = cast_shadows(shapes, table, footprints, camera, light.toward_sun)
    linear, labels = shade(camera, buffers, table, street, light, shadows)
    instances = table.instances[buffers.surfaces]
    instances = np.where(instances < 1000, labels, instances).astype(np.uint16)
    return Scene(_expose(linear, buffers.surfaces, labels, rng), labels, instances)


def _expose(
    linear: Floats, surfaces: NDArray[np.int32], labels: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A photograph of linear light: smooth edges, exposure, a darker rim, sensor noise."""
    H, W, _ = linear.shape
    shown = np.sqrt(np.maximum(linear, 0))
    key = float(np.median(shown[::8, ::8]))
    shown *= np.float32(np.clip(0.50 / max(key, 0.05), 0.92, 1.22))
    shown = np.where(shown > 0.8, 0.8 + 0.2 * np.tanh((shown - 0.8) / 0.2), shown)
    shown = _soften_edges(shown, surfaces * 256 + labels)
    y, x = np.linspace(-1, 1, H, dtype=np.float32)[:, None], np.linspace(-1, 1, W, dtype=np.float32)
    rim = 1 - 0.10 * (x * x * 0.6 + y * y * 0.4)
    grain = rng.standard_normal((H, W), dtype=np.float32) * np.float32(0.013)
    tint = rng.standard_normal((H // 2, W // 2, 3), dtype=np.float32) * np.float32(0.006)
    shown = shown * rim[..., None] + grain[..., None] + tint.repeat(2, axis=0).repeat(2, axis=1)
    return np.asarray(np.clip(shown * 255 + 0.5, 0, 255), dtype=np.uint8)


def _soften_edges(shown: Floats, parts: NDArray[np.int32]) -> Floats:
    """Blurs where two surfaces meet, since one sample per pixel makes stairs there."""
    edge = np.zeros(parts.shape, dtype=bool)
    across, down = parts[:, 1:] != parts[:, :-1], parts[1:] != parts[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    padded = np.pad(shown, ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    blurred = (tall[:, :-2] + 2 * tall[:, 1:-1] + tall[:, 2:]) / 16
    return np.where(edge[..., None], blurred, shown)
