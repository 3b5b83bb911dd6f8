"""Training curves as small drawings: the series that `ccfpse.training.log` wrote."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccfpse.errors import DataError
from ccfpse.opening import read_text

WIDTH, HEIGHT = 300, 120
"""Of a drawing, in its own units."""
POINTS = 200
"""At most, of a line."""
_SERIES = Path("plots") / "metrics"
_MARGIN = 4  # so that lines at an edge keep their width

Points = list[tuple[float, float]]


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One run's series."""

    run: str
    points: str
    """As SVG's polyline takes them."""
    last: float


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """One figure over the steps, of all runs that logged it."""

    name: str
    lines: list[Line]
    """The first run's comes last, to lie on top."""
    low: float
    high: float
    steps: int


def read_panels(logs: Mapping[str, Path]) -> list[Panel]:
    """Panels of all figures that some run logged.

    Args:
        logs: name of a run to the folder of its log.

    Raises:
        DataError: a series is damaged.
    """
    series: dict[str, dict[str, Points]] = {}
    for run, folder in logs.items():
        for path in sorted((folder / _SERIES).rglob("*.tsv")):
            name = path.relative_to(folder / _SERIES).with_suffix("").as_posix()
            if points := _read(path):
                series.setdefault(name, {})[run] = points
    return [_panel(name, of_runs) for name, of_runs in series.items()]


def _read(path: Path) -> Points:
    """Steps and finite values."""
    try:
        header, *rows = read_text(path).splitlines()
        step_at, value_at = header.split("\t").index("step"), header.split("\t").index(path.stem)
        cells = [row.split("\t") for row in rows if row]
        points = [(float(row[step_at]), float(row[value_at])) for row in cells]
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f"{path}: is no series of a training log ({error}); train again") from error
    return [(step, value) for step, value in points if math.isfinite(step) and math.isfinite(value)]


def _panel(name: str, of_runs: Mapping[str, Points]) -> Panel:
    thinned = {run: thin(points) for run, points in of_runs.items()}
    steps = max(step for points in of_runs.values() for step, _ in points)
    values = [value for points in thinned.values() for _, value in points]
    low, high = min(values), max(values)

    def place(step: float, value: float) -> str:
        x = _MARGIN + (WIDTH - 2 * _MARGIN) * step / max(steps, 1)
        rise = (value - low) / (high - low) if high > low else 0.5
        y = HEIGHT - _MARGIN - (HEIGHT - 2 * _MARGIN) * rise
        return f"{x:.1f},{y:.1f}"

    lines = [
        Line(run, " ".join(place(step, value) for step, value in points), points[-1][1])
        for run, points in thinned.items()
    ]
    return Panel(name, lines[::-1], low, high, round(steps))


def thin(points: Sequence[tuple[float, float]]) -> Points:
    """At most `POINTS`: means of as many neighbours as that takes."""
    together = math.ceil(len(points) / POINTS)
    parts = [points[start : start + together] for start in range(0, len(points), together)]
    return [
        (sum(step for step, _ in part) / len(part), sum(value for _, value in part) / len(part))
        for part in parts
    ]
