"""The cells of the grid, and where each leaves its results."""

import dataclasses
from pathlib import Path
from typing import Literal

from ccfpse.config import Settings

Kind = Literal["training", "photos", "evaluation"]


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One variant trained from one seed."""

    variant: str
    seed: int

    def folder(self, settings: Settings, kind: Kind) -> Path:
        """Where `compare/dvc.yaml` lets a stage of this cell write."""
        return Path(settings.paths.compare) / kind / f"{self.variant}-{self.seed}"


def cells_of(settings: Settings, variant: str) -> list[Cell]:
    """The cells of a variant, in the order of the seeds."""
    return [Cell(variant, seed) for seed in settings.compare.seeds]
