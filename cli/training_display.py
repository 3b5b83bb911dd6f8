"""What `ccfpse train` shows while it runs."""

import sys
import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 10.0  # where there is no terminal


class TrainingDisplay:
    """Step, photos per second, losses and time left: a bar on a terminal, lines elsewhere."""

    def __init__(self) -> None:
        self._steps = self._first = 0
        self._begun = self._told = 0.0
        self._losses = ""
        self._bar: Progress | None = None

    def started(self, step: int, steps: int) -> None:
        """Training goes on after `step` of `steps` steps."""
        self._steps, self._first, self._begun = steps, step, time.monotonic()
        if step:
            self.said(f"going on after step {step}")
        if sys.stderr.isatty():
            columns = (TextColumn("train"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True))
            self._bar.start()
            self._bar.add_task("", total=steps, completed=step)

    def stepped(self, step: int, images_per_second: float, figures: Mapping[str, float]) -> None:
        """`step` steps are done; `figures` are that step's losses, or empty between log points."""
        if figures:
            self._losses = "  ".join(f"{name} {value:.3g}" for name, value in figures.items())
        text = f"{images_per_second:.3g} photos/s  {self._losses}"
        done = step == self._steps
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=step, description=text)
            if done:
                self._bar.stop()
        elif done or time.monotonic() - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            spent = self._told - self._begun
            left = spent / (step - self._first) * (self._steps - step)
            print(f"train: {step}/{self._steps}, {left:.0f} s left, {text}", file=sys.stderr, flush=True)

    def said(self, text: str) -> None:
        """Something the user should know."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Gives the terminal back."""
        if self._bar is not None:
            self._bar.stop()
