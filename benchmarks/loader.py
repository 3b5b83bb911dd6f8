"""Side by side: a training sample from the prepared store, and from the raw Cityscapes files.

    python -m benchmarks.loader [--raw DIR]

Both sides end with the same photo, labels and instance numbers at 256x512, mirrored every second time.
The raw side does nothing but decode the PNGs and resize (photo bicubic, maps nearest): no checks, no
class table. One process, one core. Without `--raw`, scenes of the embedded data set are drawn and
enlarged to the size of Cityscapes' photos.
"""

import argparse
import dataclasses
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccfpse.config import load_preset
from ccfpse.datasets import find_samples
from ccfpse.datasets.sample import write_sample
from ccfpse.datasets.source import RawFile
from ccfpse.layout import augment
from ccfpse.prepared import open_store
from ccfpse.preparing.store import prepare
from ccfpse.sections import DataSettings

LEAST_RATIO = 20.0
CITYSCAPES_SIZE = (2048, 1024)  # width, height


def main() -> None:
    """Prints images per second and core of both sides, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, help="folder or archives of Cityscapes")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each side")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        fast, slow = measure(arguments.raw, Path(scratch), arguments.seconds)
    print(f"prepared store  {fast:10.1f} images/s per core")
    print(f"raw files       {slow:10.1f} images/s per core")
    print(f"ratio           {fast / slow:10.1f} (at least {LEAST_RATIO:g} wanted)")
    if fast < LEAST_RATIO * slow:
        raise SystemExit(1)


def measure(raw: Path | None, scratch: Path, seconds: float) -> tuple[float, float]:
    """Images per second and core, from the prepared store and from the raw files."""
    source = raw or scenes(scratch / "scenes")
    data = dataclasses.replace(load_preset("cityscapes").data, source=str(source))
    return _from_store(data, scratch, seconds), _from_raw(data, scratch, seconds)


def scenes(folder: Path) -> Path:
    """Drawn scenes in the size of Cityscapes' photos."""
    write_sample(folder, train=8, val=1, seed=0, workers=1)
    for path in folder.rglob("*.png"):
        picture = Image.open(path)
        is_photo = path.name.endswith("_leftImg8bit.png")
        how = Image.Resampling.BICUBIC if is_photo else Image.Resampling.NEAREST
        picture.resize(CITYSCAPES_SIZE, how).save(path)
    return folder


def _from_store(data: DataSettings, scratch: Path, seconds: float) -> float:
    prepare(data, scratch / "store", skip_bad=False, workers=1)
    split = open_store(scratch / "store").split("train")

    def read(number: int) -> None:
        index = number % len(split)
        rng = np.random.default_rng([0, number])
        augment(split.image(index), split.labels(index), split.instances(index), data.size, data.flip, rng)

    return _per_second(read, seconds)


def _from_raw(data: DataSettings, scratch: Path, seconds: float) -> float:
    samples = find_samples(data).splits["train"].samples
    bicubic, nearest = Image.Resampling.BICUBIC, Image.Resampling.NEAREST

    def resized(file: RawFile, resampling: Image.Resampling) -> npt.NDArray[Any]:
        picture = Image.open(io.BytesIO(file.read()))
        picture.load()
        return np.asarray(picture.resize(data.load_size[::-1], resampling))

    def read(number: int) -> None:
        sample = samples[number % len(samples)]
        assert sample.instances is not None
        photo, labels = resized(sample.image, bicubic), resized(sample.labels, nearest)
        instances = resized(sample.instances, nearest)
        augment(photo, labels, instances, data.size, data.flip, np.random.default_rng([0, number]))

    return _per_second(read, seconds)


def _per_second(read: Callable[[int], None], seconds: float) -> float:
    """Images per second of this process's time on the processor, which other processes do not change."""
    read(0)
    number, started = 0, time.process_time()
    while (spent := time.process_time() - started) < seconds:
        read(number)
        number += 1
    return number / spent


if __name__ == "__main__":
    main()
