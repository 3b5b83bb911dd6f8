"""Evaluation folders whose figures a test chooses, written through the evaluation's own functions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ccfpse.evaluation.intervals import around, percentiles, standard_error
from ccfpse.evaluation.metrics import Drawn, as_dict
from ccfpse.evaluation.outputs import (
    CONFUSION,
    DRAWN,
    EXTREMES,
    IMAGES,
    IOU,
    PICTURES,
    write_drawn,
    write_iou,
)

PHOTOS = 48
CHECKSUM = "1" * 64


def write_evaluation(
    folder: Path,
    *,
    miou: float = 0.5,
    fid: float | None = 60.0,
    seed: int = 0,
    noise: float = 0.004,
    photos: str = f"{CHECKSUM} judge",
    classes: tuple[str, ...] = ("road", "sky"),
    names: tuple[str, ...] = ("town/a", "town/b", "town/c"),
    **changes: Any,
) -> Path:
    """An evaluation of `PHOTOS` photos.

    Args:
        folder: written.
        miou: of the photos; their accuracy is 0.2 higher.
        fid: of the photos; None: there is none.
        seed: of what differs between runs by chance.
        noise: deviation of what differs by chance, in scores; a hundred times that in distances.
        photos: what the figures are drawn from.
        classes: names of classes.
        names: of photos.
        changes: of keys of `metrics.json`; `...` takes one away.
    """
    common, own = np.random.default_rng(0), np.random.default_rng(seed + 1)
    shared = 0.02 * common.standard_normal(1000)  # the photos' own: all runs see the same
    scores = {
        name: value + shared + noise * own.standard_normal(1000)
        for name, value in (("miou", miou), ("accuracy", miou + 0.2))
    }
    shared_distance = 4 * common.standard_normal(40)
    distances = {} if fid is None else {"fid": fid + shared_distance + 100 * noise * own.standard_normal(40)}
    intervals = {name: as_dict(percentiles(values)) for name, values in scores.items()}
    for name, values in distances.items():
        intervals[name] = as_dict(around(values.mean(), standard_error(values, PHOTOS, PHOTOS)))
    metrics: dict[str, Any] = {
        "protocol": photos.split()[-1],
        "photos": PHOTOS,
        "reference_photos": PHOTOS,
        "height": 64,
        "width": 96,
        "style": "prior",
        "style_of_the_photos_themselves": False,
        "about_style": "Style: drawn from the prior, by seed and name.",
        **_section(miou, classes),
        "intervals": intervals,
        "real": _section(0.8, classes),
        "shuffled_labels": _section(0.05, classes),
        "fid": fid,
        "judge_floor": 0.5,
        "judge_too_weak": False,
        "figures": [_record(["miou", "accuracy", "iou"], "judge"), _record(["fid"], None)],
        "sources": [
            {"role": "prepared data", "name": "sample", "sha256": CHECKSUM},
            {"role": "judge", "name": "a judge", "sha256": "2" * 64},
        ],
        "versions": ["ccfpse 0.1.0"],
    }
    if fid is None:
        metrics["fid_missing"] = "/elsewhere/weights/inception.pth: Inception's weights are not there"
    for key, value in changes.items():
        metrics[key] = value
        if value is ...:
            del metrics[key]
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics), "utf-8")
    write_drawn(folder / DRAWN, Drawn(scores, distances), photos)
    write_iou(folder / IOU, {**_section(miou, classes), "real": _section(0.8, classes)})
    rows = [f'"{name.replace(chr(34), chr(34) * 2)}",0.{i + 1},0.3,,0.9' for i, name in enumerate(names)]
    header = "name,accuracy,miou,boundary_agreement,real_accuracy"
    (folder / IMAGES).write_text("\n".join([header, *rows]) + "\n", "utf-8")
    for name in (PICTURES, EXTREMES, CONFUSION):
        Image.new("RGB", (1600, 300), (90, 120, 160)).save(folder / name)
    return folder


def _section(miou: float, classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "miou": miou,
        "accuracy": miou + 0.1,
        "accuracy_void_counted": miou + 0.1,
        "iou": dict.fromkeys(classes, miou),
        "intervals": {},
        "boundary_agreement": 0.6,
        "instance_separation": None,
    }


def _record(figures: list[str], protocol: str | None) -> dict[str, Any]:
    record = {
        "figures": figures,
        "what": "What it is.",
        "photos": "48",
        "reference": "val: 48 photos of sample",
        "network": {"name": "a judge", "sha256": "2" * 64},
    }
    return record | ({"protocol": protocol} if protocol else {})
