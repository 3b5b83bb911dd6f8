"""What reads photos into class ids of the data's class table, and how the ids are scored."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ccfpse.datasets.fitting import Size, fit_map
from ccfpse.errors import SettingsError
from ccfpse.evaluation.photos import Pixels, resized
from ccfpse.evaluation.protocols import Protocol, protocol
from ccfpse.judge import Judge
from ccfpse.labelspace import ClassTable, Ids
from ccfpse.scores import Confusion
from ccfpse.segmenters.deeplab import DeepLabSegmenter
from ccfpse.segmenters.drn import DrnSegmenter
from ccfpse.segmenters.huggingface import HuggingFaceSegmenter
from ccfpse.segmenters.mapping import map_classes
from ccfpse.segmenters.program import ProgramSegmenter
from ccfpse.segmenters.segmenter import Segmenter
from ccfpse.segmenters.upernet import UPerNetSegmenter


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One protocol with its network."""

    protocol: Protocol
    table: ClassTable
    counted: tuple[int, ...]
    """Class ids that count: those the network knows and the class table evaluates."""
    size: Size
    """Height and width at which photos are read and labels compared."""
    read: Callable[[Tensor], tuple[npt.NDArray[Any], npt.NDArray[np.float32] | None]]
    """Photos, uint8 (B, 3, H, W), to class ids (B, H, W), of which `table.n_labels` is something else, and to
    features (B, D), where the network has some for a distance."""
    record: dict[str, Any]
    """The network's name, its files' checksums, and classes that one side alone knows."""

    @property
    def name(self) -> str:
        """That of the protocol."""
        return self.protocol.name

    def of(self, photos: list[Pixels]) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32] | None]:
        """What `read` gives of photos of any size, (H, W, 3): class ids are (B, *size)."""
        return self.read(as_tensor(np.stack([resized(photo, self.size) for photo in photos])))

    def fitted(self, labels: Ids) -> npt.NDArray[Any]:
        """A label map at `size`, nearest."""
        return labels if labels.shape == self.size else fit_map(labels, self.size, "stretch", None)

    def confusion(self) -> Confusion:
        """An empty one, that scores by the protocol."""
        return Confusion(self.table, self.counted, self.protocol.presence)


def as_tensor(photos: Pixels) -> Tensor:
    """Photos (B, H, W, 3) as (B, 3, H, W)."""
    return torch.from_numpy(photos).permute(0, 3, 1, 2)


def judge_reading(judge: Judge, size: Size) -> Reading:
    """The judge on photos of `size`, with its features."""

    def read(pixels: Tensor) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
        ids, features = judge.read(pixels)
        return ids.cpu().numpy(), features.cpu().numpy()

    table = judge.class_table
    return Reading(
        protocol=protocol("judge"),
        table=table,
        counted=table.evaluated_ids,
        size=size,
        read=read,
        record={
            "name": judge.record["architecture"],
            "sha256": judge.record["sha256"],
            "enlarge": judge.record["settings"]["enlarge"],
        },
    )


def segmenter_reading(
    rules: Protocol,
    sources: tuple[str, ...],
    table: ClassTable,
    size: Size,
    device: torch.device,
    *,
    trust_program: bool,
) -> Reading:
    """A protocol's network, its classes found by name among those of the data.

    Args:
        rules: any but the judge's.
        sources: files of the network, or a Hugging Face folder or name.
        table: of the data.
        size: of the photos, for protocols that leave them at their size.
        device: where it runs.
        trust_program: run the code of a program.

    Raises:
        ModelFileError: a file is missing, damaged, or of another network.
        SettingsError: no class of the network is one of the data's.
    """
    segmenter = _open(rules, sources, table, device, trust_program)
    mapping = map_classes(segmenter.class_names, table)
    known = set(mapping.lookup.tolist())

    def read(pixels: Tensor) -> tuple[npt.NDArray[Any], None]:
        ids: npt.NDArray[Any] = mapping.lookup[segmenter.read(pixels).cpu().numpy()]
        return ids, None

    return Reading(
        protocol=rules,
        table=table,
        counted=tuple(i for i in table.evaluated_ids if i in known),
        size=rules.size or size,
        read=read,
        record={
            "name": segmenter.name,
            "files": [dataclasses.asdict(file) for file in segmenter.files],
            "classes_the_data_has_not": list(mapping.unmapped_outputs),
            "classes_the_network_has_not": list(mapping.unmapped_classes),
        },
    )


def _open(
    rules: Protocol, sources: tuple[str, ...], table: ClassTable, device: torch.device, trust_program: bool
) -> Segmenter:
    first = sources[0]
    if rules.name in ("cityscapes-drn", "cityscapes-drn-2048"):
        return DrnSegmenter(Path(first), device)
    if rules.name == "coco-stuff-deeplabv2":
        return DeepLabSegmenter(Path(first), device)
    if rules.name in ("ade20k-upernet", "ade20k-upernet-256"):
        encoder, decoder = (Path(source) for source in sources)
        return UPerNetSegmenter(encoder, decoder, rules.short_sides, device)
    if Path(first).suffix == ".pt2":
        return ProgramSegmenter(Path(first), table, device, trust_program=trust_program)
    if Path(first).is_file():
        raise SettingsError(
            f"{first}: is a file, but no .pt2 of torch.export; evaluate.segmenter names one, or a folder or "
            "a name of Hugging Face's"
        )
    return HuggingFaceSegmenter(first, device)
