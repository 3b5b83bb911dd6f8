"""Small model files: what photos need and nothing else, in fewer bits; and what that does to the photos."""

import dataclasses
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from ccfpse.errors import ModelFileError, OutputError
from ccfpse.files import sha256_file
from ccfpse.judge import Judge
from ccfpse.labelspace import Ids
from ccfpse.layoutfiles import find_layouts
from ccfpse.model import Model
from ccfpse.modelfile import load_model, save_model
from ccfpse.modelinputs import Instances, Pixels
from ccfpse.outputlock import output_lock
from ccfpse.prepared import PreparedStore
from ccfpse.scores import Confusion, Scores

Weights = Literal["float32", "bf16", "int8"]
Progress = Callable[[int, int], None]
_BATCH = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a model before and after."""

    given: int
    """Of the file that was read."""
    networks: int
    """Of its generator and encoder in float32."""
    written: int


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What fewer bits do to the photos of the validation layouts."""

    before: Scores
    """Of the given file's photos, by the judge."""
    after: Scores
    largest: int
    """Difference of a pixel's value, of 255."""
    mean: float
    """Difference of all pixels' values, of 255."""
    photos: int


def shrink(model: Path, out: Path, weights: Weights) -> Sizes:
    """Writes a model file with generator and encoder alone, their weights in fewer bits.

    Args:
        model: file to read.
        out: file to write.
        weights: `bf16` (half), `int8` with scales for every output channel (a quarter), or `float32`, which
            leaves the discriminator out and nothing else.

    Raises:
        ModelFileError: the model file cannot be used.
        OutputError: `out` is the model file, or cannot be written.
    """
    if out.exists() and model.exists() and out.samefile(model):
        raise OutputError(f"{out}: is the model file itself; choose another name for the small one")
    with output_lock(out):
        file = load_model(model)
        kept = {name: t for name, t in file.weights.items() if not name.startswith("discriminator.")}
        made = {
            "weights": weights,
            "made_by": f"ccfpse {metadata.version('ccfpse')}",
            "from_sha256": sha256_file(model),
        }
        small = dataclasses.replace(file, weights=kept, provenance={**file.provenance, "shrunk": made})
        save_model(out, small, None if weights == "float32" else weights)
        networks = sum(tensor.numel() * 4 for tensor in kept.values())
        return Sizes(model.stat().st_size, networks, out.stat().st_size)


def check_measurable(model: Path, judge: Judge, store: PreparedStore, folder: Path) -> None:
    """Refuses what `measure` could not compare, before anything is written.

    Raises:
        DataError: the store has classes that the model does not know.
        ModelFileError: the judge was trained for other classes, or the file is none of a model.
    """
    if judge.class_table != store.class_table:
        raise ModelFileError(f"{folder}: has other classes than the judge; run `ccfpse judge` for this store")
    network = Model(load_model(model), name=str(model), device="cpu")
    for layout in find_layouts(folder, None, network, None, "auto"):
        layout.read()


def measure(
    before: Path,
    after: Path,
    judge: Judge,
    store: PreparedStore,
    folder: Path,
    device: str,
    progress: Progress,
) -> Change:
    """Synthesizes the validation layouts with both files and has the judge read them.

    Args:
        before: model file.
        after: the small one made of it.
        judge: of the store's classes.
        store: whose validation layouts are taken; with style, the prior's, as `ccfpse synthesize` draws it.
        folder: of the store, for messages.
        device: as for `Model`.
        progress: called with (layouts done, layouts).

    Raises:
        DataError: the store has classes that the model does not know.
        ModelFileError: a file is none of a model.
    """
    models = [Model(load_model(path), name=str(path), device=device) for path in (before, after)]
    confusions = [Confusion(store.class_table) for _ in models]
    layouts, split = find_layouts(folder, None, models[0], None, "auto"), store.split("val")
    places = {name: i for i, name in enumerate(split.names)}
    largest, total, n_values = 0, 0.0, 0
    for start in range(0, len(layouts), _BATCH):
        some = layouts[start : start + _BATCH]
        read = [layout.read() for layout in some]
        names = [layout.name for layout in some]
        photos = [_photos(model, read, names) for model in models]
        labels = np.stack([split.labels(places[name]) for name in names])
        for confusion, made in zip(confusions, photos, strict=True):
            seen = judge.predict(torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2))
            confusion.add(labels.astype(np.int64), seen.cpu().numpy())
        difference = np.abs(np.stack(photos[0]).astype(np.int16) - np.stack(photos[1]))
        largest, total = max(largest, int(difference.max())), total + float(difference.sum())
        n_values += difference.size
        progress(start + len(some), len(layouts))
    scores = [confusion.scores() for confusion in confusions]
    return Change(scores[0], scores[1], largest, total / max(n_values, 1), len(layouts))


def _photos(model: Model, read: list[tuple[Ids, Instances | None]], names: list[str]) -> list[Pixels]:
    labels = [ids for ids, _ in read]
    instances = [numbers for _, numbers in read if numbers is not None]
    photos = model.synthesize(
        labels, instances or None, names=names, coding="classes", batch=_BATCH, as_arrays=True
    )
    return [np.asarray(photo) for photo in photos]
