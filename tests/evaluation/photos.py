"""Photos that a pipeline is said to have synthesized, with a judge beside them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ccfpse.config import Settings
from ccfpse.evaluation.inputs import Places
from ccfpse.judge import train_judge
from ccfpse.prepared import PreparedSplit, open_store


def no_progress(done: int, total: int) -> None:
    pass


def make_places(settings: Settings, store: Path, photo: Callable[[PreparedSplit, int], np.ndarray]) -> Places:
    """Trains the judge of `settings`, and writes a photo for every validation layout."""
    prepared = open_store(store)
    places = Places.of(settings)
    train_judge(prepared, settings.judge, places.judge, torch.device("cpu"), no_progress)
    split = prepared.split("val")
    for i, name in enumerate(split.names):
        path = places.synthesized / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(split, i)).save(path)
    return places
