"""Folders of photos for a study."""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from ccfpse.study.key import Key
from ccfpse.study.layouts import find_layouts
from ccfpse.study.make import QUESTION, Choices, make_study

NAMES = ("town/a", "town/b", *"cdefghijklmnopqrstuvwx")
STEP = 10  # between the red values of layouts


@dataclasses.dataclass(frozen=True)
class Folders:
    """Photos of two models: a's are green, b's blue; the red value says which layout they belong to."""

    a: Path
    b: Path
    labels: Path
    out: Path

    def make(self, checks: int | None = 2, pairs: int | None = 6, question: str = QUESTION) -> Key:
        choices = Choices(question=question, pairs=pairs, checks=checks)
        return make_study(self.a, self.b, find_layouts(self.labels, None), self.out, choices)


def make_folders(tmp_path: Path) -> Folders:
    """Photos of six layouts by two models, as PNG and as JPEG, with a secret in their metadata."""
    found = Folders(tmp_path / "a", tmp_path / "b", tmp_path / "labels", tmp_path / "study")
    metadata = PngImagePlugin.PngInfo()
    metadata.add_text("model", "the secret model")
    for number, name in enumerate(NAMES):
        for folder, suffix, channel in ((found.a, ".png", 1), (found.b, ".jpg", 2)):
            pixels = np.zeros((24, 40, 3), np.uint8)
            pixels[..., 0], pixels[..., channel] = STEP * number, 240
            path = (folder / name).with_suffix(suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            options = (
                {"pnginfo": metadata} if suffix == ".png" else {"quality": 95, "comment": b"the secret model"}
            )
            Image.fromarray(pixels).save(path, **options)
        path = (found.labels / name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((24, 40), number, np.uint8)).save(path)
    return found
