"""A tiny data set in Cityscapes' raw layout, and settings that prepare it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ccfpse.config import load_preset
from ccfpse.sections import DataSettings

H, W = 20, 40


class Raw:
    """A folder of raw data, made of pictures that say which they are."""

    def __init__(self, folder: Path, train: int = 4, val: int = 2) -> None:
        self.folder = folder
        for split, count in (("train", train), ("val", val)):
            for number in range(count):
                self.add(split, number)

    def add(self, split: str, number: int) -> None:
        """Writes one sample."""
        rng = np.random.default_rng([number, len(split)])
        labels = rng.integers(0, 34, (H, W), np.uint8)
        objects = np.where(
            labels > 23, labels * np.uint16(1000) + rng.integers(0, 9, (H, W), np.uint16), labels
        )
        photo = rng.integers(0, 256, (H, W, 3), np.uint8)
        for path, array in zip(self.paths(split, number), (photo, labels, objects), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)

    def paths(self, split: str, number: int) -> tuple[Path, Path, Path]:
        """Photo, label map and instance map."""
        photo = self.folder / f"leftImg8bit/{split}/town/town_{number}_leftImg8bit.png"
        truth = self.folder / f"gtFine/{split}/town"
        return (
            photo,
            truth / f"town_{number}_gtFine_labelIds.png",
            truth / f"town_{number}_gtFine_instanceIds.png",
        )


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    return Raw(tmp_path / "raw")


@pytest.fixture
def data(raw: Raw) -> DataSettings:
    """Stores 20x40 for training and 16x32 for validation."""
    return dataclasses.replace(
        load_preset("cityscapes").data, source=str(raw.folder), size=(16, 32), load_size=(H, W)
    )
