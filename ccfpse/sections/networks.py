"""`params.yaml: model`, `loss_network` and `judge`: the networks."""

import dataclasses
from typing import Literal

from ccfpse.sections.common import need, need_at_least

CCFPSE_SWITCHES = {"context": "pyramid", "attention": True, "kernels": "depthwise", "kernel_size": 3}
"""Keys of `model` that only `generator: ccfpse` has, and the paper's values."""


def _in_yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """`params.yaml: model`."""

    generator: Literal["ccfpse", "spade", "pix2pixhd"]
    """The paper's, or one of the two it is compared with."""
    discriminator: Literal["fpse", "patchgan"]
    """The paper's, with feature pyramid and semantic embedding, or multi-scale PatchGAN."""
    width: int
    """F: channels of the generator at full size, and of its pyramid and the style encoder. Paper: 64."""
    predictor_width: int
    """Hidden channels of the networks that predict kernels and gates, and of SPADE. Paper: 128."""
    doublings: int
    """Doublings from the head to the output: 6 for Cityscapes, 5 otherwise. pix2pixhd has none of these."""
    style: bool
    """A style vector from an encoder (variational), or none."""
    discriminator_width: int
    """F of the discriminator. Paper: 64."""
    context: Literal["pyramid", "local"]
    """ccfpse: what all predictors see: a feature pyramid over the whole layout, or the layout at their own
    scale as far as two 3x3 convolutions reach."""
    attention: bool
    """ccfpse: predicted gates multiply what a conditional convolution gives."""
    kernels: Literal["depthwise", "none"]
    """ccfpse: depthwise kernels are predicted for every position, or learned, the same everywhere."""
    kernel_size: int
    """ccfpse: side of the depthwise kernels. Paper: 3, the one that compiled kernels serve."""

    def __post_init__(self) -> None:
        need(
            self.doublings in (5, 6),
            f"model.doublings is {self.doublings}; the network is defined for 5 and 6",
        )
        need_at_least(
            "model",
            1,
            width=self.width,
            predictor_width=self.predictor_width,
            discriminator_width=self.discriminator_width,
        )
        size = self.kernel_size
        need(size in (1, 3, 5, 7), f"model.kernel_size is {size}; it must be 1, 3, 5 or 7")
        if self.generator != "ccfpse":
            for name, usual in CCFPSE_SWITCHES.items():
                found = getattr(self, name)
                need(
                    found == usual,
                    f"model.{name} is {_in_yaml(found)}, but generator {self.generator} has no such switch; "
                    f"set it to {_in_yaml(usual)}",
                )
        need(
            not (self.style and self.generator == "pix2pixhd"),
            "model.style is true, but pix2pixhd takes no style; set it to false",
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SmallLossNetwork:
    """`loss_network.small`: a little segmentation network, trained here on the real training photos."""

    width: int
    """Channels of its first layer."""
    steps: int
    batch: int
    """Photos per step."""
    learning_rate: float
    """The highest of a one-cycle schedule."""
    seed: int

    def __post_init__(self) -> None:
        need_at_least("loss_network.small", 1, width=self.width, steps=self.steps, batch=self.batch)
        need_at_least("loss_network.small", 0, seed=self.seed)
        need(self.learning_rate > 0, "loss_network.small.learning_rate must be above 0")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LossNetworkSettings:
    """`params.yaml: loss_network`: whose features the perceptual loss compares."""

    kind: Literal["vgg19", "small", "none"]
    """vgg19: as the paper; small: a stand-in that is trained here; none: no perceptual loss."""
    weights: str | None
    """File of torchvision's VGG-19 (`vgg19`); null: its cache."""
    small: SmallLossNetwork | None
    """Filled in for kind small, null otherwise."""

    def __post_init__(self) -> None:
        given, meant = self.small is not None, self.kind == "small"
        need(
            given == meant,
            f"loss_network.small must be {'filled in' if meant else 'null'} for kind {self.kind}",
        )
        need(
            self.weights is None or self.kind == "vgg19",
            f"loss_network.weights is given, but kind is {self.kind}; set it to null",
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """`params.yaml: judge`: the segmentation network that reads real and synthesized photos."""

    enlarge: int
    """Photos enter it enlarged by this factor, because its output has an eighth of their size."""
    steps: int
    batch: int
    """Photos per step."""
    learning_rate: float
    """The highest of a one-cycle schedule."""
    seed: int

    def __post_init__(self) -> None:
        need_at_least("judge", 1, enlarge=self.enlarge, steps=self.steps, batch=self.batch)
        need_at_least("judge", 0, seed=self.seed)
        need(self.learning_rate > 0, f"judge.learning_rate is {self.learning_rate}; it must be above 0")
