"""What `ccfpse train` shows while it runs."""

from collections.abc import Mapping
from contextlib import ExitStack

from .console import Progress, progress, remark


class TrainingDisplay:
    """Step, time left, photos per second and losses.

    Pickles as long as nothing has started, since the process that trains may be another one.
    """

    def __init__(self) -> None:
        self._steps = 0
        self._losses = ""
        self._shown: ExitStack | None = None
        self._update: Progress | None = None

    def started(self, step: int, steps: int) -> None:
        """Training goes on after `step` of `steps` steps."""
        if step:
            self.said(f"going on after step {step}")
        self._steps, self._shown = steps, ExitStack()
        self._update = self._shown.enter_context(progress("train"))
        self._update(step, steps)

    def stepped(self, step: int, images_per_second: float, figures: Mapping[str, float]) -> None:
        """`step` steps are done; `figures` are that step's losses, or empty between log points."""
        if figures:
            self._losses = "  ".join(f"{name} {value:.3g}" for name, value in figures.items())
        if self._update is not None:
            self._update(step, self._steps, f"{images_per_second:.3g} photos/s  {self._losses}")

    def said(self, text: str) -> None:
        """Something the user should know."""
        remark(text)

    def ended(self) -> None:
        """The run is over, or broken off."""
        if self._shown is not None:
            self._shown.close()
