"""What moves, parks and directs along a carriageway."""

import numpy as np

from ccfpse.datasets.sample.cars import CAR, PAINTS, Car, add_car, draw_car_shape, footprint
from ccfpse.datasets.sample.figures import PERSON, add_person, add_tree
from ccfpse.datasets.sample.furniture import add_lamp_post, add_sign, add_traffic_light
from ccfpse.datasets.sample.geometry import Material, Skin
from ccfpse.datasets.sample.place import Side
from ccfpse.datasets.sample.stage import END_M, FAR_M, START_M, Stage

EGO_VEHICLE = 1


def furnish_kerbs(stage: Stage) -> None:
    """Lamps, trees, signs and traffic lights along the carriageway."""
    street, rng = stage.street, stage.rng
    for side in (0, 1):
        outward = 1 if side else -1
        kerb = outward * (street.half_width + 0.45)
        step = float(rng.uniform(15, 24))
        if rng.random() < 0.8:
            for y in np.arange(START_M + rng.uniform(0, step), 90, step):
                if stage.distance(kerb, y) > 2.2 and stage.matters(kerb, y, 1.9, 6.2):
                    add_lamp_post(stage.shapes, kerb, float(y), -outward)
        if street.walks[side] > 1.9 and rng.random() < 0.5:
            step, tall = float(rng.uniform(7, 12)), float(rng.uniform(4.5, 8))
            for y in np.arange(START_M + rng.uniform(0, step), END_M, step):
                shown = stage.distance(kerb, y) > 6.5 and stage.matters(kerb, y, 4, 9)
                if shown and street.is_free(y, y) and rng.random() < 0.85:
                    height = tall * float(rng.uniform(0.85, 1.15))
                    add_tree(
                        stage.shapes,
                        rng,
                        kerb + 0.3 * outward,
                        float(y),
                        height,
                        stage.distance(kerb, y) > FAR_M,
                    )
        for y in np.arange(START_M + rng.uniform(0, 14), 60, 14):
            if rng.random() < 0.4 and stage.distance(kerb, y) > 3 and stage.matters(kerb, y, 0.5, 3):
                add_sign(stage.shapes, rng, kerb, float(y), -outward)
        for middle, width in street.crossings:
            y = middle - outward * (width + 0.6)
            shown = stage.distance(kerb, y) > 3 and stage.matters(kerb, y, 0.3, 3.7)
            if middle < 70 and shown and rng.random() < 0.6:
                add_traffic_light(stage.shapes, rng, kerb, y, -outward)
    for _ in range(3):  # some close to the camera, so that they are not always specks
        x, y = stage.ahead_of_camera(4, 10)
        outward = 1 if x > 0 else -1
        if abs(x) > street.half_width - 1.0:
            x = outward * (street.half_width + 0.4)
            if stage.distance(x, y) > 3:
                kind = rng.random()
                if kind < 0.4:
                    add_sign(stage.shapes, rng, x, y, -outward)
                elif kind < 0.75:
                    add_traffic_light(stage.shapes, rng, x, y, -outward)
                else:
                    add_lamp_post(stage.shapes, x, y, -outward)


def add_cars(stage: Stage) -> None:
    """Parked and driving cars, on the right-hand side as seen by their drivers."""
    street, rng = stage.street, stage.rng
    stands: list[tuple[float, float, float]] = []

    def offer(x: float, y: float, heading: float) -> None:
        is_apart = all(abs(x - a) > 2.3 or abs(y - b) > 5.3 for a, b, _ in stands)
        if is_apart and stage.distance(x, y) > 4.2:
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
        camera.position
        + across[:, None] * camera.right
        + along[:, None] * camera.ahead
        - (drop + 0.06 * np.cos(angles[:, None] * 2)) * 0
        - drop * camera.up
    )
    stage.shapes.polygon(points.astype(np.float32), Skin(EGO_VEHICLE, (0.16, 0.17, 0.19), Material.PAINT))
