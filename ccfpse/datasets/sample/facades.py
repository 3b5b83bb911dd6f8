"""Walls of houses: storeys of windows, doors, shops, cornices."""

import numpy as np
from numpy.typing import NDArray

from ccfpse.datasets.sample.geometry import Floats
from ccfpse.datasets.sample.ground import periodic, stripe
from ccfpse.datasets.sample.textures import chance, cloudy, sample_pattern

FRAME = np.array([[0.90, 0.89, 0.86]], dtype=np.float32).T
CURTAIN = np.array([[0.74, 0.71, 0.64]], dtype=np.float32).T
DARK_GLASS = np.array([[0.14, 0.17, 0.20]], dtype=np.float32).T
SKY_GLASS = np.array([[0.42, 0.52, 0.62]], dtype=np.float32).T
TRIMS = np.array(
    [(0.55, 0.15, 0.13), (0.13, 0.36, 0.27), (0.15, 0.25, 0.45), (0.40, 0.26, 0.16), (0.80, 0.62, 0.25)],
    dtype=np.float32,
).T

N_LOOKS = 7
"""Numbers that describe a facade."""
FRAME_M = np.float32(0.13)
DOORS, CURTAINS = 0.22, 0.72
"""Share of doors among the ground floor's bays; share of windows without curtains."""
WINDOW, SHOP, DOOR = 0, 1, 2


def _blend(base: Floats, color: Floats, cover: Floats) -> Floats:
    return np.asarray(base + (color - base) * cover)


def facade_colors(u: Floats, v: Floats, wall: Floats, looks: Floats, footprint: Floats) -> Floats:
    """Colours (3, n) of points on facades.

    Args:
        u: metres along the wall from its corner.
        v: metres above its foot.
        wall: (3, n) colours of the walls.
        looks: (`N_LOOKS`, n): storey, bay, widths and heights of windows as shares of these, 1 for a shop,
            seed, height of the wall.
        footprint: width of a pixel on the wall in metres.
    """
    storey, bay, share, pane, shop, seed, top = looks
    soft = np.maximum(footprint, np.float32(1e-3))
    floor, column = np.floor(v / storey), np.floor(u / bay)
    du, dv = np.abs(u - (column + 0.5) * bay), v - floor * storey
    ground_floor = floor == 0
    is_shop = ground_floor & (shop > 0)
    is_door = ground_floor & ~is_shop & (chance(column, seed) < DOORS)
    half = np.where(is_shop, bay * 0.43, np.where(is_door, np.float32(0.55), bay * share / 2))
    low = np.where(is_shop, 0.45, np.where(is_door, 0, storey * 0.28)).astype(np.float32)
    high = np.where(is_shop, 2.35, np.where(is_door, 2.15, storey * (0.28 + pane))).astype(np.float32)
    fits = ((floor + 1) * storey < top + 0.4) & (high + 0.1 < storey)
    inside = np.minimum(half - du, np.minimum(high - dv, dv - low))  # metres from the edge of the opening

    color = _masonry(u, v, wall, looks, footprint)
    trim = TRIMS.take((chance(seed, seed + 1) * TRIMS.shape[1]).astype(np.int32), axis=1)
    if is_shop.any():
        awning = is_shop * stripe(dv - 2.72, 0.24, footprint)
        color = _blend(color, trim * (1 - 0.25 * (np.floor(u / 0.4) % 2)), awning)
    under = (dv > low - 0.3) & (dv < low) & (du < half + 0.2) & ~ground_floor & fits
    sills = np.flatnonzero(under)
    cover = 0.8 * stripe(dv[sills] - low[sills] + 0.17, 0.06, footprint[sills])
    color[:, sills] *= 1 - 0.4 * cover

    opening = np.flatnonzero((inside > -FRAME_M - soft) & fits)
    kind = np.where(is_shop, SHOP, np.where(is_door, DOOR, WINDOW))[opening]
    luck = chance(floor[opening], column[opening], seed[opening])
    rise = np.clip((dv - low)[opening] / (high - low)[opening], 0, 1)
    glass = _glazing(
        kind, luck, rise, (high - dv)[opening], du[opening], footprint[opening], trim[:, opening]
    )
    frame = np.where(kind == SHOP, trim[:, opening] * np.float32(0.8), FRAME)
    edge = inside[opening] / soft[opening] + np.float32(0.5)
    around = _blend(color[:, opening], frame, np.clip(edge + FRAME_M / soft[opening], 0, 1))
    color[:, opening] = _blend(around, glass, np.clip(edge, 0, 1))
    return color


def _masonry(u: Floats, v: Floats, wall: Floats, looks: Floats, footprint: Floats) -> Floats:
    """The wall itself: stains, courses of bricks, a plinth, bands between storeys and a cornice."""
    storey, seed, top = looks[0], looks[5], looks[6]
    stain = sample_pattern(cloudy(1.2, 3), u * 9 + seed, v * 5)
    grit = sample_pattern(cloudy(0.3, 4), u * 30, v * 30) / (1 + 8 * footprint)
    tone = 1 + 0.035 * stain + 0.03 * grit
    is_brick = wall[0] - wall[2] > 0.28
    tone += 0.10 * is_brick * stripe(periodic(v, 0.2), 0.02, footprint)
    tone -= 0.16 * (v < 0.3)  # plinth
    band = stripe(v - storey * np.round(v / storey), 0.09, footprint) * (chance(seed) < 0.5) * (v > 1)
    cornice = stripe(v - top + 0.18, 0.2, footprint)
    pale = np.maximum(band * np.float32(0.6), cornice * np.float32(0.75))
    return _blend(wall * tone, wall * np.float32(0.55) + np.float32(0.42), pale)


def _glazing(
    kind: NDArray[np.int64],
    luck: Floats,
    rise: Floats,
    below: Floats,
    du: Floats,
    footprint: Floats,
    trim: Floats,
) -> Floats:
    """What fills openings: glass with the sky in it, some curtains, or a door.

    Args:
        kind: `WINDOW`, `SHOP` or `DOOR`, (n,).
        luck: 0..1, one number per opening.
        rise: 0 at the sill, 1 at the lintel.
        below: metres below the lintel.
        du: metres from the middle of the opening.
        footprint: width of a pixel in metres.
        trim: (3, n) colours of doors and shops.
    """
    color = DARK_GLASS + (SKY_GLASS - DARK_GLASS) * np.clip((rise * 0.9 + 0.25) * luck, 0, 1)
    has_curtain = (luck > CURTAINS) & (kind != SHOP) & (rise > (luck - CURTAINS) * 2.5)
    color = _blend(color, CURTAIN, has_curtain * np.float32(0.8))
    color *= 1 - 0.45 * np.clip(1 - below / 0.22, 0, 1)  # shade of the lintel
    color = np.where(kind == DOOR, trim * np.float32(0.85), color)
    return _blend(color, FRAME, stripe(du, 0.035, footprint) * (kind == WINDOW))
