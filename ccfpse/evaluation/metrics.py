"""What the records say, as the numbers of `metrics.json`."""

import dataclasses
from typing import Any

import numpy as np

from ccfpse.evaluation import intervals
from ccfpse.evaluation.distances import frechet_of_few, kernel_distance, streamed_kernel_distance
from ccfpse.evaluation.intervals import Floats, Interval
from ccfpse.evaluation.measure import CLEAN, INCEPTION, JUDGE, column, tally_of
from ccfpse.evaluation.reading import Reading
from ccfpse.evaluation.records import Records
from ccfpse.evaluation.statistics import TOO_FEW, FeatureStatistics, frechet_distance

OWN, SHUFFLED = "labels", "shuffled_labels"
"""Truths: a photo's own labels, and those of another."""
FRECHET = {"frechet_judge_features": JUDGE, "fid": INCEPTION, "fid_clean_resize": CLEAN}
"""Distance to the column of features it is taken of."""
KID = "kid"
_FEWEST_FOR_INTERVAL = 4  # so that subsets of half of them have a covariance


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """Figures of resampled photos, kept so that two models can be compared: by name of the figure."""

    scores: dict[str, Floats]
    """Bootstrap, (RESAMPLES)."""
    distances: dict[str, Floats]
    """Subsets, (SUBSETS)."""


def score(records: Records, truth: str, reading: Reading) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Scores of a set of photos by a reading, and those of resampled photos."""
    confusion = reading.confusion()
    for part in records.stream(column(truth, reading.name, "confusion")):
        confusion.counts += part.sum(axis=0)
    drawn = intervals.resampled(tally_of(records, truth, reading.name), reading.protocol.presence)
    faithful, drawn_faithful = _faithfulness(records, truth)
    drawn |= drawn_faithful
    shown = {name: as_dict(intervals.percentiles(values)) for name, values in drawn.items()}
    return confusion.scores().to_dict() | faithful | {"intervals": shown}, drawn


def _faithfulness(records: Records, truth: str) -> tuple[dict[str, float | None], dict[str, Floats]]:
    """Shares of border pixels of the layouts with an edge of the photo; None where there are no borders."""
    shares: dict[str, float | None] = {}
    drawn: dict[str, Floats] = {}
    borders = records.column(f"{truth}.borders")  # (N, kinds, found and all)
    for kind, name in enumerate(("boundary_agreement", "instance_separation")):
        near, pixels = borders[:, kind].T
        shares[name] = float(near.sum() / pixels.sum()) if pixels.any() else None
        if pixels.any():
            drawn[name] = intervals.resampled_share(near, pixels)
    return shares, drawn


def similarity(records: Records) -> dict[str, float]:
    """Mean SSIM and PSNR over the pairs, where measured; PSNR without equal pairs, where it is infinite."""
    found = {name: records.column(name) for name in ("ssim", "psnr") if name in records.names()}
    return {name: float(np.nanmean(values)) for name, values in found.items() if not np.isnan(values).all()}


def distances(
    synthesized: Records, reference: Records, missing_inception: str
) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Distances with their intervals, and those of subsets; null with a reason where one cannot be had.

    Args:
        synthesized: features of the photos.
        reference: features of those they are compared with.
        missing_inception: why there are none of Inception, where there are none.
    """
    metrics: dict[str, Any] = {"intervals": {}}
    drawn: dict[str, Floats] = {}
    n = min(synthesized.n, reference.n)
    for name, features in FRECHET.items():
        if features not in synthesized.names() or n < 2:
            if features == CLEAN and INCEPTION in synthesized.names():
                continue  # not asked for
            reason = TOO_FEW if n < 2 else missing_inception
            metrics |= {name: None, f"{name}_missing": reason}
            if name == "fid":
                metrics |= {KID: None, f"{KID}_missing": reason}
            continue
        metrics[name] = frechet_distance(_statistics(synthesized, features), _statistics(reference, features))
        of_few = {name: frechet_of_few}
        if features == INCEPTION:
            metrics[KID] = streamed_kernel_distance((synthesized, features), (reference, features))
            of_few[KID] = kernel_distance
        if n >= _FEWEST_FOR_INTERVAL:
            drawn |= intervals.subset_distances(synthesized, reference, features, of_few)
    for name, values in drawn.items():
        error = intervals.standard_error(values, synthesized.n, reference.n)
        interval = intervals.around(metrics[name], error)
        if name != KID:  # its estimate is unbiased, and so may fall below 0
            interval = Interval(max(interval.low, 0.0), max(interval.high, 0.0))
        metrics["intervals"][name] = as_dict(interval)
    if KID in drawn:
        metrics["kid_subset_deviation"] = float(np.std(drawn[KID]))
    return metrics, drawn


def as_dict(interval: Interval) -> dict[str, float]:
    """As metrics files hold it."""
    return {"low": interval.low, "high": interval.high}


def _statistics(records: Records, features: str) -> FeatureStatistics:
    found: FeatureStatistics | None = None
    for part in records.stream(features):
        found = found or FeatureStatistics(part.shape[1])
        found.add(part)
    assert found is not None, "records have at least one part"
    return found
