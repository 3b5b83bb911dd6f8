"""What an evaluation works on: sets of photos, their label maps, and the networks, all opened and checked."""

import dataclasses
import hashlib
import json
from pathlib import Path

import torch

from ccfpse.caches import cache_folder
from ccfpse.config import Settings
from ccfpse.errors import DataError, ModelFileError
from ccfpse.evaluation.figures import versions
from ccfpse.evaluation.inception import inception_path, load_inception
from ccfpse.evaluation.measure import Networks
from ccfpse.evaluation.photos import FolderPhotos, PhotoSet, SplitPhotos, SynthesizedPhotos
from ccfpse.evaluation.protocols import check_dataset, protocol
from ccfpse.evaluation.reading import Reading, judge_reading, segmenter_reading
from ccfpse.evaluation.truths import full_labels
from ccfpse.files import code_checksum, sha256_file
from ccfpse.judge import load_judge
from ccfpse.prepared import PreparedSplit, PreparedStore, open_store


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
    networks: Networks
    weights: Path
    """Inception's, there or not."""
    device: torch.device

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
            full = full_labels(Path(chosen.labels), split, reading.size)
            full_checksum = open_store(Path(chosen.labels)).checksum
    weights = inception_path(chosen.inception)
    return Inputs(
        store=store,
        split=split,
        full=full,
        full_checksum=full_checksum,
        synthesized=synthesized,
        real=SplitPhotos(split, f"{store.checksum} val", split.size),
        reference=_reference(chosen.reference, store, split),
        networks=Networks(
            readings=tuple(readings),
            inception=load_inception(weights, device) if weights.is_file() else None,
            clean_resize=chosen.clean_resize,
        ),
        weights=weights,
        device=device,
    )


def _reference(name: str, store: PreparedStore, split: PreparedSplit) -> PhotoSet:
    if name in ("val", "train"):
        return SplitPhotos(store.split(name), f"{store.checksum} {name}", split.size)
    if not Path(name).is_dir():
        raise DataError(
            f"evaluate.reference is {name}, which is no folder; it names val, train or a folder of photos"
        )
    return FolderPhotos(Path(name), split.size)


def cached_folder(inputs: Inputs, photos: PhotoSet, *, has_truth: bool) -> Path:
    """Where records of photos that are no model's stay, for the next model."""
    return cache_folder() / "measured" / _key(inputs, photos, str(has_truth))


def partial_folder(inputs: Inputs, out: Path, *, paired: bool) -> Path:
    """Where records of synthesized photos lie until all of `out` is written."""
    key = _key(inputs, inputs.synthesized, str(paired))
    return out.with_name(f".{out.name}.partial-{key}")


def _key(inputs: Inputs, photos: PhotoSet, *parts: str) -> str:
    """Of all that decides what is measured."""
    networks = inputs.networks
    content = [
        photos.digest(),
        inputs.store.checksum,
        inputs.full_checksum,
        [[reading.name, reading.record, reading.size] for reading in networks.readings],
        None if networks.inception is None else sha256_file(inputs.weights),
        networks.clean_resize,
        inputs.device.type,
        versions(),
        code_checksum("evaluation", "scores.py", "judge.py", "judge_network.py", "segmenters"),
        *parts,
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
