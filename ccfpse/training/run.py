"""One process's part in a training run, from its inputs to the finished folder."""

import contextlib
import math
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from ccfpse.config import Settings
from ccfpse.errors import ModelFileError, NotFinite, TrainingError, TrainingStopped
from ccfpse.files import copy_folder, put_folder, writing
from ccfpse.judge import load_judge
from ccfpse.loss_network import load_loss_network
from ccfpse.models import STYLE_DIM
from ccfpse.outputlock import output_lock
from ccfpse.training.average import settle
from ccfpse.training.data import AugmentedSamples, Positions, RawBatch, batches, in_parts
from ccfpse.training.initial import start_from
from ccfpse.training.inputs import MODEL, Places, open_inputs
from ccfpse.training.machine import difference, machine
from ccfpse.training.networks import build_networks
from ccfpse.training.processes import Processes
from ccfpse.training.record import Recorder
from ccfpse.training.result import write_model
from ccfpse.training.runs import Start
from ccfpse.training.step import Networks
from ccfpse.training.strip import Strip
from ccfpse.training.trainer import Figures, Trainer

_SETTLING_PHOTOS = 512
"""Layouts over which an averaged generator's running statistics are taken."""


class Observer(Protocol):
    """Who is told how the run goes."""

    def started(self, step: int, steps: int) -> None:
        """Training goes on after `step` of `steps` steps."""

    def stepped(self, step: int, images_per_second: float, losses: Mapping[str, float]) -> None:
        """`step` steps are done; `losses` are that step's, or empty between log points."""

    def said(self, text: str) -> None:
        """Something the user should know."""

    def ended(self) -> None:
        """The run is over, or broken off."""


