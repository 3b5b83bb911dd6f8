"""What stands on pavements: lamp posts, traffic lights, signs, fences."""

from enum import Enum

import numpy as np

from ccfpse.datasets.sample.geometry import Color, Geometry, Material, Skin

FENCE, POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN = 13, 17, 19, 20
STEEL: Color = (0.47, 0.48, 0.48)
RED: Color = (0.80, 0.08, 0.08)
BLUE: Color = (0.08, 0.28, 0.68)
WHITE: Color = (0.92, 0.92, 0.90)
YELLOW: Color = (0.95, 0.75, 0.10)


class Furniture(Enum):
    """What can be put on a kerb."""

    LAMP = "street lamp"
    TRAFFIC_LIGHT = "traffic light"
    SIGN = "road sign"

    @property
    def height(self) -> float:
        """In metres."""
        return {Furniture.LAMP: 6.2, Furniture.TRAFFIC_LIGHT: 3.7, Furniture.SIGN: 3.0}[self]


def add_furniture(
    scene: Geometry, rng: np.random.Generator, kind: Furniture, x: float, y: float, outward: int
) -> None:
    """Add something to the kerb on the left (`outward` -1) or on the right (1) of the carriageway.

    It faces drivers on its side of the road.
    """
    if kind is Furniture.LAMP:
        add_lamp_post(scene, x, y, -outward)
    elif kind is Furniture.TRAFFIC_LIGHT:
        add_traffic_light(scene, rng, x, y, -outward)
    else:
        add_sign(scene, rng, x, y, -outward)


def add_post(scene: Geometry, x: float, y: float, height: float, thickness: float) -> None:
    """Add an upright pole with five sides, which look round at its size."""
    skin = Skin(POLE, STEEL)
    angles = np.arange(5) * (2 * np.pi / 5)
    ring = [(float(x + thickness / 2 * np.cos(a)), float(y + thickness / 2 * np.sin(a))) for a in angles]
    scene.walls(ring, 0.0, height, [skin] * 5)


def add_lamp_post(scene: Geometry, x: float, y: float, inward: int) -> None:
    """Add a street lamp whose arm reaches over the road, towards +x or -x as `inward` says."""
    add_post(scene, x, y, 6.2, 0.22)
    low, high = sorted((x, x + inward * 1.6))
    scene.box((low, y - 0.06, 6.05), (high, y + 0.06, 6.2), Skin(POLE, STEEL))
    end = x + inward * 1.7
    scene.box((end - 0.35, y - 0.16, 5.95), (end + 0.35, y + 0.16, 6.2), Skin(POLE, (0.62, 0.62, 0.58)))


def add_traffic_light(scene: Geometry, rng: np.random.Generator, x: float, y: float, facing: int) -> None:
    """Add a traffic light on a pole; it shows its lamps to -y or +y as `facing` says."""
    add_post(scene, x, y, 2.6, 0.16)
    housing = Skin(TRAFFIC_LIGHT, (0.13, 0.14, 0.13))
    scene.box((x - 0.22, y - 0.2, 2.45), (x + 0.22, y + 0.2, 3.65), housing)
    lit = int(rng.integers(3))
    colors: tuple[Color, ...] = ((0.1, 0.9, 0.45), (0.98, 0.70, 0.10), (0.98, 0.12, 0.08))
    for i, color in enumerate(colors):
        glow = color if i == lit else (color[0] * 0.28, color[1] * 0.28, color[2] * 0.28)
        skin = Skin(TRAFFIC_LIGHT, glow, Material.LAMP)
        scene.disc((x, y + facing * 0.215, 2.65 + 0.39 * i), (-facing * 0.155, 0, 0), (0, 0, 0.155), skin, 10)


def add_sign(scene: Geometry, rng: np.random.Generator, x: float, y: float, facing: int) -> None:
    """Add a road sign that faces -y or +y as `facing` says: a warning, an order, parking or priority."""
    add_post(scene, x, y, 2.5, 0.10)
    kind = int(rng.integers(5))
    size = float(rng.uniform(0.36, 0.46))

    def layer(shape: str, scale: float, color: Color, step: int) -> None:
        skin = Skin(TRAFFIC_SIGN, color)
        centre = (x, y + facing * (0.06 + 0.012 * step), 2.45)
        across, rise = -facing * size * scale, size * scale
        if shape == "disc":
            scene.disc(centre, (across, 0, 0), (0, 0, rise), skin, 14)
        elif shape == "octagon":
            scene.disc(centre, (across, 0, 0), (0, 0, rise), skin, 8)
        elif shape == "triangle":
            scene.disc(centre, (across * 1.1, 0, 0), (0, 0, rise * 1.1), skin, 3)
        elif shape == "diamond":
            scene.polygon(
                [
                    (x - across, centre[1], 2.45),
                    (x, centre[1], 2.45 - rise),
                    (x + across, centre[1], 2.45),
                    (x, centre[1], 2.45 + rise),
                ],
                skin,
            )
        else:
            scene.panel(centre, (across, 0, 0), (0, 0, rise), skin)

    def bar(width: float, height: float, color: Color) -> None:
        centre = (x, y + facing * 0.1, 2.45)
        scene.panel(centre, (-facing * size * width, 0, 0), (0, 0, size * height), Skin(TRAFFIC_SIGN, color))

    if kind == 0:
        layer("triangle", 1.0, RED, 0)
        layer("triangle", 0.62, WHITE, 1)
        bar(0.07, 0.22, (0.1, 0.1, 0.1))
    elif kind == 1:
        layer("disc", 1.0, RED, 0)
        bar(0.66, 0.17, WHITE)
    elif kind == 2:
        layer("square", 0.95, BLUE, 0)
        layer("square", 0.45, WHITE, 1)
    elif kind == 3:
        layer("diamond", 1.1, WHITE, 0)
        layer("diamond", 0.82, YELLOW, 1)
    else:
        layer("disc", 1.0, RED, 0)
        layer("disc", 0.72, WHITE, 1)
        bar(0.3, 0.28, (0.12, 0.12, 0.12))


def add_fence(scene: Geometry, x: float, start: float, stop: float, color: Color) -> None:
    """Add a paling along the street, from y = start to stop."""
    skin = Skin(FENCE, color, Material.FENCE)
    scene.box((x - 0.04, start, 0), (x + 0.04, stop, 1.05), skin)
