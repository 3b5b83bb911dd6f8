"""The share of training time spent waiting for data, in the training loop of `ccfpse train`.

    python -m benchmarks.waiting [--preset NAME] [--steps N] [--workers N]

Trains for some steps on drawn scenes in the preset's sizes, without a perceptual loss: the less a step
computes, the sooner it needs its next batch. The first steps, in which worker processes start, are left out.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

import torch

from ccfpse.config import Settings, load_preset
from ccfpse.device import pick_device
from ccfpse.prepared import PreparedStore, open_store
from ccfpse.preparing.store import prepare
from ccfpse.training.data import AugmentedSamples, Positions, batches
from ccfpse.training.networks import build_networks
from ccfpse.training.processes import Processes
from ccfpse.training.step import Networks
from ccfpse.training.trainer import Trainer

MOST_SHARE = 0.02
WARM_UP = 5  # steps left out


def main() -> None:
    """Prints seconds per step, and how much of it was waiting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="sample", choices=("sample", "cityscapes"))
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    settings = _settings(arguments.preset)
    with tempfile.TemporaryDirectory() as scratch:
        store = _drawn(settings, Path(scratch))
        waited, total = _train(settings, store, arguments.steps, arguments.workers)
    print(f"{settings.data.size[0]}x{settings.data.size[1]}, batch {settings.train.batch}, {_device()}")
    print(f"a step          {total / arguments.steps:10.3f} s")
    print(f"waiting         {waited / total:10.2%} (at most {MOST_SHARE:.0%} wanted)")
    if waited > MOST_SHARE * total:
        raise SystemExit(1)


def _settings(preset: str) -> Settings:
    settings = load_preset(preset)
    none = dataclasses.replace(settings.loss_network, kind="none", weights=None, small=None)
    train = dataclasses.replace(settings.train, weight_perceptual=0.0, init=None)
    return dataclasses.replace(settings, loss_network=none, train=train)


def _drawn(settings: Settings, scratch: Path) -> PreparedStore:
    """Scenes in the sizes of the settings."""
    sample = load_preset("sample").data
    assert sample.sample is not None
    scenes = dataclasses.replace(
        sample,
        source=str(scratch / "scenes"),
        size=settings.data.size,
        load_size=settings.data.load_size,
        sample=dataclasses.replace(sample.sample, train=16, val=1),
    )
    prepare(scenes, scratch / "store", skip_bad=False, workers=1)
    return open_store(scratch / "store")


def _train(settings: Settings, store: PreparedStore, steps: int, workers: int) -> tuple[float, float]:
    """Seconds spent waiting for batches, and in all."""
    processes = Processes(0, 1, pick_device(settings.runtime.device))
    networks = build_networks(settings, store.class_table)
    trainer = Trainer(
        settings,
        store.class_table,
        Networks(networks.generator, networks.discriminator, networks.encoder, None),
        processes,
    )
    samples = AugmentedSamples(store.split("train"), settings.data.size, settings.data.flip, seed=0)
    positions = Positions(range(steps + WARM_UP), settings.train.batch, 0, 1)
    loaded = iter(batches(samples, positions, workers, pin=processes.device.type == "cuda"))
    waited = started = 0.0
    for step in range(steps + WARM_UP):
        if step == WARM_UP:
            waited, started = 0.0, time.monotonic()
        before = time.monotonic()
        batch = next(loaded)
        waited += time.monotonic() - before
        figures = trainer.step(step, [batch])
        torch.stack(list(figures.losses.values())).tolist()  # as training does: waits for the device
    return waited, time.monotonic() - started


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
