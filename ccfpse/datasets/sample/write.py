"""The embedded data set on disk, in the raw layout of Cityscapes, written by several processes."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ccfpse.datasets.sample.render import SIZE, render_scene
from ccfpse.errors import DataError, OutputError
from ccfpse.files import code_checksum, read_json, write_json, writing
from ccfpse.pictures import encoded
from ccfpse.workers import in_processes

RECORD_NAME = "sample.json"
CITIES = {"train": "sampletown", "val": "samplefield"}
FIRST_INDEX = {"train": 0, "val": 1_000_000}
"""Where the scenes of a split begin, so that the splits share none."""


def renderer() -> str:
    """Names the renderer by its source, so that scenes of an earlier one are not taken for its own."""
    return code_checksum("datasets/sample")[:16]


class _Job(NamedTuple):
    """One scene to be rendered and the three files it goes to."""

    seed: int
    scene: int
    photo: Path
    labels: Path
    instances: Path

    def is_done(self) -> bool:
        return self.photo.is_file() and self.labels.is_file() and self.instances.is_file()


def write_sample(
    folder: Path,
    train: int,
    val: int,
    seed: int,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes a data set of rendered street scenes; files that are there already are kept.

    Args:
        folder: gets `leftImg8bit/`, `gtFine/` and the record `sample.json`.
        train: number of scenes for training.
        val: number of scenes for validation.
        seed: of all scenes.
        workers: number of processes; with 1 this process does all the work. The files do not depend on it.
        progress: called with the number of finished scenes and of all scenes.

    Raises:
        DataError: the folder holds something else than this data set or a part of it.
        OutputError: the folder cannot be written.
    """
    _claim(folder, {"renderer": renderer(), "seed": seed, "size": list(SIZE), "train": train, "val": val})
    jobs = [
        _job(folder, split, number, seed)
        for split, n in (("train", train), ("val", val))
        for number in range(n)
    ]
    waiting = [job for job in jobs if not job.is_done()]
    done = len(jobs) - len(waiting)
    if progress:
        progress(done, len(jobs))
    for _ in in_processes(_render, waiting, workers, chunk=4, what=str(folder)):
        done += 1
        if progress:
            progress(done, len(jobs))


def _claim(folder: Path, record: dict[str, object]) -> None:
    """Makes sure that the folder belongs to the data set that a record describes."""
    advice = "remove the folder or choose another"
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file where the sample data set is to be written; {advice}")
    path = folder / RECORD_NAME
    if path.exists():
        found = read_json(path, DataError, advice)
        if found != record:
            raise DataError(
                f"{path}: describes other sample scenes ({found}) than asked for ({record}); {advice}"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise DataError(
            f"{folder}: holds files but no {RECORD_NAME}, so they are not sample scenes; {advice}"
        )
    else:
        write_json(path, record)


def _job(folder: Path, split: str, number: int, seed: int) -> _Job:
    city = CITIES[split]
    frame = f"{city}_{number:06d}_000000"
    annotation = folder / "gtFine" / split / city
    return _Job(
        seed=seed,
        scene=FIRST_INDEX[split] + number,
        photo=folder / "leftImg8bit" / split / city / f"{frame}_leftImg8bit.png",
        labels=annotation / f"{frame}_gtFine_labelIds.png",
        instances=annotation / f"{frame}_gtFine_instanceIds.png",
    )


def _render(job: _Job) -> None:
    scene = render_scene(job.seed, job.scene)
    _save(scene.pixels, job.photo)
    _save(scene.label_ids, job.labels)
    _save(scene.instance_ids, job.instances)


def _save(array: NDArray[np.uint8] | NDArray[np.uint16], path: Path) -> None:
    """Writes a PNG under another name first, so that a process that is killed leaves no half file.

    Not flushed to disk one by one as in `files.replacing`: that takes a third of the time of rendering, and
    `prepare` reads every file again.
    """
    temporary = path.with_name(f".{path.stem}.tmp.png")  # no other process draws this scene
    # looking for runs only suits label maps, and noisy photos no less than looking for repetitions
    content = encoded(Image.fromarray(array), "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
