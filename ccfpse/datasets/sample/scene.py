"""A street filled with houses and plants, and then with traffic."""

import numpy as np

from ccfpse.datasets.sample.buildings import House, add_house
from ccfpse.datasets.sample.camera import Camera
from ccfpse.datasets.sample.figures import VEGETATION, add_bush, add_tree
from ccfpse.datasets.sample.furniture import add_fence
from ccfpse.datasets.sample.geometry import Floats, Geometry, Material, Skin
from ccfpse.datasets.sample.place import Side, Street
from ccfpse.datasets.sample.stage import END_M, START_M, Stage
from ccfpse.datasets.sample.traffic import add_bonnet_of_own_car, add_cars, add_people, furnish_kerbs


def build_scene(street: Street, camera: Camera, rng: np.random.Generator) -> tuple[Geometry, list[Floats]]:
    """Everything that stands in a street, and the footprints of what touches the ground."""
    stage = Stage(street, camera, rng)
    for side in (0, 1):
        _line_side(stage, side)
    _close_horizon(stage)
    furnish_kerbs(stage)
    add_cars(stage)
    add_people(stage)
    if abs(camera.position[0]) < street.half_width and camera.position[2] < 2.4 and rng.random() < 0.35:
        add_bonnet_of_own_car(stage)
    return stage.shapes, stage.footprints


def _line_side(stage: Stage, side: int) -> None:
    """Houses, with gardens or without, or a park."""
    street, rng = stage.street, stage.rng
    outward = 1 if side else -1
    front = street.front(side)
    typical = rng.uniform(5, 17)
    y = START_M
    while y < END_M:
        width = float(rng.uniform(9, 20))
        blocked = [c for c in street.crossings if not _clear(street, c, y, y + width)]
        if blocked:
            end = min(c[0] - c[1] - street.crossing_walk for c in blocked)
            if end - y > 5:
                width = end - y
            else:
                y = max(c[0] + c[1] + street.crossing_walk for c in blocked)
                continue
        if street.sides[side] is Side.PARK:
            _add_park(stage, outward, front, y, y + width)
            _add_house(stage, outward, front + 34 + rng.uniform(0, 10), y, y + width, typical + 5)
        else:
            gap = rng.uniform(2, 5) if street.sides[side] is Side.GARDENS else 0.0
            _add_house(stage, outward, front, y, y + width - gap, typical)
            if street.sides[side] is Side.GARDENS:
                _add_garden(stage, outward, front, y, y + width)
        y += width
    for y in np.arange(START_M, END_M, 26):  # what one sees at the end of side streets
        _add_house(stage, outward, front + 62 + rng.uniform(0, 8), float(y), float(y) + 25, typical + 3)


def _clear(street: Street, crossing: tuple[float, float], start: float, stop: float) -> bool:
    y, w = crossing
    return stop <= y - w - street.crossing_walk + 1e-3 or start >= y + w + street.crossing_walk - 1e-3


def _add_house(stage: Stage, outward: int, front: float, start: float, stop: float, typical: float) -> None:
    if stop - start < 4:
        return
    rng = stage.rng
    height = max(4.5, typical + float(rng.uniform(-3.5, 3.5)))
    depth = float(rng.uniform(11, 22))
    x = (front, front + depth) if outward > 0 else (-front - depth, -front)
    if not stage.matters(sum(x) / 2, (start + stop) / 2, (depth + stop - start) / 2, height):
        return
    ridge = float(rng.uniform(2.2, 4.0)) if height < 15 and rng.random() < 0.7 else 0.0
    add_house(stage.shapes, rng, House(x, (start, stop), height, ridge))
    if stage.distance(outward * front, (start + stop) / 2) < 60:
        corners = [(x[0], start), (x[1], start), (x[1], stop), (x[0], stop)]
        stage.footprints.append(np.array(corners, dtype=np.float32))


def _add_garden(stage: Stage, outward: int, front: float, start: float, stop: float) -> None:
    street, rng = stage.street, stage.rng
    edge = front - street.yards[1 if outward > 0 else 0] + 0.35
    if rng.random() < 0.45:
        low, high = sorted((outward * edge, outward * (edge + 0.7)))
        skin = Skin(VEGETATION, (0.26, 0.38, 0.13), Material.LEAVES, (float(rng.uniform(0, 500)),))
        stage.shapes.box((low, start + 0.4, 0), (high, stop - 0.4, float(rng.uniform(0.8, 1.5))), skin)
    elif rng.random() < 0.6:
        color = (0.52, 0.36, 0.24) if rng.random() < 0.5 else (0.78, 0.76, 0.72)
        add_fence(stage.shapes, outward * edge, start + 0.3, stop - 0.3, color)
    for _ in range(int(rng.integers(0, 3))):
        y, x = float(rng.uniform(start, stop)), outward * float(rng.uniform(edge + 0.6, front - 0.6))
        if stage.distance(x, y) > 4 and stage.matters(x, y, 1, 1):
            add_bush(stage.shapes, rng, x, y, float(rng.uniform(0.5, 1.0)))
    x, y = outward * (edge + front) / 2, float(rng.uniform(start, stop))
    if rng.random() < 0.35 and stage.distance(x, y) > 8 and stage.matters(x, y, 4, 8):
        add_tree(stage.shapes, rng, x, y, float(rng.uniform(4, 8)), stage.crown_balls(x, y))


def _add_park(stage: Stage, outward: int, front: float, start: float, stop: float) -> None:
    rng = stage.rng
    for _ in range(int(rng.integers(1, 5))):
        x, y = outward * (front + float(rng.uniform(1.5, 30))), float(rng.uniform(start, stop))
        if stage.distance(x, y) > 7 and stage.matters(x, y, 5, 12):
            add_tree(stage.shapes, rng, x, y, float(rng.uniform(6, 12)), stage.crown_balls(x, y))
    for _ in range(int(rng.integers(0, 3))):
        x, y = outward * (front + float(rng.uniform(1, 14))), float(rng.uniform(start, stop))
        if 4 < stage.distance(x, y) < 60 and stage.matters(x, y, 1.5, 1.5):
            add_bush(stage.shapes, rng, x, y, float(rng.uniform(0.6, 1.4)))
    if rng.random() < 0.3:
        color = (0.30, 0.34, 0.30) if rng.random() < 0.5 else (0.55, 0.40, 0.27)
        add_fence(stage.shapes, outward * (front + 0.4), start, stop, color)


def _close_horizon(stage: Stage) -> None:
    """Houses and trees across both ends of the street."""
    for x in np.arange(-90.0, 90.0, 18.0):
        for y in (END_M + 12, START_M - 25):
            height, depth = float(stage.rng.uniform(6, 15)), 10
            ridge = 3.0 if stage.rng.random() < 0.5 else 0.0
            if stage.sector.touches(x + 9, y + 5, 14):
                add_house(stage.shapes, stage.rng, House((x, x + 18), (y, y + depth), height, ridge))
    for x in stage.rng.uniform(-70, 70, size=8):
        add_tree(stage.shapes, stage.rng, float(x), END_M + 4, float(stage.rng.uniform(7, 13)), 3)
