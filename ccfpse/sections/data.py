"""`params.yaml: data`: which photos and label maps, and how they are fitted."""

import dataclasses
from typing import Literal, get_args

from ccfpse.sections.common import need, need_at_least

Dataset = Literal["cityscapes", "coco-stuff", "ade20k", "camvid", "custom", "sample"]
DATASETS: tuple[str, ...] = get_args(Dataset)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SampleScenes:
    """`data.sample`: how many street scenes are drawn for the embedded data set."""

    train: int
    """Scenes of the training split."""
    val: int
    """Scenes of the validation split."""
    seed: int
    """Another one draws other scenes."""

    def __post_init__(self) -> None:
        need_at_least("data.sample", 1, train=self.train, val=self.val)
        need_at_least("data.sample", 0, seed=self.seed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CustomFolders:
    """Folders of one split of your own data; relative ones are looked up under `data.source`."""

    images: str
    """Photos, in sub-folders as you like."""
    labels: str
    """Label maps with the names of the photos."""
    instances: str | None
    """Maps whose values tell objects apart; null: none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CustomData:
    """`data.custom`: your own photos and label maps."""

    classes: str
    """Class table (YAML); a relative path is looked up under `data.source`, or, where it begins with `./`,
    in the working folder."""
    coding: Literal["auto", "ids", "colors"]
    """How label maps say their class: auto reads RGB pictures as colors and all others as ids."""
    train: CustomFolders
    """Of the training split."""
    val: CustomFolders | None
    """Null: `validation_share` of the pairs in `train`, chosen by their names, are kept aside."""
    validation_share: float
    """Of the pairs, where `val` is null."""

    def __post_init__(self) -> None:
        share = self.validation_share
        need(0 < share < 1, f"data.custom.validation_share is {share}; it must lie between 0 and 1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """`params.yaml: data`."""

    dataset: Dataset
    """Which reader; each expects the files of its data set (data/README.md)."""
    source: str
    """Folder of the raw data, or of its archives, as distributed (`sample`: where scenes are drawn)."""
    size: tuple[int, int]
    """Height and width of what the networks see, in pixels."""
    load_size: tuple[int, int]
    """Height and width kept in the prepared store; where larger than `size`, training crops at random."""
    fit: Literal["stretch", "crop", "pad"]
    """How a photo of another shape becomes `load_size`; the paper stretches."""
    flip: bool
    """Mirror every second training sample."""
    instances: bool
    """Add the channel of object boundaries to the layout; needs instance maps."""
    sample: SampleScenes | None
    """Filled in for `dataset: sample`, null otherwise."""
    custom: CustomData | None
    """Filled in for `dataset: custom`, null otherwise."""

    def __post_init__(self) -> None:
        for name, sides in (("size", self.size), ("load_size", self.load_size)):
            need(min(sides) >= 16, f"data.{name} is {list(sides)}; both sides must be at least 16 pixels")
        need(
            all(load >= side for load, side in zip(self.load_size, self.size, strict=True)),
            f"data.load_size {list(self.load_size)} is smaller than data.size {list(self.size)}",
        )
        for name in ("sample", "custom"):
            given, meant = getattr(self, name) is not None, self.dataset == name
            need(given or not meant, f"data.{name} is null, but data.dataset is {self.dataset}; fill it in")
            need(
                meant or not given,
                f"data.{name} is given, but data.dataset is {self.dataset}; set it to null",
            )
