"""What `ccfpse compare` left: its cells as runs, and its table."""

import dataclasses
from pathlib import Path

from ccfpse.compare.collect import CHART, MARKDOWN, PICTURES
from ccfpse.compare.grid import cells_of
from ccfpse.config import Settings
from ccfpse.errors import DataError
from ccfpse.opening import read_text
from ccfpse.report.evaluation import read_evaluation
from ccfpse.report.naming import Run
from ccfpse.report.pictures import Picture, embedded


@dataclasses.dataclass(frozen=True, slots=True)
class Grid:
    """The table of a finished grid."""

    header: list[str]
    rows: list[list[str]]
    conditions: list[str]
    """Sentences."""
    chart: Picture
    pictures: Picture


def grid_runs(settings: Settings) -> list[Run]:
    """The cells' evaluations, the first variant's first.

    Raises:
        DataError: a cell is missing or damaged.
    """
    cells = [cell for variant in settings.compare.run for cell in cells_of(settings, variant)]
    return [
        Run(f"{cell.variant}-{cell.seed}", read_evaluation(cell.folder(settings, "evaluation")))
        for cell in cells
    ]


def grid_logs(settings: Settings) -> dict[str, Path]:
    """Folders of the cells' training logs, by the names of their runs."""
    cells = [cell for variant in settings.compare.run for cell in cells_of(settings, variant)]
    return {f"{cell.variant}-{cell.seed}": cell.folder(settings, "training") / "log" for cell in cells}


def read_grid(folder: Path) -> Grid:
    """What `ccfpse.compare.collect` wrote.

    Raises:
        DataError: it is missing or damaged.
    """
    path = folder / MARKDOWN
    try:
        lines = read_text(path).splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); `ccfpse compare` makes it") from error
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    if len(table) < 3 or len({len(row) for row in table}) != 1:
        raise DataError(f"{path}: holds no table; `ccfpse compare --collect` writes it again")
    header, _, *rows = table
    conditions = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    return Grid(
        header, rows, conditions, embedded(folder / CHART, "PNG"), embedded(folder / PICTURES, "JPEG")
    )
