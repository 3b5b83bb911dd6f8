"""People and plants, built of ellipsoids."""

import numpy as np

from ccfpse.datasets.sample.geometry import Color, Geometry, Material, Point, Skin

PERSON, VEGETATION = 24, 21
COATS: tuple[Color, ...] = (
    (0.75, 0.14, 0.14),
    (0.15, 0.26, 0.55),
    (0.90, 0.88, 0.84),
    (0.16, 0.16, 0.18),
    (0.85, 0.62, 0.15),
    (0.20, 0.45, 0.38),
    (0.60, 0.25, 0.50),
    (0.45, 0.36, 0.28),
)
TROUSERS: tuple[Color, ...] = ((0.14, 0.17, 0.28), (0.12, 0.12, 0.13), (0.42, 0.38, 0.32), (0.28, 0.32, 0.40))
COMPLEXIONS: tuple[Color, ...] = ((0.88, 0.69, 0.58), (0.72, 0.52, 0.40), (0.45, 0.30, 0.22))
HAIR: tuple[Color, ...] = ((0.12, 0.09, 0.07), (0.32, 0.20, 0.12), (0.66, 0.52, 0.30), (0.55, 0.55, 0.55))


def add_person(
    scene: Geometry, rng: np.random.Generator, x: float, y: float, heading: float, instance: int
) -> None:
    """Add somebody walking; `heading` is the direction from the y axis, anticlockwise."""
    tall = float(rng.uniform(0.90, 1.08))
    stride = float(rng.uniform(0.05, 0.30)) * (1 if rng.random() < 0.5 else -1)
    ahead = np.array([-np.sin(heading), np.cos(heading)])
    right = np.array([np.cos(heading), np.sin(heading)])

    def at(side: float, forward: float, height: float) -> Point:
        px, py = np.array([x, y]) + side * right + forward * ahead
        return float(px), float(py), height * tall

    def skin(color: Color) -> Skin:
        return Skin(PERSON, color, instance=instance)

    coat, trousers = skin(COATS[rng.integers(len(COATS))]), skin(TROUSERS[rng.integers(len(TROUSERS))])
    face, hair = skin(COMPLEXIONS[rng.integers(len(COMPLEXIONS))]), skin(HAIR[rng.integers(len(HAIR))])
    shoe = skin((0.1, 0.09, 0.09))
    for side in (1, -1):
        swing = side * stride
        scene.limb(at(side * 0.09, 0, 0.95), at(side * 0.10, swing, 0.08), 0.085, trousers)
        scene.limb(at(side * 0.10, swing - 0.06, 0.05), at(side * 0.10, swing + 0.18, 0.04), 0.05, shoe)
        scene.limb(at(side * 0.22, 0, 1.42), at(side * 0.26, -swing * 0.9, 0.90), 0.065, coat)
        scene.ellipsoid(at(side * 0.26, -swing * 1.0, 0.84), (0.05, 0.05, 0.07), face)
    axes = np.array([[*right, 0], [*ahead, 0], [0, 0, 1]], dtype=np.float32)
    scene.ellipsoid(at(0, 0, 1.18), (0.215, 0.14, 0.36 * tall), coat, axes)
    scene.ellipsoid(at(0, 0, 1.62), (0.095, 0.105, 0.13), face)
    scene.ellipsoid(at(0, -0.025, 1.665), (0.105, 0.11, 0.115), hair)


def add_tree(
    scene: Geometry, rng: np.random.Generator, x: float, y: float, height: float, n_balls: int
) -> None:
    """Add a tree whose crown is made of so many balls of leaves."""
    trunk = height * float(rng.uniform(0.28, 0.40))
    radius = height * float(rng.uniform(0.20, 0.30))
    bark = Skin(VEGETATION, (0.34, 0.27, 0.20))
    thick = 0.035 * height * float(rng.uniform(0.7, 1.1))
    lean = rng.normal(0, 0.03 * height, size=2)
    scene.limb((x, y, -0.3), (x + lean[0], y + lean[1], trunk + radius), thick, bark)
    hue = rng.uniform(-1, 1)
    color = (0.30 + 0.05 * hue, 0.42 + 0.03 * hue, 0.14 - 0.02 * hue)
    leaves = Skin(VEGETATION, color, Material.LEAVES, (float(rng.uniform(0, 500)),))
    middle = trunk + radius * 0.9
    for i in range(n_balls):
        angle, out = i * 2.4 + float(rng.uniform(0, 0.8)), (0.0 if i == 0 else 0.62) * radius
        lift = radius * (0.45 if i == 0 else float(rng.uniform(-0.45, 0.75)))
        size = radius * float(rng.uniform(0.62, 0.8) if i else 0.95)
        centre = (
            float(x + lean[0] + out * np.cos(angle)),
            float(y + lean[1] + out * np.sin(angle)),
            middle + lift,
        )
        scene.ellipsoid(centre, (size, size, size * 0.85), leaves, ragged=0.75)


def add_bush(scene: Geometry, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    """Add a bush."""
    hue = rng.uniform(-1, 1)
    color = (0.27 + 0.05 * hue, 0.40, 0.13)
    leaves = Skin(VEGETATION, color, Material.LEAVES, (float(rng.uniform(0, 500)),))
    centre = (x, y, size * 0.45)
    scene.ellipsoid(centre, (size, size * float(rng.uniform(0.8, 1.3)), size * 0.75), leaves, ragged=0.5)
