"""One pass over a set of photos that feeds all networks, into records on disk."""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from ccfpse.evaluation import edges
from ccfpse.evaluation.inception import Inception
from ccfpse.evaluation.photos import PhotoSet, Pixels, batches
from ccfpse.evaluation.reading import Reading, as_tensor
from ccfpse.evaluation.records import Records
from ccfpse.evaluation.truths import Truth
from ccfpse.scores import Tally
from ccfpse.segmentation import Progress

JUDGE, INCEPTION, CLEAN = "judge_features", "inception", "inception_clean_resize"
"""Columns of features."""
_TALLY = tuple(field.name for field in dataclasses.fields(Tally))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """What looks at every photo."""

    readings: tuple[Reading, ...]
    """That of the judge first, which also gives features."""
    inception: Inception | None
    """None: its weights are not there."""
    clean_resize: bool
    """Feed Inception a second time, photos resized with a low-pass filter."""


def measure(
    photos: PhotoSet,
    truths: Mapping[str, Truth],
    networks: Networks,
    records: Records,
    *,
    pairs: PhotoSet | None,
    batch: int,
    progress: Progress,
) -> None:
    """Measures the photos that `records` does not hold yet.

    Args:
        photos: of one size.
        truths: what photos are held against, by name; none: features alone.
        networks: what looks at them.
        records: where the columns go: features (`JUDGE`, `INCEPTION`, `CLEAN`), and for each truth and
            reading the pixels of a tally, a confusion matrix, edges on borders.
        pairs: compare every photo with that of the same index, pixel by pixel, too.
        batch: photos at a time.
        progress: called with (photos done, photos).

    Raises:
        DataError: a photo is damaged or of another size.
        OutputError: records cannot be written.
    """
    missing = records.missing()
    done = records.n - sum(len(part) for part in missing)
    for part in missing:
        columns: dict[str, list[npt.NDArray[Any]]] = defaultdict(list)
        for indices in batches(part, batch):
            pixels = [photos.image(i) for i in indices]
            ids, features = _read(pixels, networks.readings if truths else networks.readings[:1])
            _add(columns, features | _inception(pixels, networks))
            for name, truth in truths.items():
                _add(columns, _scores(name, truth, indices, ids, networks.readings))
                _add(columns, {f"{name}.borders": _borders(truth, indices, pixels)})
            if pairs is not None:
                _add(columns, _similarity(pixels, [pairs.image(i) for i in indices]))
            done += len(indices)
            progress(done, records.n)
        records.write(part, {name: np.concatenate(rows) for name, rows in columns.items()})


def column(truth: str, reading: str, what: str) -> str:
    """Name of a column of a truth: `hits`, `labelled`, `predicted`, `pixels` or `confusion` of a reading."""
    return f"{truth}.{reading}.{what}"


def tally_of(records: Records, truth: str, reading: str) -> Tally:
    """Pixels of every photo, with a leading axis of photos."""
    return Tally(**{name: records.column(column(truth, reading, name)) for name in _TALLY})


def _read(
    pixels: list[Pixels], readings: tuple[Reading, ...]
) -> tuple[list[npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]:
    """Class ids by every reading, and the judge's features."""
    seen = [reading.of(pixels) for reading in readings]
    features = seen[0][1]
    return [ids for ids, _ in seen], {} if features is None else {JUDGE: features}


def _inception(pixels: list[Pixels], networks: Networks) -> dict[str, npt.NDArray[Any]]:
    if networks.inception is None:
        return {}
    found = {INCEPTION: networks.inception(as_tensor(np.stack(pixels)))}
    if networks.clean_resize:
        found[CLEAN] = networks.inception.of_clean_resize(pixels)
    return {name: features.cpu().numpy() for name, features in found.items()}


def _scores(
    name: str,
    truth: Truth,
    indices: list[int],
    ids: list[npt.NDArray[Any]],
    readings: tuple[Reading, ...],
) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    for reading, predicted in zip(readings, ids, strict=True):
        confusions = [reading.confusion() for _ in indices]
        for confusion, i, of_photo in zip(confusions, indices, predicted, strict=True):
            confusion.add(truth.labels(i, reading), of_photo)
        tallies = [confusion.tally() for confusion in confusions]
        for field in _TALLY:
            values = [getattr(tally, field) for tally in tallies]
            found[column(name, reading.name, field)] = np.stack(values).astype(np.int64)
        # One matrix for the batch: a row for every photo would be large where there are many classes.
        summed = sum(confusion.counts for confusion in confusions)
        found[column(name, reading.name, "confusion")] = np.asarray(summed)[None]
    return found


def _borders(truth: Truth, indices: list[int], pixels: list[Pixels]) -> npt.NDArray[np.int64]:
    return np.stack([edges.found(photo, truth.borders(i)) for photo, i in zip(pixels, indices, strict=True)])


def _similarity(pixels: list[Pixels], others: list[Pixels]) -> dict[str, npt.NDArray[Any]]:
    found = defaultdict(list)
    for a, b in zip(pixels, others, strict=True):
        found["ssim"].append(structural_similarity(a, b, channel_axis=2, data_range=255))  # type: ignore[no-untyped-call]
        equal = np.array_equal(a, b)  # the ratio is infinite
        ratio = np.nan if equal else peak_signal_noise_ratio(a, b, data_range=255)  # type: ignore[no-untyped-call]
        found["psnr"].append(ratio)
    return {name: np.array(values, np.float64) for name, values in found.items()}


def _add(columns: dict[str, list[npt.NDArray[Any]]], rows: Mapping[str, npt.NDArray[Any]]) -> None:
    for name, values in rows.items():
        columns[name].append(values)
