"""The table of a finished grid: one row for every variant, mean and spread over its seeds."""

import dataclasses
import statistics
from pathlib import Path
from typing import Any

from ccfpse.compare.grid import cells_of
from ccfpse.config import Settings
from ccfpse.errors import DataError
from ccfpse.evaluation.evaluate import METRICS
from ccfpse.files import read_json
from ccfpse.labelspace import ClassTable
from ccfpse.outputlock import recover
from ccfpse.training.networks import count_parameters
from ccfpse.variants import cell_settings

SCORES = {
    "miou": "mIoU",
    "accuracy": "accuracy",
    "boundary_agreement": "edges on borders",
    "frechet_judge_features": "Fréchet distance, judge",
    "fid": "FID",
    "kid": "KID",
}
"""Key of `metrics.json` to what it is called."""
WITH_REAL = ("miou", "accuracy", "boundary_agreement")
"""Those that real photos have too; of these higher is better, of the others lower."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One variant."""

    variant: str
    values: dict[str, list[float]]
    """Of each score that all cells have, one value a seed."""
    parameters: dict[str, int]
    """Of generator and discriminator."""
    seconds_per_step: float

    def mean(self, score: str) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values[score])

    def deviation(self, score: str) -> float | None:
        """Standard deviation over the seeds (n - 1); None: there is one seed."""
        values = self.values[score]
        return statistics.stdev(values) if len(values) > 1 else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows, and what they were measured by."""

    rows: list[Row]
    scores: list[str]
    """Keys of the scores that all cells have."""
    real: dict[str, float]
    """The real photos' scores under the same judge."""
    conditions: list[str]
    """Sentences."""


def read_table(settings: Settings, class_table: ClassTable, seconds: dict[str, float]) -> Table:
    """Reads the metrics of every cell of `settings.compare`.

    Args:
        settings: with paths of a grid that has run.
        class_table: of the data, for the networks' sizes.
        seconds: per training step, of every variant.

    Raises:
        DataError: a cell has no metrics.
    """
    try:
        return _table(settings, class_table, seconds)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(
            f"{settings.paths.compare}: a {METRICS} there is not as this version writes it ({error!r}); "
            "evaluate that cell again"
        ) from error


def _table(settings: Settings, class_table: ClassTable, seconds: dict[str, float]) -> Table:
    metrics: dict[str, list[dict[str, Any]]] = {
        variant: [_metrics(cell.folder(settings, "evaluation")) for cell in cells_of(settings, variant)]
        for variant in settings.compare.run
    }
    every = [found for of_variant in metrics.values() for found in of_variant]
    scores = [key for key in SCORES if all(found.get(key) is not None for found in every)]
    rows = [
        Row(
            variant=variant,
            values={key: [float(found[key]) for found in of_variant] for key in scores},
            parameters=count_parameters(cell_settings(settings, variant, 0), class_table),
            seconds_per_step=seconds[variant],
        )
        for variant, of_variant in metrics.items()
    ]
    real = {key: float(every[0]["real"][key]) for key in WITH_REAL if key in scores}
    return Table(rows=rows, scores=scores, real=real, conditions=_conditions(settings, every[0]))


def _metrics(folder: Path) -> dict[str, Any]:
    recover(folder)
    found: dict[str, Any] = read_json(folder / METRICS, DataError, "`ccfpse compare` makes it")
    return found


def _conditions(settings: Settings, metrics: dict[str, Any]) -> list[str]:
    data, train, compare = settings.data, settings.train, settings.compare
    height, width = data.size
    seeds = ", ".join(map(str, compare.seeds))
    sentences = [
        f"Data: {data.dataset}, {height}x{width}; {metrics['photos']} validation photos. Every cell: "
        f"{compare.steps} steps of {train.batch} photos, seeds {seeds}; the same rates, losses and average.",
        "Scores by this project's own judge, a segmentation network that no variant was trained through; "
        "comparable with each other, not with figures in papers."
        if metrics["protocol"] == "judge"
        else f"mIoU and accuracy by the protocol {metrics['protocol']}.",
    ]
    if settings.loss_network.kind != "none":
        sentences.append(f"Perceptual loss: {settings.loss_network.kind}, the same network for all.")
    if metrics["judge_too_weak"]:
        real = metrics.get("judge", metrics)["real"]
        sentences.append(
            f"The judge reaches mIoU {real['miou']:.3f} on real photos, below {metrics['judge_floor']}: too "
            "weak to rank models."
        )
    if len(compare.seeds) < 3:
        sentences.append(
            f"Number of seeds: {len(compare.seeds)}. A difference of two rows says little unless it is "
            "several times the spread."
        )
    sentences.append(
        "Seconds per step: one process on this machine, variants taking turns, data not counted. ±: standard "
        "deviation over the seeds; whiskers in the chart: the smallest and the largest seed. A style "
        "encoder, where there is one, is not among the parameters."
    )
    return sentences
