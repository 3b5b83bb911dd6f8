"""Files of an evaluation that people look at, and those that another evaluation is compared with."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from ccfpse.datasets.fitting import fit_map
from ccfpse.evaluation.measure import column, tally_of
from ccfpse.evaluation.metrics import OWN, Drawn
from ccfpse.evaluation.photos import PhotoSet, Pixels
from ccfpse.evaluation.picture import evenly_spaced, legend, write_picture
from ccfpse.evaluation.reading import Reading
from ccfpse.evaluation.records import Records
from ccfpse.files import replacing
from ccfpse.labelspace import Color
from ccfpse.opening import read_regular
from ccfpse.prepared import PreparedSplit

IOU, IMAGES, CONFUSION, PICTURES, EXTREMES, DRAWN = (
    "iou.csv",
    "images.csv",
    "confusion.png",
    "pictures.png",
    "extremes.png",
    "drawn.npz",
)
_MOST_DRAWN = 2**26  # bytes of `drawn.npz`; usually a tenth of a megabyte
_MOST_NAMED = 40  # classes whose names still fit beside a matrix


def write_iou(path: Path, metrics: dict[str, Any]) -> None:
    """Rows of class and its IoU in synthesized and real photos, as DVC's bar plots read them."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("class", "synthesized", "real"))
        sets = (metrics["iou"], metrics["real"]["iou"])
        for name in sets[1] | sets[0]:
            rows.writerow((name, *(f"{iou[name]:.6f}" if name in iou else "" for iou in sets)))


def write_images(
    path: Path, names: tuple[str, ...], synthesized: Records, real: Records, reading: Reading
) -> None:
    """A row for every photo: accuracy, mean IoU over the classes in its labels, edges on borders.

    And the real photo's accuracy. Empty where a photo has no counted pixel or no border.
    """
    tally = tally_of(synthesized, OWN, reading.name)
    real_tally = tally_of(real, OWN, reading.name)
    counts = tally.labelled.sum(axis=-1) > 0
    near, pixels = synthesized.column(f"{OWN}.borders")[:, 0].T
    figures = {
        "accuracy": np.where(counts, tally.accuracy(), np.nan),
        "miou": np.where(counts, tally.miou("labels"), np.nan),
        "boundary_agreement": np.where(pixels > 0, near / np.maximum(pixels, 1), np.nan),
        "real_accuracy": np.where(counts, real_tally.accuracy(), np.nan),
    }
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("name", *figures))
        for i, name in enumerate(names):
            values = [float(column[i]) for column in figures.values()]
            rows.writerow((name, *("" if np.isnan(value) else f"{value:.6f}" for value in values)))


def write_confusion(path: Path, records: Records, reading: Reading) -> None:
    """A picture of what pixels of every class were read as, in shares of its pixels."""
    confusion = reading.confusion()
    for part in records.stream(column(OWN, reading.name, "confusion")):
        confusion.counts += part.sum(axis=0)
    ids = [i for i in reading.counted if confusion.counts[i].sum()]
    rows = confusion.counts[ids]
    shares = rows[:, ids] / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    names = [reading.table.names[i] for i in ids]
    side = 2.8 + 0.27 * min(len(ids), _MOST_NAMED)
    figure = Figure(figsize=(side, side), dpi=130, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("read as")
    axes.set_ylabel("label")
    if len(ids) <= _MOST_NAMED:
        axes.set_xticks(range(len(ids)), names, rotation=90, fontsize=8, parse_math=False)
        axes.set_yticks(range(len(ids)), names, fontsize=8, parse_math=False)
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the label's pixels")
    content = io.BytesIO()  # what Pillow says of a full disk tells nothing
    figure.savefig(content, format="png", bbox_inches="tight")
    with replacing(path) as temporary:
        temporary.write_bytes(content.getvalue())


def write_pictures(
    path: Path, split: PreparedSplit, synthesized: PhotoSet, reading: Reading, rows: int
) -> None:
    """Rows of label map, real and synthesized photo, evenly spaced over the split."""
    chosen = evenly_spaced(len(split), rows)
    columns, names = _columns(split, synthesized, reading, chosen)
    write_picture(path, columns, names)


def write_extremes(
    path: Path, split: PreparedSplit, synthesized: PhotoSet, records: Records, reading: Reading, rows: int
) -> None:
    """The same of photos with the lowest accuracy, then of those with the highest, and what was read."""
    tally = tally_of(records, OWN, reading.name)
    accuracy, counts = tally.accuracy(), tally.labelled.sum(axis=-1) > 0
    order = [i for i in np.argsort(accuracy, kind="stable").tolist() if counts[i]]
    n = min(rows, len(order) // 2)
    lowest, highest = (order[:n], order[len(order) - n :]) if n else (order[:1] or [0], [])
    chosen = [*lowest, *highest]
    columns, names = _columns(split, synthesized, reading, chosen)
    columns[f"read by {reading.protocol.network}"] = [
        _as_read(photo, reading, split.size) for photo in columns["synthesized"]
    ]
    kinds = ["lowest"] * len(lowest) + ["highest"] * len(highest)
    captions = [
        f"{kind}: accuracy {accuracy[i]:.3f}, {split.names[i]}" for kind, i in zip(kinds, chosen, strict=True)
    ]
    write_picture(path, columns, names, captions)


def write_drawn(path: Path, drawn: Drawn, photos: str) -> None:
    """Figures of resampled photos: `score.NAME` and `distance.NAME`; `photos` tells what was drawn from."""
    arrays = {f"score.{name}": values for name, values in drawn.scores.items()}
    arrays |= {f"distance.{name}": values for name, values in drawn.distances.items()}
    with replacing(path) as temporary:
        np.savez(temporary, photos=np.array(photos), **arrays)  # type: ignore[arg-type]


def read_drawn(path: Path) -> tuple[Drawn, str]:
    """What `write_drawn` wrote.

    Raises:
        OSError, ValueError, KeyError: the file is missing or damaged.
    """
    file = io.BytesIO(read_regular(path, _MOST_DRAWN))
    with zipfile.ZipFile(file) as archive:
        if sum(info.file_size for info in archive.infolist()) > _MOST_DRAWN:
            raise ValueError("it unpacks to more than any figures")
    with np.load(file, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    kinds: dict[str, dict[str, npt.NDArray[np.float64]]] = {"score": {}, "distance": {}}
    photos = str(found.pop("photos"))
    for name, values in found.items():
        kind, figure = name.split(".", 1)
        if values.dtype != np.float64 or values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError(f"{name} holds no figures")
        kinds[kind][figure] = values
    return Drawn(kinds["score"], kinds["distance"]), photos


def _columns(
    split: PreparedSplit, synthesized: PhotoSet, reading: Reading, chosen: list[int]
) -> tuple[dict[str, list[Pixels]], dict[str, Color]]:
    """Label maps, real and synthesized photos, and the colours of the classes."""
    table = reading.table
    labels = [split.labels(i) for i in chosen]
    columns = {
        "label": [table.colorize(ids) for ids in labels],
        "real": [split.image(i) for i in chosen],
        "synthesized": [synthesized.image(i) for i in chosen],
    }
    return columns, legend(table, labels)


def _as_read(photo: npt.NDArray[np.uint8], reading: Reading, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Class ids that were read, in the class table's colours; white: something else."""
    ids = fit_map(reading.of([photo])[0][0], size, "stretch", None)
    palette = np.concatenate([reading.table.palette(), np.full((1, 3), 255, np.uint8)])
    colored: npt.NDArray[np.uint8] = palette[ids]
    return colored
