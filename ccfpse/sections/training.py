"""`params.yaml: train`."""

import dataclasses
from typing import Literal

from ccfpse.sections.common import need, need_at_least


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """`params.yaml: train`."""

    steps: int
    """Pairs of a generator and a discriminator update."""
    decay_start: int
    """Step from which both learning rates fall linearly to zero; `steps`: never."""
    batch: int
    """Photos per step, over all processes."""
    accumulation: int
    """Parts a process computes its share of the batch in, one after the other, to save memory."""
    learning_rate_generator: float
    """Of Adam, before decay."""
    learning_rate_discriminator: float
    """Likewise."""
    betas: tuple[float, float]
    """Of Adam. Paper: 0 and 0.9."""
    weight_features: float
    """Of feature matching. Paper: 10."""
    weight_perceptual: float
    """Of the perceptual loss; 0 goes with loss_network.kind none. Paper: 10."""
    weight_style: float
    """Of the style's KL divergence, averaged over the batch."""
    average: float
    """Decay per step of the running average of generator weights; 0: none, as in the paper."""
    reuse_fake: bool
    """The discriminator learns from the photos that the generator's turn made, which saves a forward
    pass, instead of fresh ones by the updated generator, as published."""
    precision: Literal["float32", "bf16"]
    """`bf16`: 16 bits where that is faster. bfloat16 autocast; the compiled kernels multiply in half
    precision where the processor can, in float32 elsewhere (docs/speed.md)."""
    channels_last: bool
    """Keep maps channels last in memory; changes the time of a step, not what it computes."""
    init: str | None
    """Model file to start from (classes matched by name); null: from nothing."""
    seed: int
    """Of the first weights, the order of photos, crops, flips and style noise."""

    def __post_init__(self) -> None:
        need_at_least("train", 1, steps=self.steps, batch=self.batch, accumulation=self.accumulation)
        need_at_least("train", 0, seed=self.seed)
        need(
            0 <= self.decay_start <= self.steps,
            f"train.decay_start is {self.decay_start}; it must lie between 0 and train.steps ({self.steps})",
        )
        need(
            self.batch % self.accumulation == 0,
            f"train.batch {self.batch} is no multiple of train.accumulation {self.accumulation}",
        )
        for name in ("learning_rate_generator", "learning_rate_discriminator"):
            need(getattr(self, name) > 0, f"train.{name} is {getattr(self, name)}; it must be above 0")
        for name in ("weight_features", "weight_perceptual", "weight_style"):
            need(getattr(self, name) >= 0, f"train.{name} is {getattr(self, name)}; it must not be negative")
        for i, beta in enumerate(self.betas):
            need(0 <= beta < 1, f"train.betas[{i}] is {beta}; it must be at least 0 and below 1")
        need(0 <= self.average < 1, f"train.average is {self.average}; it must be at least 0 and below 1")
