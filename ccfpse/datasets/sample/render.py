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
from ccfpse.datasets.sample.textures import speckle

SIZE = (256, 512)
SPECKLES = 100_000
"""Places at which the noise of a photograph may start."""
KNEE = 0.8
"""Display brightness above which highlights are compressed."""


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
    _, H, W = linear.shape
    shown = np.sqrt(np.maximum(linear, 0))
    key = float(np.median(shown[:, ::8, ::8]))
    shown *= np.float32(np.clip(0.50 / max(key, 0.05), 0.92, 1.22))
    bright = shown > KNEE
    shown[bright] = KNEE + (1 - KNEE) * np.tanh((shown[bright] - KNEE) / (1 - KNEE))
    shown = _soften_edges(shown, surfaces * 256 + labels)
    y, x = np.linspace(-1, 1, H, dtype=np.float32)[:, None], np.linspace(-1, 1, W, dtype=np.float32)
    shown *= 1 - 0.06 * x * x - 0.04 * y * y
    start = int(rng.integers(SPECKLES))  # of the sensor's noise, common to the colours and of each
    noise = speckle(SPECKLES + 4 * H * W, 3)[start : start + 4 * H * W].reshape(4, H, W)
    shown += noise[0] * np.float32(0.013)
    shown += noise[1:] * np.float32(0.004)
    shown *= 255
    shown += 0.5
    bytes_ = np.clip(shown, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(bytes_.transpose(1, 2, 0))


def _soften_edges(shown: Floats, parts: NDArray[np.int32]) -> Floats:
    """Blurs where two surfaces meet, since one sample per pixel makes stairs there."""
    edge = np.zeros(parts.shape, dtype=bool)
    across, down = parts[:, 1:] != parts[:, :-1], parts[1:] != parts[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    blurred = np.empty_like(shown)
    for channel, result in zip(shown, blurred, strict=True):
        padded = np.pad(channel, 1, mode="edge")
        tall = padded[:-2] + 2 * padded[1:-1] + padded[2:]
        result[:] = tall[:, :-2] + 2 * tall[:, 1:-1] + tall[:, 2:]
    return np.where(edge, blurred / 16, shown)
