"""The ground of a street: which class every point of it has, and its colour."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample.geometry import Floats
from ccfpse.datasets.sample.place import Side, Street
from ccfpse.datasets.sample.textures import cloudy, sample_pattern

ROAD, SIDEWALK, TERRAIN = 7, 8, 22
ASPHALT = np.array([[0.335, 0.335, 0.35]], dtype=np.float32).T
PAVING = np.array([[0.66, 0.60, 0.58]], dtype=np.float32).T
KERB = np.array([[0.74, 0.72, 0.70]], dtype=np.float32).T
GRASS = np.array([[0.47, 0.55, 0.25]], dtype=np.float32).T
SOIL = np.array([[0.56, 0.48, 0.33]], dtype=np.float32).T
PAINT = np.array([[0.90, 0.90, 0.88]], dtype=np.float32).T


class Where(NamedTuple):
    """Points of the ground relative to the street, each (n,)."""

    x: Floats
    y: Floats
    across: Floats
    """Distance from the street's middle."""
    side: NDArray[np.int32]
    from_crossing: Floats
    """Distance from the nearest side street's carriageway along y; negative on it."""


def locate(points: Floats, street: Street) -> Where:
    """Points (2 or more, n) relative to a street."""
    x, y = points[0], points[1]
    from_crossing = np.full(len(x), 1e3, dtype=np.float32)
    for middle, width in street.crossings:
        np.minimum(from_crossing, np.abs(y - np.float32(middle)) - np.float32(width), out=from_crossing)
    return Where(x, y, np.abs(x), (x > 0).astype(np.int32), from_crossing)


def classes(at: Where, street: Street) -> NDArray[np.uint8]:
    """Cityscapes label ids of points."""
    walks = np.array(street.walks, dtype=np.float32)[at.side]
    green = np.array([s is not Side.HOUSES for s in street.sides])[at.side]
    beyond = at.across - street.half_width - walks
    path = np.abs(beyond - 7 - 3 * np.sin(at.y * np.float32(0.11))) < 1.3
    is_park = np.array([s is Side.PARK for s in street.sides])[at.side]
    labels = np.where(green & ~(path & is_park), TERRAIN, SIDEWALK)
    labels[beyond > 28] = TERRAIN
    labels[(beyond < 0) | (at.from_crossing < street.crossing_walk)] = SIDEWALK
    labels[(at.across < street.half_width) | (at.from_crossing < 0)] = ROAD
    if street.median:
        labels[(at.across < street.median) & (at.from_crossing > 3.6)] = TERRAIN
    return labels.astype(np.uint8)


def stripe(distance: Floats, half_width: float, footprint: Floats) -> Floats:
    """How much of a pixel of this footprint a stripe covers whose middle is at a distance."""
    blur = np.maximum(footprint, np.float32(1e-3))
    cover = np.clip((half_width - np.abs(distance)) / blur + np.float32(0.5), 0, 1)
    return np.asarray(cover * np.minimum(1, 2 * half_width / blur), dtype=np.float32)


def periodic(position: Floats, period: float) -> Floats:
    """Signed distance from the nearest multiple of a period."""
    return np.asarray(position - period * np.round(position / period), dtype=np.float32)


def colors(at: Where, labels: NDArray[np.uint8], street: Street, footprint: Floats) -> Floats:
    """Colours (3, n) of points; `footprint` is the width of a pixel on the ground in metres."""
    shift = np.float32(street.texture_seed % 997)
    fine = sample_pattern(cloudy(0.25, 1), at.x * 28 + shift, at.y * 28)
    broad = sample_pattern(cloudy(1.3, 2), at.x * 7 + shift, at.y * 7 + shift)
    grain = fine / (1 + 6 * footprint)
    result = np.empty((3, len(labels)), dtype=np.float32)
    for label, paint in ((ROAD, _road), (SIDEWALK, _sidewalk), (TERRAIN, _terrain)):
        chosen = np.flatnonzero(labels == label)
        if len(chosen):
            part = Where(
                at.x[chosen], at.y[chosen], at.across[chosen], at.side[chosen], at.from_crossing[chosen]
            )
            result[:, chosen] = paint(part, street, footprint[chosen], grain[chosen], broad[chosen])
    return result


def _road(at: Where, street: Street, footprint: Floats, grain: Floats, broad: Floats) -> Floats:
    tone = 1 + 0.07 * grain + 0.05 * broad
    half = street.half_width
    tone -= 0.10 * stripe(at.across - half, 0.3, footprint) * (at.from_crossing > 0)  # gutter
    lane_middle = 1.55 + street.median if half < 6.5 else 3.6 + street.median / 2
    tone -= 0.05 * stripe(np.abs(at.across - lane_middle) - 0.75, 0.3, footprint)  # worn by wheels
    on_street = (at.from_crossing > 3.6) & (at.across < half)
    cover = np.zeros_like(tone)
    dashes = stripe(periodic(at.y, 7.5), 1.6, footprint * 2)
    if half > 3.2:
        if not street.median:
            cover = stripe(at.x, 0.075, footprint) * dashes
        cover += stripe(at.across - (half - 2.2), 0.06, footprint)
    if half > 6.5:
        cover += stripe(at.across - (half - 2.2 + street.median) / 2, 0.075, footprint) * dashes
    cover *= on_street
    if half > 2.4:
        zebra = (at.from_crossing > 0.5) & (at.from_crossing < 3.1) & (at.across < half - 0.2)
        cover += zebra * stripe(periodic(at.x, 1.0), 0.26, footprint)
        cover += stripe(at.from_crossing - 4.0, 0.16, footprint * 1.5) * (at.across < half - 0.2)
    worn = np.clip(cover, 0, 1) * np.clip(0.92 + 0.10 * broad - 0.06 * grain, 0, 1)
    return np.asarray((ASPHALT * tone) * (1 - worn) + PAINT * worn)


def _sidewalk(at: Where, street: Street, footprint: Floats, grain: Floats, broad: Floats) -> Floats:
    slab = 0.6 if street.texture_seed % 2 else 0.9
    joints = np.maximum(
        stripe(periodic(at.x, slab), 0.018, footprint), stripe(periodic(at.y, slab), 0.018, footprint)
    )
    tone = 1 + 0.045 * grain + 0.05 * broad - 0.28 * joints
    beside_kerb = np.minimum(np.abs(at.across - street.half_width), np.abs(at.from_crossing))
    kerb = stripe(beside_kerb, 0.17, footprint)
    edge = stripe(beside_kerb - 0.19, 0.02, footprint)
    return np.asarray(((PAVING * tone) * (1 - kerb) + KERB * (kerb * (1 + 0.04 * grain))) * (1 - 0.35 * edge))


def _terrain(at: Where, street: Street, footprint: Floats, grain: Floats, broad: Floats) -> Floats:
    bare = np.clip(0.25 * broad - 0.12, 0, 0.7)
    blades = 1 + 0.16 * grain + 0.06 * broad
    return np.asarray((GRASS * (1 - bare) + SOIL * bare) * blades)
