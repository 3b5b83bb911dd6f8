"""Compares synthesized photos with the validation split of a prepared store, and writes the results."""

import csv
import dataclasses
from pathlib import Path
from typing import Any

import torch

from ccfpse.config import Settings
from ccfpse.errors import ModelFileError
from ccfpse.evaluation.inception import inception_path, load_inception, missing_sentence
from ccfpse.evaluation.measure import Measurements, measure
from ccfpse.evaluation.metrics import loss_network_entry, protocol, summary
from ccfpse.evaluation.photos import SynthesizedPhotos
from ccfpse.evaluation.picture import evenly_spaced, legend, write_picture
from ccfpse.files import replacing, sha256_file, write_json
from ccfpse.judge import Judge, load_judge
from ccfpse.prepared import PreparedSplit, PreparedStore, open_store
from ccfpse.segmentation import Progress

METRICS = "metrics.json"
PICTURES = "pictures.png"
IOU_PLOT = "iou.csv"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where evaluation reads and writes."""

    prepared: Path
    judge: Path
    synthesized: Path
    """Folder of `<name>.png` for every name of the validation split."""
    model: Path | None
    """Model file that made them, by `settings.synthesize`; None: not known, and neither is their style."""
    out: Path

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        """Those of the pipeline."""
        paths = settings.paths
        return cls(
            prepared=Path(paths.prepared),
            judge=Path(paths.judge),
            synthesized=Path(paths.synthesized),
            model=Path(paths.training) / "model.safetensors",
            out=Path(paths.evaluation),
        )


def evaluate(settings: Settings, places: Places, device: torch.device, progress: Progress) -> dict[str, Any]:
    """Writes `metrics.json`, `iou.csv` and `pictures.png` to `places.out`.

    Returns:
        What `metrics.json` holds.

    Raises:
        DataError: the store or synthesized photos are missing, damaged or of different sizes.
        ModelFileError: the judge is missing or for other classes; a weights file is damaged.
        OutputError: the results cannot be written.
    """
    store = open_store(places.prepared)
    split = store.split("val")
    synthesized = SynthesizedPhotos(places.synthesized, split)
    judge = load_judge(places.judge, device)
    _check_classes(judge, store, places)
    style = None if places.model is None else settings.synthesize.style
    weights = inception_path(settings.evaluate.inception)
    inception = load_inception(weights, device) if weights.is_file() else None
    found = measure(
        split,
        synthesized,
        judge,
        inception,
        similarity=style == "own",
        batch=settings.runtime.inference_batch,
        progress=progress,
    )
    metrics = summary(found, missing_inception=missing_sentence(weights))
    metrics |= {
        "photos": len(split),
        "height": split.size[0],
        "width": split.size[1],
        "style": style,
        "judge_floor": settings.evaluate.judge_floor,
        "judge_too_weak": metrics["real"]["miou"] < settings.evaluate.judge_floor,
        "sources": _sources(store, judge, places, weights if inception else None),
        "protocol": protocol(style, split, found, judge),
    }
    _write_iou(places.out / IOU_PLOT, found)
    _write_pictures(places.out / PICTURES, split, synthesized, store, settings.evaluate.pictures)
    write_json(places.out / METRICS, metrics)
    return metrics


def _check_classes(judge: Judge, store: PreparedStore, places: Places) -> None:
    if judge.class_table != store.class_table:
        raise ModelFileError(
            f"{places.judge}: the judge was trained for the classes of {judge.class_table.name}, but "
            f"{places.prepared} has others; run `ccfpse judge`"
        )


def _sources(
    store: PreparedStore, judge: Judge, places: Places, inception: Path | None
) -> list[dict[str, Any]]:
    """Data and networks the figures depend on, with checksums. A list: DVC shows no lists as metrics."""
    entries: list[dict[str, Any]] = [
        {"role": "prepared data", "name": store.name, "sha256": store.checksum},
        {"role": "judge", "name": judge.record["architecture"], "sha256": judge.record["sha256"]},
    ]
    if places.model is not None:
        entries.append(loss_network_entry(places.model))
    if places.model is not None and places.model.is_file():
        entries.append({"role": "model", "name": places.model.name, "sha256": sha256_file(places.model)})
    if inception is not None:
        entries.append({"role": "fid", "name": inception.name, "sha256": sha256_file(inception)})
    return entries


def _write_iou(path: Path, found: Measurements) -> None:
    """Rows of class, photos, IoU, as DVC's bar plots read them."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("class", "synthesized", "real"))
        real, synthesized = found.confusion["real"].scores(), found.confusion["synthesized"].scores()
        for name, iou in real.iou.items():
            rows.writerow((name, f"{synthesized.iou[name]:.6f}", f"{iou:.6f}"))


def _write_pictures(
    path: Path, split: PreparedSplit, synthesized: SynthesizedPhotos, store: PreparedStore, rows: int
) -> None:
    chosen = evenly_spaced(len(split), rows)
    table = store.class_table
    labels = [split.labels(i) for i in chosen]
    columns = {
        "label": [table.colorize(ids) for ids in labels],
        "real": [split.image(i) for i in chosen],
        "synthesized": [synthesized.image(i) for i in chosen],
    }
    write_picture(path, columns, legend(table, labels))
