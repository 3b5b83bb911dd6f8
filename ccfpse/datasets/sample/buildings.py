"""Houses: a box with facades and a flat or a pitched roof."""

from dataclasses import dataclass

import numpy as np

from ccfpse.datasets.sample.geometry import Color, Geometry, Material, Skin

BUILDING = 11
WALLS: tuple[Color, ...] = (
    (0.86, 0.79, 0.64),
    (0.82, 0.68, 0.47),
    (0.66, 0.42, 0.33),
    (0.82, 0.62, 0.52),
    (0.78, 0.74, 0.68),
    (0.88, 0.85, 0.78),
    (0.72, 0.58, 0.44),
)
ROOFS: tuple[Color, ...] = ((0.55, 0.29, 0.22), (0.48, 0.33, 0.27), (0.38, 0.35, 0.35))


@dataclass(frozen=True, slots=True)
class House:
    """An upright block, its ridge along y if it has one."""

    x: tuple[float, float]
    y: tuple[float, float]
    height: float
    """Of the eaves."""
    ridge: float
    """Height of the ridge above the eaves; 0 for a flat roof."""


def add_house(scene: Geometry, rng: np.random.Generator, house: House) -> None:
    """Add a house with windows on all its sides and a shop on the ground floor now and then."""
    (x0, x1), (y0, y1), top = house.x, house.y, house.height
    color = WALLS[rng.integers(len(WALLS))]
    storey = float(rng.uniform(2.9, 3.5))
    bay = float(rng.uniform(2.0, 3.2))
    window = float(rng.uniform(0.36, 0.52))  # width, of the bay
    pane = float(rng.uniform(0.44, 0.60))  # height, of the storey
    shop = float(rng.random() < 0.35)
    seed = float(rng.integers(1 << 14))

    def facade(width: float, spacing: float, share: float, has_shop: float) -> Skin:
        fitted = width / max(1, round(width / spacing))
        return Skin(BUILDING, color, Material.FACADE, (storey, fitted, share, pane, has_shop, seed, top))

    front, flank = facade(y1 - y0, bay, window, shop), facade(x1 - x0, bay * 1.6, window * 0.6, 0.0)
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    scene.walls(corners, 0.0, top, [flank, front, flank, front])
    roof = Skin(BUILDING, ROOFS[rng.integers(len(ROOFS))], Material.ROOF)
    if house.ridge == 0:
        scene.polygon(
            [(x0, y0, top), (x1, y0, top), (x1, y1, top), (x0, y1, top)], Skin(BUILDING, (0.50, 0.48, 0.46))
        )
        return
    middle, peak = (x0 + x1) / 2, top + house.ridge
    drop, out = 0.35 * house.ridge / (x1 - x0) * 2, 0.35
    scene.polygon(
        [(x0 - out, y1, top - drop), (x0 - out, y0, top - drop), (middle, y0, peak), (middle, y1, peak)], roof
    )
    scene.polygon(
        [(x1 + out, y0, top - drop), (x1 + out, y1, top - drop), (middle, y1, peak), (middle, y0, peak)], roof
    )
    gable = Skin(BUILDING, color)
    scene.polygon([(x0, y0, top), (x1, y0, top), (middle, y0, peak)], gable)
    scene.polygon([(x1, y1, top), (x0, y1, top), (middle, y1, peak)], gable)
    if rng.random() < 0.7:
        cy = float(rng.uniform(y0 + 0.5, y1 - 1.5))
        brick = Skin(BUILDING, (0.52, 0.33, 0.27))
        scene.box((middle - 0.9, cy, top), (middle - 0.1, cy + 0.8, peak + 0.9), brick)
