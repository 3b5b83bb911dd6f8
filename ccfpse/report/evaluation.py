"""What `metrics.json` of an evaluation holds, typed and checked, as the page needs it."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccfpse.errors import DataError
from ccfpse.evaluation.evaluate import METRICS
from ccfpse.evaluation.intervals import Interval
from ccfpse.files import read_json
from ccfpse.outputlock import recover

AGAIN = "run `ccfpse evaluate` again"
SCORES = {
    "miou": "mean IoU",
    "accuracy": "accuracy",
    "accuracy_void_counted": "accuracy (void counted)",
    "boundary_agreement": "boundary agreement",
    "instance_separation": "instance separation",
}
"""Key of `metrics.json` to what it is called: shares, of which the highest are the best."""
DISTANCES = {
    "fid": "FID",
    "fid_clean_resize": "FID (clean resize)",
    "kid": "KID",
    "frechet_judge_features": "Fréchet distance (judge)",
}
"""The same, of which the lowest are the best."""
OTHERS = {
    "kid_subset_deviation": "KID's deviation over subsets",
    "lpips_diversity": "diversity (LPIPS)",
    "ssim": "SSIM",
    "psnr": "PSNR (dB)",
}
_READ = ("miou", "accuracy", "accuracy_void_counted")


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One number of an evaluation."""

    value: float | None
    interval: Interval | None = None
    missing: str | None = None
    """Why there is no value, where it was asked for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """One score of the photos, and what it is held against."""

    synthesized: Figure
    real: Figure
    shuffled: Figure
    """Of the photos against the labels of others: what chance gets."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One evaluation; figures by their keys in `metrics.json`."""

    folder: Path
    dataset: str
    protocol: str
    photos: int
    reference_photos: int
    """Photos that distances are taken to."""
    size: tuple[int, int]
    """Height and width."""
    style: str | None
    """None: not known."""
    has_leak: bool
    """The style was that of the real photos."""
    about_style: str
    judge_floor: float
    judge_too_weak: bool
    judge_on_real: float
    """The judge's mean IoU on real photos."""
    scores: dict[str, Score]
    judged: dict[str, Score]
    """Scores by the judge, where the protocol is another."""
    distances: dict[str, Figure]
    others: dict[str, Figure]
    iou: dict[str, tuple[float | None, float | None]]
    """Of every class in synthesized and real photos; None: not among those of the mean."""
    records: list[dict[str, Any]]
    """What every figure is."""
    sources: list[dict[str, Any]]
    versions: list[str]

    def record(self, figure: str) -> dict[str, Any]:
        """What a figure is; without content: not recorded."""
        found = (
            record
            for record in self.records
            if figure in record["figures"] and record.get("protocol", self.protocol) == self.protocol
        )
        return next(found, {})


def read_evaluation(folder: Path) -> Evaluation:
    """Reads `metrics.json`.

    Raises:
        DataError: it is missing, damaged, or of another version.
    """
    path = folder / METRICS
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder; name one that `ccfpse evaluate` wrote")
    recover(folder)
    content = read_json(path, DataError, "`ccfpse evaluate` makes it")
    try:
        return _evaluation(folder, content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{path}: is not as this version writes it ({reason}); {AGAIN}") from error


def _evaluation(folder: Path, metrics: dict[str, Any]) -> Evaluation:
    judged = metrics.get("judge", metrics)
    iou = {str(name): _number(value) for name, value in metrics["iou"].items()}
    real_iou = {str(name): _number(value) for name, value in metrics["real"]["iou"].items()}
    sources = [_source(source) for source in metrics["sources"]]
    style = metrics["style"]
    return Evaluation(
        folder=folder,
        dataset=_only_name(sources, "prepared data"),
        protocol=str(metrics["protocol"]),
        photos=int(metrics["photos"]),
        reference_photos=int(metrics["reference_photos"]),
        size=(int(metrics["height"]), int(metrics["width"])),
        style=None if style is None else str(style),
        has_leak=bool(metrics["style_of_the_photos_themselves"]),
        about_style=str(metrics["about_style"]),
        judge_floor=_finite(metrics["judge_floor"]),
        judge_too_weak=bool(metrics["judge_too_weak"]),
        judge_on_real=_finite(judged["real"]["miou"]),
        scores={name: _score(metrics, name) for name in SCORES},
        judged={name: _score(judged, name) for name in _READ} if "judge" in metrics else {},
        distances=_asked_for(metrics, DISTANCES),
        others=_asked_for(metrics, OTHERS),
        iou={name: (iou.get(name), real_iou.get(name)) for name in (real_iou | iou)},
        records=[{**record, "figures": _texts(record["figures"])} for record in metrics["figures"]],
        sources=sources,
        versions=[str(version) for version in metrics["versions"]],
    )


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    unknown = _texts(source.get("classes_the_network_has_not") or [])
    named = {"name": str(source["name"]), "role": str(source["role"])}
    return {**source, **named, "classes_the_network_has_not": unknown}


def _only_name(sources: list[dict[str, Any]], role: str) -> str:
    names = [str(source["name"]) for source in sources if source["role"] == role]
    if len(names) != 1:
        raise ValueError(f"{len(names)} sources are called {role}")
    return names[0]


def _texts(values: Any) -> list[str]:
    if not isinstance(values, list):
        raise TypeError(f"{str(values)[:60]!r} is no list")
    return [str(value) for value in values]


def _score(section: Mapping[str, Any], name: str) -> Score:
    sets = (section, section["real"], section["shuffled_labels"])
    return Score(*(Figure(None) if one is None else _figure(one, name) for one in sets))


def _asked_for(metrics: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Figure]:
    return {name: _figure(metrics, name) for name in names if name in metrics}


def _figure(section: Mapping[str, Any], name: str) -> Figure:
    interval = section["intervals"].get(name)
    missing = section.get(f"{name}_missing")
    return Figure(
        value=_number(section[name]),
        interval=None if interval is None else Interval(_finite(interval["low"]), _finite(interval["high"])),
        missing=None if missing is None else str(missing),
    )


def _number(value: Any) -> float | None:
    return None if value is None else _finite(value)


def _finite(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:60]!r} is no figure")
    return float(value)
