"""The training run: a prepared store in, a model file out; going on where an earlier process stopped."""

import contextlib
import dataclasses
import json
import math
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from ccfpse.config import Settings
from ccfpse.errors import DataError, ModelFileError, TrainingError, TrainingStopped
from ccfpse.files import held_lock, put_folder, refuse_foreign, sha256_file
from ccfpse.judge import Judge, load_judge
from ccfpse.loss_network import load_loss_network
from ccfpse.modelfile import load_model
from ccfpse.models import STYLE_DIM
from ccfpse.prepared import PreparedStore, open_store
from ccfpse.training.average import settle
from ccfpse.training.checkpoint import RunFolder
from ccfpse.training.data import AugmentedSamples, Positions, RawBatch, batches, in_parts
from ccfpse.training.initial import start_from
from ccfpse.training.launch import launch
from ccfpse.training.log import Log
from ccfpse.training.networks import build_networks
from ccfpse.training.parent import end_with_parent
from ccfpse.training.processes import Processes, is_launched, together
from ccfpse.training.result import write_model
from ccfpse.training.signals import stop_signals
from ccfpse.training.step import Networks
from ccfpse.training.strip import Strip
from ccfpse.training.trainer import Trainer

MODEL = "model.safetensors"
"""The model file's name in the folder that training writes."""
_SETTLING_PHOTOS = 512
"""Layouts over which an averaged generator's running statistics are taken."""


