"""Folders of photos and label maps of every coding."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

H, W = 40, 60

Ids = npt.NDArray[np.uint8]
Save = Callable[[Ids, Path], None]


def blocks(seed: int, n: int = 4) -> Ids:
    """Class ids 0..n-1, all of them there."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, n, (H // 10, W // 10))
    small.flat[:n] = np.arange(n)
    large: Ids = small.repeat(10, 0).repeat(10, 1).astype(np.uint8)
    return large


def write_pairs(
    folder: Path, save: Save, names: tuple[str, ...] = ("a", "town/b", "c", "d"), n: int = 4
) -> Path:
    """Photos in `folder/images`, label maps in `folder/labels`."""
    rng = np.random.default_rng(0)
    for seed, name in enumerate(names):
        photo, labels = folder / "images" / f"{name}.jpg", folder / "labels" / f"{name}.png"
        for path in (photo, labels):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (H, W, 3), np.uint8)).save(photo)
        save(blocks(seed, n), labels)
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Four pairs, ids 0 to 3."""
    return write_pairs(tmp_path / "mine", lambda ids, path: Image.fromarray(ids).save(path))
