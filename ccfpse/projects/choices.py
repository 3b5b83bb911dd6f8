"""Settings that suit a number of photos, their shapes and a machine: a start, every value with its reason."""

import dataclasses
import math
import statistics
from typing import Any, Literal

from ccfpse.projects.machine import Machine

FEW = 100
"""Training photos below which a network learns these photos rather than their kind."""
SOME = 1000
_PIXELS = {"cpu": 128 * 128, "gpu": 256 * 256}
_LONG_SIDE = 64  # at least: the discriminator cannot judge 32x32
_ALIKE = 1.25
"""Ratio of shapes up to which stretching them to one is hardly seen."""
_WIDTH = 16
_SECONDS_PER_PIXEL = 4.0e-5
"""Of a training step at that width, on one core: docs/results.md."""
_LEAST_STEPS = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Reasoned:
    """A value of the settings file, and its comment there."""

    value: Any
    why: str
    """Lines above the value; empty: none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Choices:
    """Settings by dotted key, and what to expect of them."""

    settings: dict[str, Reasoned]
    minutes: int | None
    """Of training; None: not known for this machine."""


def network_size(sizes: list[tuple[int, int]], pixels: int, multiple: int) -> tuple[int, int]:
    """Height and width, multiples of `multiple`, about `pixels` in all, nearest to the photos' shape.

    Args:
        sizes: height and width of the photos.
        pixels: of the network's photos; fewer where most photos have fewer.
        multiple: of both sides.
    """
    shape = math.exp(statistics.median(math.log(width / height) for height, width in sizes))
    most = min(pixels, statistics.median(height * width for height, width in sizes))
    sides = range(multiple, 32 * multiple + 1, multiple)

    def distance(size: tuple[int, int]) -> float:
        height, width = size
        # A little smaller or larger matters less than a shape that is not the photos'.
        return abs(math.log(width / height / shape)) + 0.5 * abs(math.log(height * width / most))

    fitting = [
        (h, w)
        for h in sides
        for w in sides
        if h * w <= max(1.15 * most, multiple * max(multiple, _LONG_SIDE)) and max(h, w) >= _LONG_SIDE
    ]
    return min(fitting, key=distance)


def fit_of(sizes: list[tuple[int, int]], size: tuple[int, int]) -> Literal["stretch", "crop"]:
    """`crop` where one photo of ten or more would be visibly distorted by stretching it."""
    bends = sorted(abs(math.log(width / height * size[0] / size[1])) for height, width in sizes)
    return "crop" if bends[math.floor(0.9 * (len(bends) - 1))] > math.log(_ALIKE) else "stretch"


def choose(
    n_train: int,
    sizes: list[tuple[int, int]],
    machine: Machine,
    doublings: int,
    width: int | None = None,
) -> Choices:
    """Settings for a number of photos on a machine.

    Args:
        n_train: photos for training.
        sizes: height and width of photos.
        machine: that will train.
        doublings: of the generator; both sides are multiples of 2 to that power.
        width: of the generator where that is given, as by a model file to start from; None: it is chosen.
    """
    on_gpu = machine.gpu is not None
    size = network_size(sizes, _PIXELS["gpu" if on_gpu else "cpu"], 2**doublings)
    fit = fit_of(sizes, size)
    few = n_train < FEW
    margin = 1.25 if few else 1.1
    load = tuple(round(margin * side) for side in size)
    said = {
        "data.size": Reasoned(
            list(size), f"height, width; multiples of {2**doublings} near the photos' shape, for {machine}"
        ),
        "data.load_size": Reasoned(
            list(load), "training photos are kept so large, and cropped at random: no two steps see the same"
        ),
        "data.fit": Reasoned(fit, _FIT[fit]),
    }
    said |= _of_gpu(n_train, machine) if on_gpu else _of_cpu(n_train, size, machine.cores, width or _WIDTH)
    steps, batch = said["train.steps"].value, said["train.batch"].value
    said["train.decay_start"] = Reasoned(steps // 2, "learning rates fall to zero over the second half")
    said["train.average"] = Reasoned(
        0.99 if steps < 1500 else 0.995 if steps < 20000 else 0.999,
        "photos are made by a running average of the weights; the shorter the training, the shorter it is",
    )
    said["compare.steps"] = Reasoned(steps, "instead of train.steps")
    minutes = None
    if not on_gpu:
        minutes = _minutes(steps * seconds_per_step(size, batch, machine.cores, width or _WIDTH))
    return Choices(said, minutes)


def seconds_per_step(size: tuple[int, int], batch: int, cores: int, width: int) -> float:
    """Of training on a processor, roughly: eight cores are hardly faster than six.

    Multiply-adds grow with the square of the width, the rest of the work in proportion to it.
    """
    times = math.pow(width / _WIDTH, 1.5)
    return times * _SECONDS_PER_PIXEL * size[0] * size[1] * batch / math.pow(min(cores, 8), 0.8)


_FIT = {
    "crop": "the photos' shapes differ: their middle is kept; stretch would distort them, pad adds borders",
    "stretch": "the photos have nearly one shape, so that stretching is not seen; or crop, or pad",
}


def _of_cpu(n_train: int, size: tuple[int, int], cores: int, width: int) -> dict[str, Reasoned]:
    few = n_train < FEW
    batch = 2 if few else 4
    seconds = seconds_per_step(size, batch, cores, width)
    steps = _rounded(60 * (12 if few else 40 if n_train < SOME else 55) / seconds)
    epochs = steps * batch / n_train
    return {
        "model.width": Reasoned(_WIDTH, "channels at full size; 64 in the paper, for GPUs and days"),
        "train.steps": Reasoned(
            steps,
            f"about {_minutes(steps * seconds)} minutes here; every photo is seen {epochs:.3g} times. "
            "More is better",
        ),
        "train.batch": Reasoned(
            batch, "photos per step; with few photos more steps teach more than larger ones"
        ),
        "loss_network.small.steps": Reasoned(250, "a minute or two"),
        "loss_network.small.batch": Reasoned(4 if few else 8, "photos per step"),
        "judge.enlarge": Reasoned(2, "photos enter it so much larger; 2 reads small things better"),
        "judge.steps": Reasoned(
            500 if few else 1600, "it must read real photos well, or its scores say little"
        ),
        "judge.batch": Reasoned(4, "photos per step"),
    }


def _of_gpu(n_train: int, machine: Machine) -> dict[str, Reasoned]:
    large = machine.gpu_gib >= 15
    width, batch = (64, 8) if large else (32, 4)
    steps = 6000 if n_train < FEW else 20000 if n_train < SOME else 80000
    epochs = steps * batch / n_train
    return {
        "model.width": Reasoned(
            width, f"channels at full size, for {machine.gpu_gib:.0f} GiB; 64 in the paper"
        ),
        "model.predictor_width": Reasoned(2 * width, "channels of what predicts kernels; 128 in the paper"),
        "model.discriminator_width": Reasoned(width, "64 in the paper"),
        "train.steps": Reasoned(steps, f"every photo is seen {epochs:.3g} times. More is better"),
        "train.batch": Reasoned(batch, "photos per step; halve it where memory runs out"),
        "train.learning_rate_generator": Reasoned(0.0001, "as in the paper, for long training"),
        "train.learning_rate_discriminator": Reasoned(0.0004, "as in the paper"),
        "loss_network.small.width": Reasoned(32, "channels; with VGG-19's file, kind: vgg19 is better"),
        "loss_network.small.steps": Reasoned(2000, "minutes"),
        "judge.enlarge": Reasoned(2, "photos enter it so much larger; 2 reads small things better"),
        "judge.steps": Reasoned(3000, "it must read real photos well, or its scores say little"),
        "judge.batch": Reasoned(8, "photos per step"),
        "runtime.workers": Reasoned(min(4, machine.cores), "processes that prepare and read data"),
        "runtime.strip_every": Reasoned(500, "steps between pictures to look at while it trains"),
        "runtime.checkpoint_every": Reasoned(1000, "steps; killed, training goes on from the last one"),
    }


def _minutes(seconds: float) -> int:
    return max(1, round(seconds / 60))


def _rounded(number: float) -> int:
    """To two digits: 873 steps look as if they meant something."""
    unit: int = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return max(_LEAST_STEPS, round(number / unit) * unit)
