"""The protocols that published figures follow: same network, another size or void rule, another figure."""

import dataclasses
from typing import Literal

from ccfpse.errors import SettingsError
from ccfpse.scores import Presence
from ccfpse.sections import ProtocolName
from ccfpse.segmenters.upernet import AUTHORS_SIZES

_PRESENCE: dict[Presence, str] = {
    "labels": "mean IoU over the classes that occur in the labels",
    "either": "mean IoU over the classes that occur in labels or predictions",
    "all": "mean IoU over all classes counted, 0 for one that never occurs",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How photos are read and scored."""

    name: ProtocolName
    dataset: str | None
    """Name of the class table it is for; None: any."""
    network: str
    """What reads the photos."""
    size: tuple[int, int] | None
    """Height and width at which photos are fed and labels compared; None: those of the photos."""
    short_sides: tuple[int, ...]
    """Where the network enlarges photos to several sizes and averages its scores."""
    classes: str
    """Which count."""
    presence: Presence
    source: str
    """Who said so."""
    photo_filter: Literal["bicubic"] = "bicubic"
    label_filter: Literal["nearest"] = "nearest"
    void: Literal["left out and counted"] = "left out and counted"
    """Pixels of no class that counts: `accuracy` leaves them out, `accuracy_void_counted` does not."""
    reference: Literal["val"] = "val"
    """Photos that the papers' FID is taken to, resized to the size of the synthesized ones."""

    @property
    def rules(self) -> str:
        """Sizes, filters, classes, void and presence, as a sentence or two."""
        size = "their own size" if self.size is None else f"{self.size[1]}x{self.size[0]}"
        averaged = (
            f" The network reads them with a short side of {_listed(self.short_sides)}, its scores averaged."
            if self.short_sides
            else ""
        )
        return (
            f"Photos at {size} ({self.photo_filter} where that is another than theirs), label maps at the "
            f"same ({self.label_filter}).{averaged} Counted: pixels of {self.classes}; "
            f"{_PRESENCE[self.presence]}, all pixels of the set taken together. Void is {self.void}: "
            "accuracy leaves its pixels out, accuracy_void_counted takes them as wrong."
        )


_OWN = "this project"


def protocol(name: ProtocolName) -> Protocol:
    """The protocol `name`."""
    return next(known for known in PROTOCOLS if known.name == name)


PROTOCOLS = (
    Protocol(
        name="judge",
        dataset=None,
        network="the judge",
        size=None,
        short_sides=(),
        classes="the class table's evaluated classes",
        presence="labels",
        source=_OWN,
    ),
    Protocol(
        name="segmenter",
        dataset=None,
        network="evaluate.segmenter",
        size=None,
        short_sides=(),
        classes="the evaluated classes that the network knows",
        presence="labels",
        source=_OWN,
    ),
    Protocol(
        name="cityscapes-drn",
        dataset="cityscapes",
        network="DRN-D-105",
        size=(256, 512),
        short_sides=(),
        classes="the 19 train ids",
        presence="either",
        source="authors of OASIS and CLADE on their results, in public issue threads",
    ),
    Protocol(
        name="cityscapes-drn-2048",
        dataset="cityscapes",
        network="DRN-D-105",
        size=(1024, 2048),
        short_sides=(),
        classes="the 19 train ids",
        presence="either",
        source="issue threads of SPADE, whose figures are met at this size",
    ),
    Protocol(
        name="coco-stuff-deeplabv2",
        dataset="coco-stuff",
        network="DeepLab-v2 ResNet-101, scales 1, 0.75 and 0.5",
        size=(256, 256),
        short_sides=(),
        classes="the 182 classes",
        presence="labels",
        source="the first author of CC-FPSE, in an issue thread of its repository",
    ),
    Protocol(
        name="ade20k-upernet",
        dataset="ade20k",
        network="UPerNet ResNet-101",
        size=(256, 256),
        short_sides=AUTHORS_SIZES,
        classes="the 150 classes",
        presence="all",
        source="authors of OASIS, in an issue thread; the network's own configuration",
    ),
    Protocol(
        name="ade20k-upernet-256",
        dataset="ade20k",
        network="UPerNet ResNet-101",
        size=(256, 256),
        short_sides=(256,),
        classes="the 150 classes",
        presence="all",
        source="authors of FreestyleNet, in an issue thread",
    ),
)


def check_dataset(chosen: Protocol, table_name: str) -> None:
    """Refuses a protocol on other data than it is for.

    Raises:
        SettingsError: the class table is another.
    """
    if chosen.dataset is not None and chosen.dataset != table_name:
        raise SettingsError(
            f"evaluate.protocol is {chosen.name}, which is for {chosen.dataset}, but the data is "
            f"{table_name}; use judge, or segmenter with a network of your own"
        )


def _listed(sides: tuple[int, ...]) -> str:
    return ", ".join(map(str, sides))
