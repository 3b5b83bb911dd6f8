"""`params.yaml: synthesize`, `evaluate`, `compare`, `paths` and `runtime`."""

import dataclasses
import re
from typing import Literal

from ccfpse.sections.common import need, need_at_least

Scalar = bool | int | float | str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizeSettings:
    """`params.yaml: synthesize`: the pipeline's photos of the validation layouts."""

    style: Literal["prior", "mean", "own"]
    """prior: drawn at random; mean: the zero vector; own: that of the real photo itself, as the
    published test script did, which tells the network something about the answer."""
    seed: int
    """Of the prior's styles."""

    def __post_init__(self) -> None:
        need_at_least("synthesize", 0, seed=self.seed)


ProtocolName = Literal[
    "judge",
    "segmenter",
    "cityscapes-drn",
    "cityscapes-drn-2048",
    "coco-stuff-deeplabv2",
    "ade20k-upernet",
    "ade20k-upernet-256",
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateSettings:
    """`params.yaml: evaluate`."""

    protocol: ProtocolName
    """What reads photos back into labels, and how that is scored."""
    segmenter: tuple[str, ...]
    """Files of the protocol's network; none for the judge."""
    labels: str | None
    """Prepared store with the validation label maps at the protocol's size; null: those of `paths.prepared`,
    resized."""
    reference: str
    """Photos that distances are taken to: val, train, or a folder."""
    inception: str | None
    """File of pytorch-fid's Inception weights; null: its cache."""
    clean_resize: bool
    """FID after a resize with a low-pass filter too; twice the time in Inception."""
    lpips: str | None
    """File of torchvision's AlexNet weights; null: its cache."""
    diversity_layouts: int
    """Layouts that are synthesized with several styles."""
    diversity_styles: int
    """Styles for each; 0: diversity is not measured."""
    judge_floor: float
    """Below this mean IoU on real photos the judge is called too weak to rank models."""
    pictures: int
    """Rows of label, real and synthesized photo in the picture."""

    def __post_init__(self) -> None:
        need_at_least("evaluate", 1, pictures=self.pictures, diversity_layouts=self.diversity_layouts)
        need_at_least("evaluate", 0, diversity_styles=self.diversity_styles)
        need(
            self.diversity_styles != 1,
            "evaluate.diversity_styles is 1; give 0 for none, or at least 2, which are compared",
        )
        files = 2 if self.protocol.startswith("ade20k-upernet") else 1
        need(
            self.protocol == "judge" or len(self.segmenter) == files,
            f"evaluate.segmenter is {list(self.segmenter)}; evaluate.protocol {self.protocol} needs "
            f"{'the encoder and the decoder' if files == 2 else 'the one file'} of its network",
        )
        need(
            self.protocol != "judge" or self.labels is None,
            "evaluate.labels is given, but evaluate.protocol is judge, which compares at the photos' size",
        )
        need(
            self.protocol != "judge" or not self.segmenter,
            f"evaluate.segmenter is {list(self.segmenter)}, but evaluate.protocol is judge; choose the "
            "protocol of that network",
        )
        floor = self.judge_floor
        need(0 <= floor <= 1, f"evaluate.judge_floor is {floor}; it must lie between 0 and 1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """`params.yaml: compare`: a grid of variants and seeds, all trained and evaluated alike."""

    run: tuple[str, ...]
    """Names of the variants that are compared."""
    seeds: tuple[int, ...]
    """Instead of `train.seed`; a cell of the grid for each."""
    steps: int
    """Instead of `train.steps`; learning rates begin to fall after the same share of them."""
    pictures: int
    """Layouts in the picture that shows all variants side by side."""
    variants: dict[str, dict[str, Scalar]]
    """By name: what differs from the section `model`."""

    def __post_init__(self) -> None:
        need_at_least("compare", 1, steps=self.steps, pictures=self.pictures)
        for name, values in (("run", self.run), ("seeds", self.seeds)):
            need(len(values) > 0, f"compare.{name} is empty; name at least one")
            need(len(set(values)) == len(values), f"compare.{name} names something twice: {list(values)}")
        for seed in self.seeds:
            need(seed >= 0, f"compare.seeds has {seed}; seeds must be at least 0")
        for name in self.variants:
            plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) is not None
            need(plain, f"compare.variants has {name!r}; names are made of letters, digits, _ and -")
            need(
                name not in ("real", "label"),
                f"compare.variants has {name!r}, which is taken; rename it",
            )
        for name in self.run:
            known = ", ".join(self.variants)
            need(
                name in self.variants, f"compare.run names {name}, which is not in compare.variants ({known})"
            )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PathSettings:
    """`params.yaml: paths`: where each stage of the pipeline writes; one set of paths per data set."""

    raw_list: str
    """Names, sizes and times of the raw files (`scan`)."""
    prepared: str
    """The prepared store: photos, label maps, instances (`prepare`)."""
    judge: str
    """The judge (`judge`)."""
    loss_network: str
    """The network of the perceptual loss (`loss-network`)."""
    training: str
    """The model file, curves and strips of pictures (`train`)."""
    synthesized: str
    """Photos of the validation layouts (`synthesize`)."""
    evaluation: str
    """Figures and pictures (`evaluate`)."""
    report: str
    """The page (`report`)."""
    compare: str
    """Everything of `ccfpse compare`."""


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
    """Photos that are synthesized at a time."""
    log_every: int
    """Steps between points of the curves."""
    strip_every: int
    """Steps between pictures of the fixed strip of layouts."""
    checkpoint_every: int
    """Steps between checkpoints: what a killed run repeats at most."""
    keep_checkpoints: int
    """The newest of a run; older ones are removed."""

    def __post_init__(self) -> None:
        need_at_least(
            "runtime",
            1,
            processes=self.processes,
            inference_batch=self.inference_batch,
            log_every=self.log_every,
            strip_every=self.strip_every,
            checkpoint_every=self.checkpoint_every,
            keep_checkpoints=self.keep_checkpoints,
        )
        need_at_least("runtime", 0, workers=self.workers)
