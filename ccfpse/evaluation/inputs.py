"""What an evaluation works on: sets of photos, their label maps, and the networks, all opened and checked."""

import dataclasses
import hashlib
import json
from pathlib import Path

import torch

from ccfpse.caches import cache_folder
from ccfpse.config import Settings
from ccfpse.errors import DataError, ModelFileError
from ccfpse.evaluation.diversity import Compared, load_lpips, lpips_path, why_none
from ccfpse.evaluation.inception import inception_path, load_inception
from ccfpse.evaluation.measure import Networks
from ccfpse.evaluation.photos import FolderPhotos, PhotoSet, SplitPhotos, SynthesizedPhotos
from ccfpse.evaluation.protocols import check_dataset, protocol
from ccfpse.evaluation.reading import Reading, judge_reading, segmenter_reading
from ccfpse.evaluation.truths import full_labels
from ccfpse.evaluation.versions import versions
from ccfpse.files import code_checksum, sha256_file
from ccfpse.judge import load_judge
from ccfpse.model import Model
from ccfpse.modelfile import load_model
from ccfpse.prepared import PreparedSplit, PreparedStore, open_store

CODE = (
    "classfiles.py",
    "datasets",
    "evaluation",
    "judge.py",
    "judge_network.py",
    "labelimage.py",
    "labelspace.py",
    "pictures.py",
    "prepared.py",
    "running_statistics.py",
    "scores.py",
    "segmentation.py",
    "segmenters",
    "tables",
    "weightsfile.py",
)
"""Of this package: what decides records of photos."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where evaluation reads and writes."""

    prepared: Path
    judge: Path
    synthesized: Path
    """Folder of `<name>.png` for every name of the validation split."""
    model: Path | None
    """Model file that made them, by `settings.synthesize`; None: not known, and neither is their style."""
    out: Path

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        """Those of the pipeline."""
        paths = settings.paths
        return cls(
            prepared=Path(paths.prepared),
            judge=Path(paths.judge),
            synthesized=Path(paths.synthesized),
            model=Path(paths.training) / "model.safetensors",
            out=Path(paths.evaluation),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What an evaluation works on."""

    store: PreparedStore
    split: PreparedSplit
    """Validation."""
    full: PreparedSplit | None
    """The same with label maps at the protocol's size."""
    full_checksum: str | None
    """Of the store they are from."""
    synthesized: SynthesizedPhotos
    real: SplitPhotos
    reference: PhotoSet
    digests: dict[str, str]
    """Of the photos, by the names of these three: taken before any work begins."""
    networks: Networks
    weights: Path
    """Inception's, there or not."""
    diversity: Compared | str | None
    """What LPIPS is measured with, or why it is not; None: not asked for."""
    device: torch.device

    def release(self) -> None:
        """Gives back the memory of photos and label maps that were read."""
        for split in (self.split, self.store.split("train"), self.full):
            if split is not None:
                split.release()

    @property
    def reading(self) -> Reading:
        """That of the chosen protocol."""
        return self.networks.readings[-1]


def open_inputs(settings: Settings, places: Places, device: torch.device, trust_program: bool) -> Inputs:
    """Opens everything before any work begins. Arguments and errors are those of `evaluate`."""
    chosen = settings.evaluate
    store = open_store(places.prepared)
    split = store.split("val")
    synthesized = SynthesizedPhotos(places.synthesized, split)
    rules = protocol(chosen.protocol)
    check_dataset(rules, store.class_table.name)
    judge = load_judge(places.judge, device)
    if judge.class_table != store.class_table:
        raise ModelFileError(
            f"{places.judge}: the judge was trained for the classes of {judge.class_table.name}, but "
            f"{places.prepared} has others; run `ccfpse judge`"
        )
    readings = [judge_reading(judge, split.size)]
    full = full_checksum = None
    if rules.name != "judge":
        reading = segmenter_reading(
            rules, chosen.segmenter, store.class_table, split.size, device, trust_program=trust_program
        )
        readings.append(reading)
        if chosen.labels:
            labels = open_store(Path(chosen.labels))
            full, full_checksum = full_labels(labels, store, reading.size), labels.checksum
    weights = inception_path(chosen.inception)
    real = SplitPhotos(split, f"{store.checksum} val", split.size)
    reference = real if chosen.reference == "val" else _reference(chosen.reference, store, split)
    sets: dict[str, PhotoSet] = {"synthesized": synthesized, "real": real, "reference": reference}
    return Inputs(
        store=store,
        split=split,
        full=full,
        full_checksum=full_checksum,
        synthesized=synthesized,
        real=real,
        reference=reference,
        digests={name: photos.digest() for name, photos in sets.items()},
        networks=Networks(
            readings=tuple(readings),
            # A file that was named and is not there is a mistake; without one, FID is left out.
            inception=load_inception(weights, device) if weights.is_file() or chosen.inception else None,
            clean_resize=chosen.clean_resize,
        ),
        weights=weights,
        diversity=_diversity(settings, places, device),
        device=device,
    )


def _diversity(settings: Settings, places: Places, device: torch.device) -> Compared | str | None:
    chosen = settings.evaluate
    if chosen.diversity_styles == 0:
        return None
    if places.model is None or not places.model.is_file():
        return "it is not known which model made the photos"
    model = Model(load_model(places.model), name=str(places.model), device=str(device))
    weights = lpips_path(chosen.lpips)
    if chosen.lpips is None and (reason := why_none(model, weights)) is not None:
        return reason
    return Compared(model, load_lpips(weights, device), weights, places.model)


def _reference(name: str, store: PreparedStore, split: PreparedSplit) -> PhotoSet:
    if name == "train":
        return SplitPhotos(store.split(name), f"{store.checksum} {name}", split.size)
    if not Path(name).is_dir():
        raise DataError(
            f"evaluate.reference is {name}, which is no folder; it names val, train or a folder of photos"
        )
    return FolderPhotos(Path(name), split.size)


def records_folder(inputs: Inputs, photos: str, *parts: str) -> Path:
    """Where records of a set of photos lie: under a checksum of all that decides them.

    Args:
        inputs: their networks, label maps and digests.
        photos: `synthesized`, `real` or `reference`.
        parts: what else decides them.
    """
    networks = inputs.networks
    content = [
        inputs.digests[photos],
        inputs.store.checksum,
        inputs.full_checksum,
        [[reading.name, reading.record, reading.size] for reading in networks.readings],
        None if networks.inception is None else sha256_file(inputs.weights),
        networks.clean_resize,
        inputs.device.type,
        versions(),
        code_checksum(*CODE),
        *parts,
    ]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
    return cache_folder() / "measured" / key
