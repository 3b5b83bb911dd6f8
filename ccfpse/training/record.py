"""What the main process keeps of a run while it trains: points, pictures, checkpoints."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ccfpse.config import Settings
from ccfpse.errors import NotFinite
from ccfpse.judge import Judge
from ccfpse.training.checkpoint import Saver
from ccfpse.training.log import Log
from ccfpse.training.runs import RunFolder, Start
from ccfpse.training.strip import Strip
from ccfpse.training.trainer import Figures, Trainer


@dataclasses.dataclass(frozen=True)
class Recorder:
    """Writes down how a run goes, in its folder."""

    settings: Settings
    folder: RunFolder
    strip: Strip
    judge: Judge | None
    """Scores the strip's photos; None: nothing does."""
    story: Mapping[str, Any]
    """How the run came about, part of every checkpoint."""
    log: Log
    saver: Saver

    @classmethod
    def after(
        cls,
        start: Start | None,
        settings: Settings,
        folder: RunFolder,
        strip: Strip,
        judge: Judge | None,
        story: Mapping[str, Any],
    ) -> "Recorder":
        """Takes the record up where the run does; None: a new one.

        Raises:
            TrainingError: see `Log`.
        """
        folder.make()
        last = 0
        if start is not None:
            # A point that another run made because it ended there is none of this one's.
            last = start.step if _has_point(settings, start.step) else start.step - 1
            folder.adopt(start, last)
        log = Log(folder.log, last, folder.path if start is None else start.folder)
        saver = Saver(folder.path, settings.runtime.keep_checkpoints)
        return cls(settings, folder, strip, judge, story, log, saver)

    def stepped(self, trainer: Trainer, done: int, figures: Figures[float]) -> bool:
        """Writes point and picture of step `done` where they are due; whether there is a point."""
        points = {**figures.losses, **figures.gradients}
        if _is_due(self.settings, done, self.settings.runtime.strip_every):
            path = self.folder.strip / f"step-{done:09d}.png"
            points |= self.strip.draw(trainer.shown_generator, path, self.judge)
        has_point = _has_point(self.settings, done)
        if has_point:
            self.log.write(done, points)
        return has_point

    def save_if_due(self, trainer: Trainer, done: int, stopping: bool) -> None:
        """Begins to write a checkpoint after step `done` where one is due; `stopping`: writes it in any case.

        Raises:
            OutputError: this checkpoint or the one before could not be written.
            NotFinite: weights are not.
        """
        self.saver.check()
        if stopping or _is_due(self.settings, done, self.settings.runtime.checkpoint_every):
            if not trainer.is_finite():
                raise NotFinite(f"step {done}: weights are not finite")
            self.log.flush()  # or a power cut could keep the checkpoint and lose points before it
            self.saver.save(done, {**trainer.state(), **self.story})
        if stopping:
            self.saver.finish()

    def close(self) -> None:
        """Ends the log."""
        self.log.close()


def _is_due(settings: Settings, done: int, every: int) -> bool:
    return done % every == 0 or done == settings.train.steps


def _has_point(settings: Settings, done: int) -> bool:
    runtime = settings.runtime
    return _is_due(settings, done, runtime.log_every) or done % runtime.strip_every == 0
