"""Seconds per training step of each variant, all measured in one run on this machine."""

import statistics
import time
from pathlib import Path

import torch

from ccfpse.config import Settings
from ccfpse.device import pick_device
from ccfpse.loss_network import load_loss_network
from ccfpse.prepared import open_store
from ccfpse.segmentation import Progress
from ccfpse.training.data import AugmentedSamples, Positions, RawBatch, batches, in_parts
from ccfpse.training.networks import build_networks
from ccfpse.training.processes import Processes
from ccfpse.training.step import Networks
from ccfpse.training.trainer import Trainer
from ccfpse.variants import cell_settings

ROUNDS, STEPS = 3, 2
"""In every round each variant takes these steps, after one that is not counted."""


def seconds_per_step(settings: Settings, progress: Progress) -> dict[str, float]:
    """Median over rounds in which the variants take turns, one process; what it waits for data is not in it.

    Raises:
        DataError: the prepared store is missing or damaged.
        ModelFileError: the loss network is.
    """
    store = open_store(Path(settings.paths.prepared))
    loss_network, _ = load_loss_network(Path(settings.paths.loss_network))
    processes = Processes(0, 1, pick_device(settings.runtime.device))
    train, data = settings.train, settings.data
    samples = AugmentedSamples(store.split("train"), data.size, data.flip, train.seed)
    positions = Positions(range(1 + STEPS), train.batch, 0, 1)
    parts = [in_parts(batch, train.accumulation) for batch in batches(samples, positions, 0, pin=False)]
    found: dict[str, list[float]] = {name: [] for name in settings.compare.run}
    for turn in range(ROUNDS):
        for number, name in enumerate(found):
            progress(turn * len(found) + number, ROUNDS * len(found))
            cell = cell_settings(settings, name, train.seed)
            untrained = build_networks(cell, store.class_table)
            networks = Networks(untrained.generator, untrained.discriminator, untrained.encoder, loss_network)
            found[name] += _times(Trainer(cell, store.class_table, networks, processes), parts)
    progress(ROUNDS * len(found), ROUNDS * len(found))
    return {name: statistics.median(times) for name, times in found.items()}


def _times(trainer: Trainer, parts: list[list[RawBatch]]) -> list[float]:
    times = []
    for step, part in enumerate(parts):
        _wait_for(trainer.processes.device)
        started = time.perf_counter()
        trainer.step(step, part)
        _wait_for(trainer.processes.device)
        times.append(time.perf_counter() - started)
    return times[1:]


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