class Observer(Protocol):
    """Who is told how the run goes."""

    def started(self, step: int, steps: int) -> None:
        """Training goes on after `step` of `steps` steps."""

    def stepped(self, step: int, images_per_second: float, figures: Mapping[str, float]) -> None:
        """`step` steps are done; `figures` are that step's losses, or empty between log points."""

    def said(self, text: str) -> None:
        """Something the user should know."""

    def ended(self) -> None:
        """The run is over, or broken off."""


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a run finds its inputs and leaves its result."""

    data: Path
    loss_network: Path
    judge: Path | None
    """Scores the strip of pictures; None: nothing does."""
    out: Path


def fit(settings: Settings, places: Places, observer: Observer) -> None:
    """Trains, in `runtime.processes` processes, and writes `places.out`.

    Called again after it was stopped or killed, it goes on from its last checkpoint.

    Raises:
        CcfpseError: an input is missing or does not fit, the run is in use, a loss is not finite.
        TrainingStopped: SIGTERM or Ctrl-C; the state is saved.
    """
    end_with_parent()
    if settings.runtime.processes > 1 and not is_launched():
        _open_inputs(settings, places)  # what is wrong with them is said here, once
        launch(settings.runtime.processes, _fit_here, settings, places, observer)
    else:
        _fit_here(settings, places, observer)


def _fit_here(settings: Settings, places: Places, observer: Observer) -> None:
    try:
        with together(settings.runtime.device) as processes, stop_signals() as stop:
            try:
                _Run(settings, places, observer, processes, stop).run()
            except TrainingStopped:
                processes.any(True)  # all stop after the same step; the main process saves first
                raise
    finally:
        observer.ended()


def _open_inputs(settings: Settings, places: Places) -> tuple[PreparedStore, RunFolder]:
    refuse_foreign(places.out, MODEL, "finished training")
    if settings.train.init is not None:
        load_model(Path(settings.train.init))  # refused here rather than after the networks are made
    store = open_store(places.data)
    found = (store.split("train").size, store.split("val").size, store.has_instances)
    wanted = (settings.data.load_size, settings.data.size, settings.data.instances)
    if found != wanted:
        raise DataError(
            f"{places.data}: was prepared with load_size, size, instances {found}, but the settings' "
            f"section data says {wanted}; run `ccfpse prepare` again"
        )
    _, record = load_loss_network(places.loss_network)
    init = settings.train.init
    run = RunFolder.of(
        places.out,
        settings,
        data=store.checksum,
        loss_network=json.dumps(record, sort_keys=True),
        init=None if init is None else sha256_file(Path(init)),
    )
    return store, run


class _Run:
    """One process's part in a run."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        observer: Observer,
        processes: Processes,
        stop: list[signal.Signals],
    ) -> None:
        self.settings, self.places, self.observer = settings, places, observer
        self.processes, self.stop = processes, stop
        parts = processes.count * settings.train.accumulation
        if settings.train.batch % parts:
            raise TrainingError(
                f"train.batch {settings.train.batch} cannot be split into {parts} equal parts, for "
                f"{processes.count} processes and train.accumulation {settings.train.accumulation}"
            )
        self.store, self.folder = _open_inputs(settings, places)
        self.loss_network, self.loss_record = load_loss_network(places.loss_network)
        self.waited_seconds = self.trained_seconds = 0.0

    def run(self) -> None:
        """Trains to the end and, in the main process, writes the result."""
        out = self.places.out
        # One that torchrun starts again may find its predecessor, on another machine, about to end.
        patience_seconds = 30.0 if self.processes.count > 1 else 0.0
        lock = held_lock(out.with_name(f".{out.name}.lock"), f"the training run for {out}", patience_seconds)
        with lock if self.processes.is_main else contextlib.nullcontext():
            # Met here, nobody looks for a checkpoint before the lock is held.
            self.processes.agree(self.folder.path.name)
            trainer, first_step = self._trainer()
            self.processes.agree(f"step {first_step} of {self.folder.path.name}")
            self._train(trainer, first_step)
            self._finish(trainer)
            if self.processes.is_main:
                shutil.rmtree(self.folder.path)

    def _trainer(self) -> tuple[Trainer, int]:
        settings = self.settings
        state = self.folder.load_newest(self._say)
        untrained = build_networks(settings, self.store.class_table)
        if settings.train.init is not None and state is None:
            self._say(start_from(Path(settings.train.init), untrained, self.store.class_table, settings))
        networks = Networks(
            untrained.generator, untrained.discriminator, untrained.encoder, self.loss_network
        )
        trainer = Trainer(settings, self.store.class_table, networks, self.processes)
        if state is None:
            return trainer, 0
        trainer.load_state(state)
        return trainer, int(state["step"])

    def _train(self, trainer: Trainer, first_step: int) -> None:
        runtime, train = self.settings.runtime, self.settings.train
        log = Log(self.folder.log, first_step) if self.processes.is_main else None
        strip, judge = self._strip() if self.processes.is_main else (None, None)
        if self.processes.is_main:
            self.observer.started(first_step, train.steps)
        parts = self._parts(range(first_step, train.steps))
        for step in range(first_step, train.steps):
            begun = time.monotonic()
            part = next(parts)
            self.waited_seconds += time.monotonic() - begun
            figures = self._checked(step, trainer.step(step, part))
            seconds = time.monotonic() - begun
            self.trained_seconds += seconds
            done = step + 1
            due = done % runtime.log_every == 0 or done == train.steps
            if strip is not None and (done % runtime.strip_every == 0 or done == train.steps):
                path = self.folder.strip / f"step-{done:09d}.png"
                figures |= strip.draw(trainer.shown_generator, path, judge)
                due = True
            if log is not None:
                if due:
                    log.write(done, figures)
                self.observer.stepped(done, train.batch / seconds, figures if due else {})
            self._save_if_due(trainer, done)
        if log is not None:
            log.close()

    def _save_if_due(self, trainer: Trainer, done: int) -> None:
        stopping = self.processes.any(bool(self.stop))
        due = done % self.settings.runtime.checkpoint_every == 0 or done == self.settings.train.steps
        if (due or stopping) and self.processes.is_main:
            if not trainer.is_finite():
                raise TrainingError(
                    f"step {done}: weights are no longer finite; lower the learning rates "
                    f"(last good checkpoint: {self._last_checkpoint()})"
                )
            self.folder.save(done, trainer.state(), self.settings.runtime.keep_checkpoints)
        if stopping:
            raise self._stopped(f"stopped after step {done}; the same command goes on from there")

    def _stopped(self, sentence: str) -> TrainingStopped:
        return TrainingStopped(sentence, 128 + (self.stop[0] if self.stop else signal.SIGTERM))

    def _last_checkpoint(self) -> str:
        return str(next(iter(self.folder.checkpoints()), "none yet"))

    def _checked(self, step: int, losses: Mapping[str, Tensor]) -> dict[str, float]:
        values = self.processes.mean(torch.stack(list(losses.values()))).tolist()
        figures = dict(zip(losses, values, strict=True))
        for name, value in figures.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"step {step + 1}: the loss {name} is {value}; lower the learning rates "
                    f"(last good checkpoint: {self._last_checkpoint()})"
                )
        return figures

    def _finish(self, trainer: Trainer) -> None:
        train = self.settings.train
        if trainer.average is not None:
            n_steps = math.ceil(min(len(self.store.split("train")), _SETTLING_PHOTOS) / train.batch)
            parts = self._parts(range(train.steps, train.steps + n_steps))
            settle(trainer.average.generator, self._settling(trainer, parts, train.steps))
        if not self.processes.is_main:
            return
        finished = self.folder.path / "finished"
        shutil.rmtree(finished, ignore_errors=True)
        finished.mkdir()
        for part in (self.folder.log, self.folder.strip):
            shutil.copytree(part, finished / part.name)
        write_model(finished / MODEL, trainer, self.store, self.loss_record)
        self.places.out.parent.mkdir(parents=True, exist_ok=True)
        put_folder(finished, self.places.out)
        if self.trained_seconds:
            self._say(
                f"{self.places.out}: trained in {self.trained_seconds:.0f} s, "
                f"{self.waited_seconds / self.trained_seconds:.1%} of it waiting for data"
            )

    def _settling(
        self, trainer: Trainer, parts: Iterator[list[RawBatch]], first_step: int
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        for step, part in enumerate(parts, start=first_step):
            if self.processes.any(bool(self.stop)):
                raise self._stopped("stopped after the last step; the same command writes the model file")
            for raw, noise in zip(part, trainer.noise(step, 0, len(part)), strict=True):
                yield trainer.inputs(raw)[0], noise

    def _parts(self, steps: range) -> Iterator[list[RawBatch]]:
        """For every step this process's share of the batch, in `train.accumulation` parts."""
        train, data = self.settings.train, self.settings.data
        samples = AugmentedSamples(self.store.split("train"), data.size, data.flip, train.seed)
        rank, count = self.processes.rank, self.processes.count
        positions = Positions(steps, train.batch, rank, count, train.accumulation)
        pin = self.processes.device.type == "cuda"
        for batch in batches(samples, positions, self.settings.runtime.workers, pin):
            yield in_parts(batch, train.accumulation)

    def _strip(self) -> tuple[Strip, Judge | None]:
        data, judge = self.settings.data, self.places.judge
        strip = Strip.of(self.store, data.instances, STYLE_DIM if self.settings.model.style else None)
        if judge is None:
            return strip, None
        loaded = load_judge(judge, self.processes.device)
        if loaded.class_table != self.store.class_table:
            raise ModelFileError(
                f"{judge}: this judge knows other classes than {self.places.data}; train it again"
            )
        return strip, loaded

    def _say(self, text: str) -> None:
        if self.processes.is_main:
            self.observer.said(text)