class Run:
    """One process's part in a run."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        observer: Observer,
        processes: Processes,
        stop: Sequence[signal.Signals],
        extend: bool,
    ) -> None:
        """Opens the inputs; `stop` is looked at after every step: once a signal is in it, the run ends."""
        self.settings, self.places, self.observer = settings, places, observer
        self.processes, self.stop = processes, stop
        parts = processes.count * settings.train.accumulation
        if settings.train.batch % parts:
            raise TrainingError(
                f"train.batch {settings.train.batch} cannot be split into {parts} equal parts, for "
                f"{processes.count} processes and train.accumulation {settings.train.accumulation}"
            )
        self.store, self.folder = open_inputs(settings, places, extend)
        self.loss_network, self.loss_record = load_loss_network(places.loss_network)
        self.waited_seconds = self.trained_seconds = 0.0

    def go(self) -> None:
        """Trains to the end and, in the main process, writes the result."""
        out = self.places.out
        lock = output_lock(out, f"the training run for {out}", self._patience_seconds())
        with lock if self.processes.is_main else contextlib.nullcontext():
            # Met here, nobody looks for a checkpoint before the lock is held.
            self.processes.agree(self.folder.path.name)
            start = self.folder.start(self._say)
            step = 0 if start is None else start.step
            self.processes.agree(f"step {step} of {self.folder.path.name}")
            trainer = self._trainer(start)
            story = self._story(start)
            if self.processes.is_main:
                recorder = self._recorder(start, story)
                self.observer.started(step, self.settings.train.steps)
                try:
                    with recorder.saver:
                        self._train(trainer, start, recorder)
                except NotFinite as error:
                    raise TrainingError(f"{error}; {self.folder.way_out(start)}") from error
                recorder.close()
            else:
                self._train(trainer, start, None)
            self._finish(trainer, story)

    def _patience_seconds(self) -> float:
        # Whose torchrun starts it again, or whose dvc was killed and called again, may find its predecessor
        # about to end.
        return 30.0 if self.processes.count > 1 or "DVC_STAGE" in os.environ else 0.0

    def _story(self, start: Start | None) -> dict[str, object]:
        now = machine(self.processes)
        if start is None:
            return {"machines": [now], "extends": []}
        machines = list(start.machines)
        if machines[-1:] != [now]:
            self._say(
                f"going on with {difference(machines[-1], now)}: the last digits will not be those of an "
                "unbroken run; the model file says so"
            )
            machines.append(now)
        return {"machines": machines, "extends": list(start.extends)}

    def _trainer(self, start: Start | None) -> Trainer:
        settings = self.settings
        untrained = build_networks(settings, self.store.class_table)
        if settings.train.init is not None and start is None:
            self._say(start_from(Path(settings.train.init), untrained, self.store.class_table, settings))
        networks = Networks(
            untrained.generator, untrained.discriminator, untrained.encoder, self.loss_network
        )
        trainer = Trainer(settings, self.store.class_table, networks, self.processes)
        if start is not None:
            try:
                trainer.load_state(start.state)
            except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
                raise ModelFileError(
                    f"{start.checkpoint}: holds something else than the state of this run "
                    f"({str(error)[:200]}); remove it"
                ) from error
        return trainer

    def _recorder(self, start: Start | None, story: Mapping[str, object]) -> Recorder:
        data, judge = self.settings.data, self.places.judge
        strip = Strip.of(self.store, data.instances, STYLE_DIM if self.settings.model.style else None)
        loaded = None if judge is None else load_judge(judge, self.processes.device)
        if loaded is not None and loaded.class_table != self.store.class_table:
            raise ModelFileError(
                f"{judge}: this judge knows other classes than {self.places.data}; train it again"
            )
        return Recorder.after(start, self.settings, self.folder, strip, loaded, story)

    def _train(self, trainer: Trainer, start: Start | None, recorder: Recorder | None) -> None:
        steps = range(0 if start is None else start.step, self.settings.train.steps)
        parts = self._parts(steps)
        for step in steps:
            begun = time.monotonic()
            part = next(parts)
            self.waited_seconds += time.monotonic() - begun
            figures = self._checked(step, trainer.step(step, part))
            seconds = time.monotonic() - begun
            self.trained_seconds += seconds
            stopping = self.processes.any(bool(self.stop))
            if recorder is not None:
                has_point = recorder.stepped(trainer, step + 1, figures)
                per_second = self.settings.train.batch / seconds
                self.observer.stepped(step + 1, per_second, figures.losses if has_point else {})
                recorder.save_if_due(trainer, step + 1, stopping)
            if stopping:
                raise self._stopped(f"stopped after step {step + 1}; the same command goes on from there")

    def _stopped(self, sentence: str) -> TrainingStopped:
        return TrainingStopped(sentence, 128 + (self.stop[0] if self.stop else signal.SIGTERM))

    def _checked(self, step: int, found: Figures[Tensor]) -> Figures[float]:
        tensors = {**found.losses, **found.gradients}
        values = self.processes.mean(torch.stack(list(tensors.values()))).tolist()
        figures = dict(zip(tensors, values, strict=True))
        for name, value in figures.items():
            if not math.isfinite(value):
                what = "loss" if name in found.losses else "norm"
                raise NotFinite(f"step {step + 1}: the {what} {name} is {value}")
        return Figures(
            {name: figures[name] for name in found.losses}, {name: figures[name] for name in found.gradients}
        )

    def _finish(self, trainer: Trainer, story: Mapping[str, object]) -> None:
        train = self.settings.train
        if trainer.average is not None:
            n_steps = math.ceil(min(len(self.store.split("train")), _SETTLING_PHOTOS) / train.batch)
            parts = self._parts(range(train.steps, train.steps + n_steps))
            settle(trainer.average.generator, self._settling(trainer, parts, train.steps))
        if not self.processes.is_main:
            return
        finished = self.folder.path / "finished"
        with writing(self.places.out):
            shutil.rmtree(finished, ignore_errors=True)
            for part in (self.folder.log, self.folder.strip):
                copy_folder(part, finished / part.name)
            write_model(finished / MODEL, trainer, self.store, self.loss_record, story)
            self.places.out.parent.mkdir(parents=True, exist_ok=True)
            put_folder(finished, self.places.out)
        self.folder.settle()
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

    def _say(self, text: str) -> None:
        if self.processes.is_main:
            self.observer.said(text)
