"""An observer for tests, and what a run left."""

from collections.abc import Mapping
from pathlib import Path


class Told:
    """An observer that remembers, and may break off after a step."""

    def __init__(self, last: int | None = None) -> None:
        self.last, self.first, self.steps, self.sentences = last, -1, [], []

    def started(self, step: int, steps: int) -> None:
        self.first = step

    def stepped(self, step: int, images_per_second: float, figures: Mapping[str, float]) -> None:
        self.steps.append(step)
        if step == self.last:
            raise KeyboardInterrupt

    def said(self, text: str) -> None:
        self.sentences.append(text)

    def ended(self) -> None:
        self.has_ended = True


def contents(folder: Path) -> dict[str, bytes]:
    """Of every file, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
