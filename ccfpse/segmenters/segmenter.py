"""What every segmenter is to evaluation: photos in, classes of its own out, and the files it came from."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ccfpse.files import sha256_file
from ccfpse.labelspace import ClassTable


@dataclasses.dataclass(frozen=True, slots=True)
class LoadedFile:
    """A file that decides what a segmenter reads."""

    name: str
    """Without folders."""
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "LoadedFile":
        """The record of a file that is there."""
        return cls(path.name, sha256_file(path))


class Segmenter(ABC):
    """Reads photos into classes of its own; `mapping.map_classes` says which of a data set's they are.

    Args:
        name: of network and weights, for results, such as "DRN-D-105".
        class_names: by output channel; K in all.
        files: what was loaded.
        device: where it runs.
    """

    def __init__(
        self, name: str, class_names: Sequence[str], files: Sequence[Path], device: torch.device
    ) -> None:
        self.name = name
        self.class_names = tuple(class_names)
        self.files = tuple(LoadedFile.of(path) for path in files)
        self.device = device

    @torch.no_grad()
    def read(self, pixels: Tensor) -> Tensor:
        """Output channels, int64 (B, H, W) on `device`, of photos, RGB uint8 (B, 3, H, W)."""
        return self.scores(pixels.to(self.device)).argmax(dim=1)

    @abstractmethod
    def scores(self, pixels: Tensor) -> Tensor:
        """Scores (B, K, H, W), the largest of a pixel being its class, of photos on `device`."""


def evaluated_names(table: ClassTable) -> tuple[str, ...]:
    """Names of the classes that count in scores, in the order of their ids.

    The published segmenters have their output channels in this order.
    """
    return tuple(table.names[i] for i in table.evaluated_ids)
