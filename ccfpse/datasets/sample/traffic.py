"""What moves, parks and directs along a carriageway."""

import numpy as np

from ccfpse.datasets.sample.cars import CAR, PAINTS, Car, add_car, draw_car_shape, footprint
from ccfpse.datasets.sample.figures import PERSON, add_person, add_tree
from ccfpse.datasets.sample.furniture import Furniture, add_furniture
from ccfpse.datasets.sample.geometry import Material, Skin
from ccfpse.datasets.sample.place import Side
from ccfpse.datasets.sample.stage import END_M, FAR_M, START_M, Stage

EGO_VEHICLE = 1


def furnish_kerbs(stage: Stage) -> None:
    """Lamps, trees, signs and traffic lights along the carriageway."""
    street, rng = stage.street, stage.rng
    for _ in range(3):  # some close to the camera, so that they are not always specks
        x, y = stage.ahead_of_camera(4, 10)
        if abs(x) > street.half_width - 1.0:
            kind = (Furniture.SIGN, Furniture.TRAFFIC_LIGHT, Furniture.LAMP)[
                rng.choice(3, p=[0.4, 0.35, 0.25])
            ]
            _put(stage, kind, 1 if x > 0 else 0, y)
    for side in (0, 1):
        outward = 1 if side else -1
        step = float(rng.uniform(15, 24))
        if rng.random() < 0.8:
            for y in np.arange(START_M + rng.uniform(0, step), 70, step):
                _put(stage, Furniture.LAMP, side, float(y))
        for y in np.arange(START_M + rng.uniform(0, 14), 60, 14):
            if rng.random() < 0.4:
                _put(stage, Furniture.SIGN, side, float(y))
        for middle, width in street.crossings:
            if middle < 70 and rng.random() < 0.6:
                _put(stage, Furniture.TRAFFIC_LIGHT, side, middle - outward * (width + 0.6))
        if street.walks[side] > 1.9 and rng.random() < 0.5:
            _plant_row(stage, side)


def _put(stage: Stage, kind: Furniture, side: int, y: float) -> None:
    """Puts something on the kerb, unless something is there, it is at the camera or cannot be seen."""
    outward = 1 if side else -1
    x = outward * (stage.street.half_width + 0.45)
    if stage.distance(x, y) > 3 and stage.matters(x, y, 1.9, kind.height) and stage.occupy(x, y, 0.25, 0.5):
        add_furniture(stage.shapes, stage.rng, kind, x, y, outward)


def _plant_row(stage: Stage, side: int) -> None:
    """Trees at even distances along the kerb."""
    street, rng = stage.street, stage.rng
    x = (1 if side else -1) * (street.half_width + 0.75)
    step, typical = float(rng.uniform(7, 12)), float(rng.uniform(4.5, 8))
    for y in np.arange(START_M + rng.uniform(0, step), END_M, step).tolist():
        shown = stage.distance(x, y) > 6.5 and stage.matters(x, y, 4, 9)
        if shown and rng.random() < 0.85 and street.is_free(y, y) and stage.occupy(x, y, 0.4, 0.4):
            height = typical * float(rng.uniform(0.85, 1.15))
            add_tree(stage.shapes, rng, x, y, height, stage.crown_balls(x, y))


def add_cars(stage: Stage) -> None:
    """Parked and driving cars, on the right-hand side as seen by their drivers."""
    street, rng = stage.street, stage.rng
    stands: list[tuple[float, float, float]] = []

    def offer(x: float, y: float, heading: float) -> None:
        if stage.distance(x, y) > 4.2 and stage.occupy(x, y, 1.15, 2.65):
            stands.append((x, y, heading))

    for _ in range(5):  # some close to the camera
        x, y = stage.ahead_of_camera(5, 12)
        if abs(x) < street.half_width + 1.5:
            x = float(np.clip(x, -street.half_width + 1.05, street.half_width - 1.05))
            offer(x, y, (0 if x > 0 else np.pi) + float(rng.normal(0, 0.08)))
    for side in (0, 1):
        outward = 1 if side else -1
        heading = 0.0 if side else np.pi
        filling = float(rng.uniform(0.15, 0.85))
        y = START_M + float(rng.uniform(0, 6))
        while y < 85:
            if rng.random() < filling and street.is_free(y - 1, y + 1) and street.half_width > 2.4:
                offer(outward * (street.half_width - 1.05), y, heading + float(rng.normal(0, 0.03)))
            y += float(rng.uniform(5.4, 7))
        if street.half_width > 3.2:
            for y in np.arange(START_M + rng.uniform(0, 20), 95, rng.uniform(13, 32)):
                lane = outward * (1.5 + street.median if street.half_width < 6.5 else 3.6 + street.median / 2)
                offer(lane, float(y), heading)
    shown = [stand for stand in stands if stage.matters(stand[0], stand[1], 2.6, 2.0)]
    for number, (x, y, heading) in enumerate(shown):
        paint = PAINTS[rng.integers(len(PAINTS))]
        car = Car(draw_car_shape(rng), x, y, heading, paint, CAR * 1000 + number)
        add_car(stage.shapes, car, is_far=stage.distance(x, y) > FAR_M)
        stage.footprints.append(footprint(car))


def add_people(stage: Stage) -> None:
    """People on foot, mostly on the pavements and mostly along the street."""
    street, rng = stage.street, stage.rng
    number = 0
    for _ in range(int(rng.integers(3, 16))):
        x, y = stage.ahead_of_camera(3.5, 22)
        on_road = abs(x) < street.half_width + 0.2
        front = street.front(1 if x > 0 else 0)
        indoors = abs(x) > front - 0.4 and street.sides[1 if x > 0 else 0] is not Side.PARK
        if indoors or (on_road and rng.random() < 0.8) or abs(x) > front + 12:
            continue
        if not stage.occupy(x, y, 0.3, 0.3):
            continue
        heading = float(rng.choice([0, np.pi]) + rng.normal(0, 0.3)) + (np.pi / 2 if on_road else 0)
        add_person(stage.shapes, rng, x, y, heading, PERSON * 1000 + number)
        number += 1


def add_bonnet_of_own_car(stage: Stage) -> None:
    """The bonnet of the car that carries the camera, fixed to the camera as in Cityscapes."""
    camera = stage.camera
    angles = np.linspace(0, np.pi, 13)
    across, along = 0.95 * np.cos(angles), 0.55 + 0.75 * np.sin(angles)
    slope = camera.size[0] / 2 / camera.focal_px
    drop = 1.3 * slope * float(stage.rng.uniform(0.74, 0.86))
    points = (
        camera.position + across[:, None] * camera.right + along[:, None] * camera.ahead - drop * camera.up
    )
    stage.shapes.polygon(points.astype(np.float32), Skin(EGO_VEHICLE, (0.16, 0.17, 0.19), Material.PAINT))
