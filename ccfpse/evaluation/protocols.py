"""The protocols that published figures follow: same network, another size or void rule, another figure."""

import dataclasses

from ccfpse.errors import SettingsError
from ccfpse.scores import Presence
from ccfpse.sections import ProtocolName

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
    presence: Presence
    source: str
    """Who said so."""

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
            f"Photos at {size} (bicubic where that is another than theirs), label maps at the same "
            f"(nearest).{averaged} Counted: pixels whose label the network knows and the class table "
            f"evaluates; {_PRESENCE[self.presence]}, all pixels of the set taken together. Accuracy leaves "
            "void out; accuracy_void_counted takes its pixels as wrong."
        )


_OWN = "this project"
_AVERAGED = (300, 375, 450, 525, 600)


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
        presence="labels",
        source=_OWN,
    ),
    Protocol(
        name="segmenter",
        dataset=None,
        network="evaluate.segmenter",
        size=None,
        short_sides=(),
        presence="labels",
        source=_OWN,
    ),
    Protocol(
        name="cityscapes-drn",
        dataset="cityscapes",
        network="DRN-D-105",
        size=(256, 512),
        short_sides=(),
        presence="either",
        source="authors of OASIS and CLADE on their results, in public issue threads",
    ),
    Protocol(
        name="cityscapes-drn-2048",
        dataset="cityscapes",
        network="DRN-D-105",
        size=(1024, 2048),
        short_sides=(),
        presence="either",
        source="issue threads of SPADE, whose figures are met at this size",
    ),
    Protocol(
        name="coco-stuff-deeplabv2",
        dataset="coco_stuff",
        network="DeepLab-v2 ResNet-101, scales 1, 0.75 and 0.5",
        size=(256, 256),
        short_sides=(),
        presence="labels",
        source="the first author of CC-FPSE, in an issue thread of its repository",
    ),
    Protocol(
        name="ade20k-upernet",
        dataset="ade20k",
        network="UPerNet ResNet-101",
        size=(256, 256),
        short_sides=_AVERAGED,
        presence="all",
        source="authors of OASIS, in an issue thread; the network's own configuration",
    ),
    Protocol(
        name="ade20k-upernet-256",
        dataset="ade20k",
        network="UPerNet ResNet-101",
        size=(256, 256),
        short_sides=(256,),
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
