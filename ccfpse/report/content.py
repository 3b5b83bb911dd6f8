"""What the page says, from top to bottom."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from ccfpse.evaluation.outputs import CONFUSION, EXTREMES, PICTURES
from ccfpse.report.comparing import SCORES as COMPARED_SCORES
from ccfpse.report.comparing import Comparison, compare
from ccfpse.report.curves import Panel
from ccfpse.report.evaluation import DISTANCES, OTHERS, SCORES, Evaluation, Figure
from ccfpse.report.grid import Grid
from ccfpse.report.lowest import PhotoRow, lowest
from ccfpse.report.naming import Run
from ccfpse.report.papers import Reported, reported
from ccfpse.report.pictures import Picture, embedded

_LOWEST = 10
_HEADLINE = ("miou", "accuracy", "boundary_agreement")
NAMES = SCORES | DISTANCES | OTHERS | {"iou": "IoU of every class"}


@dataclasses.dataclass(frozen=True, slots=True)
class Warned:
    """Something to know before any figure is read."""

    title: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Data or a network that figures depend on."""

    role: str
    name: str
    checksums: list[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Described:
    """What a group of figures is."""

    figures: str
    protocol: str | None
    facts: list[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that the template shows."""

    run: str
    evaluation: Evaluation
    warnings: list[Warned]
    headline: tuple[str, ...]
    """Scores on top of the page."""
    distance: str | None
    """A distance beside them."""
    missing: list[tuple[str, str]]
    """Names of figures that could not be had, and why."""
    compared: list[str]
    """Figures that runs are compared by."""
    comparisons: list[Comparison]
    papers: tuple[Reported, ...]
    pictures: Picture
    extremes: Picture
    confusion: Picture
    lowest: list[PhotoRow]
    panels: list[Panel] | None
    """None: none were asked for."""
    described: list[Described]
    sources: list[Source]
    settings: str | None
    grid: Grid | None


def gather(
    runs: Sequence[Run],
    *,
    panels: list[Panel] | None = None,
    settings: str | None = None,
    grid: Grid | None = None,
) -> Content:
    """Everything about the first run, and what the others are beside it.

    Args:
        runs: one at least.
        panels: of training curves.
        settings: as text.
        grid: whose cells the runs are.

    Raises:
        DataError: a file of an evaluation is missing or damaged.
    """
    first, *others = runs
    evaluation = first.evaluation
    folder = evaluation.folder
    measured = [name for name in DISTANCES if _is_measured(evaluation.distances.get(name))]
    return Content(
        run=first.name,
        evaluation=evaluation,
        warnings=_warnings(evaluation),
        headline=tuple(name for name in _HEADLINE if _is_measured(evaluation.scores[name].synthesized)),
        distance=measured[0] if measured else None,
        missing=_missing(evaluation),
        compared=[*COMPARED_SCORES, *measured],
        comparisons=[compare(first, other) for other in others],
        papers=reported(evaluation.dataset),
        pictures=embedded(folder / PICTURES, "JPEG"),
        extremes=embedded(folder / EXTREMES, "JPEG"),
        confusion=embedded(folder / CONFUSION, "PNG"),
        lowest=lowest(folder, _LOWEST),
        panels=panels,
        described=[_described(record) for record in evaluation.records],
        sources=[_source(source) for source in evaluation.sources],
        settings=settings,
        grid=grid,
    )


def without_folders(text: str) -> str:
    """A sentence whose absolute paths are names of files: the page is given away, the machine is not."""
    return re.sub(r"(?<!\S)/\S*/", "", text)


def _is_measured(figure: Figure | None) -> bool:
    return figure is not None and figure.value is not None


def _warnings(evaluation: Evaluation) -> list[Warned]:
    found = []
    if evaluation.has_leak:
        found.append(
            Warned(
                "The style came from the real photos themselves.",
                "Of every layout the network was also shown the photo that it was to synthesize, and so knew "
                "something about the answer: the figures are better than a layout alone gives, and "
                "comparable only with runs that were given the same.",
            )
        )
    elif evaluation.style is None:
        found.append(
            Warned(
                "It is not known where the style came from.",
                "The photos are not the pipeline's. If their style is that of the real photos, the figures "
                "are better than a layout alone gives.",
            )
        )
    unknown = [
        str(name) for source in evaluation.sources for name in source.get("classes_the_network_has_not") or ()
    ]
    if unknown:
        found.append(
            Warned(
                f"The network does not know {len(unknown)} of the evaluated classes.",
                f"They are left out of its scores, as void is: {', '.join(unknown)}.",
            )
        )
    if evaluation.judge_too_weak:
        found.append(
            Warned(
                "The judge is too weak to rank models.",
                f"It reaches mean IoU {evaluation.judge_on_real:.3f} on real photos, below "
                f"evaluate.judge_floor ({evaluation.judge_floor:g}): what it reads says little about photos.",
            )
        )
    return found


def _missing(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Figures that lack for the same reason stand together."""
    by_reason: dict[str, list[str]] = {}
    for name, figure in (evaluation.distances | evaluation.others).items():
        if figure.missing is not None:
            by_reason.setdefault(without_folders(figure.missing), []).append(NAMES[name])
    return [(", ".join(names), reason) for reason, names in by_reason.items()]


def _described(record: dict[str, Any]) -> Described:
    network = record.get("network")
    facts = [
        ("what", str(record.get("what", ""))),
        ("photos", str(record.get("photos", ""))),
        ("held against", str(record.get("reference", ""))),
        ("network", "" if not isinstance(network, dict) else str(network.get("name", ""))),
        ("after", str(record.get("source", ""))),
    ]
    figures = ", ".join(NAMES.get(name, name) for name in record["figures"])
    shown = [(key, without_folders(text)) for key, text in facts if text]
    return Described(figures, record.get("protocol"), shown)


def _source(source: dict[str, Any]) -> Source:
    """Checksums of the one file, or of all."""
    files = source.get("files")
    entries = files if isinstance(files, list) else [source]
    sums = [str(entry["sha256"]) for entry in entries if isinstance(entry, dict) and entry.get("sha256")]
    name = without_folders(str(source["name"]))
    return Source(str(source["role"]), name, sums)
