"""Sections of `params.yaml`: one frozen record each, every value checked, none with a default.

What two sections must agree on is checked in `ccfpse.config`, where they come together.
"""

import dataclasses
from typing import Literal, get_args

from ccfpse.errors import SettingsError

Dataset = Literal["cityscapes", "coco-stuff", "ade20k", "camvid", "custom", "sample"]
DATASETS: tuple[str, ...] = get_args(Dataset)


def need(holds: bool, sentence: str) -> None:
    """Refuses settings for which something does not hold.

    Raises:
        SettingsError: with this sentence.
    """
    if not holds:
        raise SettingsError(sentence)


def _need_at_least(section: str, least: int, **values: int) -> None:
    for name, value in values.items():
        need(value >= least, f"{section}.{name} is {value}; it must be at least {least}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SampleScenes:
    """`data.sample`: how many street scenes are drawn for the embedded data set."""

    train: int
    val: int
    seed: int

    def __post_init__(self) -> None:
        _need_at_least("data.sample", 1, train=self.train, val=self.val)
        _need_at_least("data.sample", 0, seed=self.seed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CustomFolders:
    """Folders of one split of your own data; relative ones are looked up under `data.source`."""

    images: str
    labels: str
    instances: str | None
    """Maps whose values tell objects apart; null: none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CustomData:
    """`data.custom`: your own photos and label maps."""

    classes: str
    """Class table (YAML); a relative path is looked up under `data.source`."""
    coding: Literal["auto", "ids", "colors"]
    """How label maps say their class: auto reads RGB pictures as colors and all others as ids."""
    train: CustomFolders
    val: CustomFolders | None
    """Null: `validation_share` of the pairs in `train`, chosen by their names, are kept aside."""
    validation_share: float

    def __post_init__(self) -> None:
        share = self.validation_share
        need(0 < share < 1, f"data.custom.validation_share is {share}; it must lie between 0 and 1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """`params.yaml: data`."""

    dataset: Dataset
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
    custom: CustomData | None

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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """`params.yaml: model`."""

    width: int
    """F: channels of the generator at full size, and of its pyramid and the style encoder. Paper: 64."""
    predictor_width: int
    """Hidden channels of the networks that predict kernels and gates. Paper: 128."""
    doublings: int
    """Doublings from the head to the output: 6 for Cityscapes, 5 otherwise."""
    style: bool
    """A style vector from an encoder (variational), or none."""
    discriminator_width: int
    """F of the discriminator. Paper: 64."""

    def __post_init__(self) -> None:
        need(
            self.doublings in (5, 6),
            f"model.doublings is {self.doublings}; the network is defined for 5 and 6",
        )
        _need_at_least(
            "model",
            1,
            width=self.width,
            predictor_width=self.predictor_width,
            discriminator_width=self.discriminator_width,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SmallLossNetwork:
    """`loss_network.small`: a little segmentation network, trained here on the real training photos."""

    width: int
    steps: int
    batch: int
    learning_rate: float
    seed: int

    def __post_init__(self) -> None:
        _need_at_least("loss_network.small", 1, width=self.width, steps=self.steps, batch=self.batch)
        _need_at_least("loss_network.small", 0, seed=self.seed)
        need(self.learning_rate > 0, "loss_network.small.learning_rate must be above 0")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LossNetworkSettings:
    """`params.yaml: loss_network`: whose features the perceptual loss compares."""

    kind: Literal["vgg19", "small", "none"]
    weights: str | None
    """File of torchvision's VGG-19 (`vgg19`); null: its cache."""
    small: SmallLossNetwork | None

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
    learning_rate: float
    seed: int

    def __post_init__(self) -> None:
        _need_at_least("judge", 1, enlarge=self.enlarge, steps=self.steps, batch=self.batch)
        _need_at_least("judge", 0, seed=self.seed)
        need(self.learning_rate > 0, f"judge.learning_rate is {self.learning_rate}; it must be above 0")


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
    learning_rate_discriminator: float
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
    init: str | None
    """Model file to start from (classes matched by name); null: from nothing."""
    seed: int

    def __post_init__(self) -> None:
        _need_at_least("train", 1, steps=self.steps, batch=self.batch, accumulation=self.accumulation)
        _need_at_least("train", 0, seed=self.seed)
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizeSettings:
    """`params.yaml: synthesize`: the pipeline's photos of the validation layouts."""

    style: Literal["prior", "mean", "own"]
    """prior: drawn at random; mean: the zero vector; own: that of the real photo itself, as the
    published test script did, which tells the network something about the answer."""
    seed: int

    def __post_init__(self) -> None:
        _need_at_least("synthesize", 0, seed=self.seed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateSettings:
    """`params.yaml: evaluate`."""

    inception: str | None
    """File of pytorch-fid's Inception weights; null: its cache."""
    judge_floor: float
    """Below this mean IoU on real photos the judge is called too weak to rank models."""
    pictures: int
    """Rows of label, real and synthesized photo in the picture."""

    def __post_init__(self) -> None:
        _need_at_least("evaluate", 1, pictures=self.pictures)
        floor = self.judge_floor
        need(0 <= floor <= 1, f"evaluate.judge_floor is {floor}; it must lie between 0 and 1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PathSettings:
    """`params.yaml: paths`: where each stage of the pipeline writes; one set of paths per data set."""

    raw_list: str
    prepared: str
    judge: str
    loss_network: str
    training: str
    synthesized: str
    evaluation: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSettings:
    """`params.yaml: runtime`: how the work is done, not what comes out; DVC does not track it.

    Another device or number of processes adds numbers in another order: results differ by rounding.
    """

    device: str
    """`auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`, `mps`."""
    processes: int
    """Training processes on this machine, one per GPU."""
    workers: int
    """Processes that prepare data, and per training process that read it; 0: training reads it itself."""
    inference_batch: int
    log_every: int
    strip_every: int
    """Steps between pictures of the fixed strip of layouts."""
    checkpoint_every: int
    keep_checkpoints: int

    def __post_init__(self) -> None:
        _need_at_least(
            "runtime",
            1,
            processes=self.processes,
            inference_batch=self.inference_batch,
            log_every=self.log_every,
            strip_every=self.strip_every,
            checkpoint_every=self.checkpoint_every,
            keep_checkpoints=self.keep_checkpoints,
        )
        _need_at_least("runtime", 0, workers=self.workers)
