"""What surrounds the networks: files, data and the command line."""

import contextlib
import dataclasses
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import ccfpse
from benchmarks import loader
from benchmarks.networks import Work
from ccfpse.classfiles import load_class_table
from ccfpse.config import load_preset
from ccfpse.datasets import find_samples
from ccfpse.layoutfiles import find_layouts
from ccfpse.modelfile import ModelFile, save_model
from ccfpse.models import ConditionalGenerator, initialise
from ccfpse.preparing.store import prepare
from ccfpse.synthesis import synthesize_files
from ccfpse.synthesisplan import Output

N_LAYOUTS = 16


def network_share(scratch: Path) -> float:
    """Of the seconds that `ccfpse synthesize` takes for 16 layouts of 256x512, those in the network.

    Width 64, Cityscapes' classes, no style; label maps and photos are PNG files.
    """
    path, labels = scratch / "model.safetensors", scratch / "labels"
    _write_model(path)
    labels.mkdir()
    random = np.random.default_rng(0)
    for number in range(N_LAYOUTS):
        ids = random.integers(0, 34, (16, 32), np.uint8).repeat(16, 0).repeat(16, 1)
        Image.fromarray(ids).save(labels / f"{number}.png")
    model = ccfpse.load(path, device="cpu")
    report = synthesize_files(
        model,
        find_layouts(labels, None, model, None, "ids"),
        Output(folder=scratch / "photos", format="png", size="input", overwrite=True),
        style="prior",
        seed=0,
        batch=8,
        skip_bad=False,
        progress=_silent,
        warn=lambda sentence: None,
    )
    return report.network_seconds / report.seconds


def _write_model(path: Path) -> None:
    settings, table = load_preset("cityscapes"), load_class_table("cityscapes")
    model = dataclasses.replace(settings.model, style=False)
    network = ConditionalGenerator(
        table.n_labels + settings.data.instances,
        width=model.width,
        predictor_width=model.predictor_width,
        n_doublings=model.doublings,
    )
    initialise(network, torch.Generator().manual_seed(0))
    described = {
        "model": dataclasses.asdict(model),
        "size": list(settings.data.size),
        "has_boundary": settings.data.instances,
    }
    weights = {f"generator.{name}": tensor for name, tensor in network.state_dict().items()}
    save_model(path, ModelFile(settings=described, class_table=table, provenance={}, weights=weights))


@contextlib.contextmanager
def _silent(name: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def prepare_pair(scratch: Path) -> tuple[Work, Work]:
    """Raw files of 2048x1024 only decoded and resized, in one process; and prepared, by all cores."""
    source = loader.scenes(scratch / "scenes")
    data = dataclasses.replace(load_preset("cityscapes").data, source=str(source))
    runs = iter(range(1000))

    def decode() -> None:
        for split in find_samples(data).splits.values():
            for sample in split.samples:
                files = (sample.image, sample.labels, sample.instances)
                for file in files:
                    if file is not None:
                        picture = Image.open(io.BytesIO(file.read()))
                        picture.resize(data.load_size[::-1], Image.Resampling.NEAREST)

    def whole() -> None:
        workers = os.cpu_count() or 1
        prepare(data, scratch / f"store{next(runs)}", skip_bad=False, workers=workers)

    return decode, whole


def start_pair() -> tuple[Work, Work]:
    """``import torch``; and ``ccfpse --help``."""
    command = str(Path(sys.executable).with_name("ccfpse"))

    def run(*arguments: str) -> Work:
        return lambda: subprocess.run(arguments, check=True, capture_output=True)

    return run(sys.executable, "-c", "import torch"), run(command, "--help")
