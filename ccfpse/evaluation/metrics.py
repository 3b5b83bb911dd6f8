"""What the pass over the photos found, as the numbers and sentences of `metrics.json`."""

from pathlib import Path
from typing import Any

from ccfpse import scores
from ccfpse.evaluation.measure import Measurements
from ccfpse.evaluation.statistics import FeatureStatistics, frechet_distance
from ccfpse.judge import Judge
from ccfpse.modelfile import load_model
from ccfpse.prepared import PreparedSplit

_TOO_FEW = "a distance between sets of photos needs at least two photos in each"
_STYLES: dict[str | None, str] = {
    None: "not known, the photos are not the pipeline's",
    "prior": "drawn from the prior, by seed and name",
    "mean": "the zero vector",
    "own": "that of the real photo itself, which tells the network something about the answer",
}


def summary(found: Measurements, missing_inception: str) -> dict[str, Any]:
    """The figures, at stable keys; null where one cannot be had, with the reason beside it."""
    by_kind = {kind: confusion.scores() for kind, confusion in found.confusion.items()}
    shuffled = by_kind["shuffled_labels"]
    metrics: dict[str, Any] = by_kind["synthesized"].to_dict() | {
        "real": by_kind["real"].to_dict(),
        "shuffled_labels": shuffled.to_dict() if shuffled.n_pixels else None,
    }
    metrics |= _distance("frechet_judge_features", found.judge, _TOO_FEW)
    metrics |= _distance("fid", found.inception, missing_inception)
    for name, values in found.similarity.items():
        if values:
            metrics[name] = sum(values) / len(values)
    return metrics


def protocol(style: str | None, split: PreparedSplit, found: Measurements, judge: Judge) -> list[str]:
    """How the figures came about, one sentence or two a line; a style of None is not known."""
    size = f"{split.size[0]}x{split.size[1]}"
    lines = [
        f"Photos: {len(split)} synthesized from the validation layouts at {size}, against the {len(split)} "
        f"real validation photos resized to it. Style: {_STYLES[style]}.",
        f"miou, accuracy, iou: the judge's reading of the photos, enlarged "
        f"{judge.record['settings']['enlarge']} times (bilinear), against the labels. {scores.PROTOCOL}",
        "real: the same of the real photos. shuffled_labels: of the synthesized photos against the labels of "
        "other photos, half the set further on.",
        "frechet_judge_features: Fréchet distance between real and synthesized photos in the judge's "
        "features, averaged over the photo; comparable under one judge only.",
        "fid: the same in pytorch-fid's Inception features (pool3, its own resizing).",
    ]
    if found.similarity["ssim"]:
        lines.append(
            "ssim, psnr: mean over the pairs of real and synthesized photo (scikit-image, 7x7 windows, all "
            "channels; psnr without pairs that are equal), since the style was the photo's own."
        )
    return lines


def loss_network_entry(model: Path) -> dict[str, Any]:
    """Name and checksum of the network that training compared features through, out of the model file."""
    if not model.is_file():
        return {"role": "loss", "name": f"unknown: {model} is not there", "sha256": None}
    record = load_model(model).provenance.get("loss_network")
    if not isinstance(record, dict) or "name" not in record:
        return {"role": "loss", "name": f"unknown: {model} does not say", "sha256": None}
    return {"role": "loss", "name": record["name"], "sha256": record.get("sha256")}


def _distance(name: str, sets: dict[str, FeatureStatistics] | None, missing: str) -> dict[str, Any]:
    if sets is None:
        return {name: None, f"{name}_missing": missing}
    if min(statistics.count for statistics in sets.values()) < 2:
        return {name: None, f"{name}_missing": _TOO_FEW}
    return {name: frechet_distance(sets["synthesized"], sets["real"])}
