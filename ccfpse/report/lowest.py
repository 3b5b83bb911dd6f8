"""The photos that were read worst, out of an evaluation's `images.csv`."""

import csv
import dataclasses
import io
import math
from pathlib import Path

from ccfpse.errors import DataError
from ccfpse.evaluation.outputs import IMAGES
from ccfpse.opening import read_text
from ccfpse.report.evaluation import AGAIN


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRow:
    """Figures of one photo; None: it has no counted pixel, or no border."""

    name: str
    accuracy: float | None
    miou: float | None
    boundary_agreement: float | None
    real_accuracy: float | None


def lowest(folder: Path, n: int) -> list[PhotoRow]:
    """The `n` photos with the lowest accuracy, the lowest first.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = folder / IMAGES
    try:
        rows = [_row(row) for row in csv.DictReader(io.StringIO(read_text(path), newline=""))]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(f"{path}: is missing or damaged ({error}); {AGAIN}") from error
    counted = [(row.accuracy, row) for row in rows if row.accuracy is not None]
    return [row for _, row in sorted(counted, key=lambda pair: pair[0])[:n]]


def _row(row: dict[str, str]) -> PhotoRow:
    if None in row.values():
        raise ValueError("a row is cut short")

    def figure(name: str) -> float | None:
        if not row[name]:
            return None
        if not math.isfinite(value := float(row[name])):
            raise ValueError(f"{value} is no figure")
        return value

    return PhotoRow(
        name=row["name"],
        accuracy=figure("accuracy"),
        miou=figure("miou"),
        boundary_agreement=figure("boundary_agreement"),
        real_accuracy=figure("real_accuracy"),
    )
