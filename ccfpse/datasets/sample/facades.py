"""Walls of houses: storeys of windows, doors, shops, cornices."""

import numpy as np

from ccfpse.datasets.sample.geometry import Floats
from ccfpse.datasets.sample.ground import stripe
from ccfpse.datasets.sample.textures import chance, cloudy, sample_pattern

FRAME = np.array([0.90, 0.89, 0.86], dtype=np.float32)
CURTAIN = np.array([0.74, 0.71, 0.64], dtype=np.float32)
DARK_GLASS = np.array([0.14, 0.17, 0.20], dtype=np.float32)
SKY_GLASS = np.array([0.42, 0.52, 0.62], dtype=np.float32)
TRIMS = np.array(
    [(0.55, 0.15, 0.13), (0.13, 0.36, 0.27), (0.15, 0.25, 0.45), (0.40, 0.26, 0.16), (0.80, 0.62, 0.25)],
    dtype=np.float32,
)


def _blend(base: Floats, color: Floats, cover: Floats) -> Floats:
    return np.asarray(base + (color - base) * cover[:, None])


def facade_colors(u: Floats, v: Floats, wall: Floats, looks: Floats, footprint: Floats) -> Floats:
    """Colours (n, 3) of points on facades.

    Args:
        u: metres along the wall from its corner.
        v: metres above its foot.
        wall: (n, 3) colours of the walls.
        looks: (n, 7 or more): storey, bay, widths and heights of windows as shares of these, 1 for a shop,
            seed, height of the wall.
        footprint: width of a pixel on the wall in metres.
    """
    storey, bay, share, pane, shop, seed, top = (looks[:, i] for i in range(7))
    floor, column = np.floor(v / storey), np.floor(u / bay)
    du, dv = u - (column + 0.5) * bay, v - floor * storey
    ground_floor = floor == 0
    is_shop = ground_floor & (shop > 0)
    luck = chance(floor, column, seed)
    is_door = ground_floor & ~is_shop & (chance(column, seed) < 0.22)

    half_u = np.where(is_shop, bay * 0.43, np.where(is_door, np.float32(0.55), bay * share / 2))
    low = np.where(is_shop, 0.45, np.where(is_door, 0.0, storey * 0.28))
    high = np.where(is_shop, 2.35, np.where(is_door, 2.15, storey * (0.28 + pane)))
    middle, half_v = (low + high) / 2, (high - low) / 2
    fits = ((floor + 1) * storey < top + 0.4) & (high + 0.1 < storey)

    soft = np.maximum(footprint, np.float32(1e-3))
    reach = np.minimum((half_u - np.abs(du)) / soft, (half_v - np.abs(dv - middle)) / soft)
    outer = np.clip(reach + 0.5 + 0.13 / soft, 0, 1) * fits
    inner = np.clip(reach + 0.5, 0, 1) * fits

    stain = sample_pattern(cloudy(1.2, 3), u * 9 + seed, v * 5)
    grit = sample_pattern(cloudy(0.3, 4), u * 30, v * 30) / (1 + 8 * footprint)
    is_brick = wall[:, 0] - wall[:, 2] > 0.28
    rows = stripe(dv - 0.2 * np.round(dv / np.float32(0.2)), 0.02, footprint) * is_brick
    tone = 1 + 0.035 * stain + 0.03 * grit + 0.10 * rows
    tone *= 1 - 0.18 * np.clip(1 - v / 0.55, 0, 1).round()  # plinth
    color = wall * tone[:, None]
    band = stripe(v - storey * np.round(v / storey), 0.09, footprint) * (chance(seed) < 0.5) * (v > 1)
    cornice = stripe(v - top + 0.18, 0.2, footprint)
    color = _blend(color, wall * np.float32(0.55) + np.float32(0.42), np.maximum(band * 0.6, cornice * 0.75))

    trim = TRIMS[(chance(seed, looks[:, 5] + 1) * len(TRIMS)).astype(np.int32)]
    awning = is_shop * stripe(dv - 2.72, 0.24, footprint)
    stripes = 1 - 0.25 * (np.floor(u / 0.4) % 2)
    color = _blend(color, trim * stripes[:, None], awning)

    rise = np.clip((dv - low) / np.maximum(high - low, 0.1), 0, 1)
    pane_color = _blend(
        np.broadcast_to(DARK_GLASS, color.shape), SKY_GLASS, np.clip(rise * 0.9 * luck + 0.25 * luck, 0, 1)
    )
    pane_color = _blend(
        pane_color, CURTAIN, ((luck > 0.72) & ~is_shop & (rise > (luck - 0.72) * 2.5)) * np.float32(0.8)
    )
    pane_color = pane_color * (1 - 0.45 * np.clip(1 - (high - dv) / 0.22, 0, 1))[:, None]  # under the lintel
    pane_color = np.where(is_door[:, None], trim * np.float32(0.85), pane_color)
    bars = stripe(du, 0.035, footprint) * ~is_door * ~is_shop
    pane_color = _blend(pane_color, FRAME, bars)
    color = _blend(color, np.where(is_shop[:, None], trim * np.float32(0.8), FRAME), outer)
    color = _blend(color, pane_color, inner)
    sill = stripe(dv - low + 0.17, 0.06, footprint) * np.clip((half_u + 0.15 - np.abs(du)) / soft + 0.5, 0, 1)
    color = _blend(color, wall * np.float32(0.6), sill * fits * ~ground_floor * 0.8)
    return np.asarray(color, dtype=np.float32)
