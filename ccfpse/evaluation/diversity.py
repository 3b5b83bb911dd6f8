"""How different photos of one layout are, from style to style: LPIPS between them."""

import dataclasses
import itertools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ccfpse.errors import ModelFileError, SettingsError
from ccfpse.evaluation.intervals import Interval, percentiles
from ccfpse.evaluation.picture import evenly_spaced
from ccfpse.evaluation.records import Records
from ccfpse.model import Model
from ccfpse.prepared import PreparedSplit
from ccfpse.segmentation import Progress
from ccfpse.weightsfile import read_weights

FILE = "alexnet-owt-7be5be79.pth"
URL = f"https://download.pytorch.org/models/{FILE}"
_RESAMPLES = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Diversity:
    """Mean LPIPS between photos of one layout."""

    lpips: float
    interval: Interval | None
    """95 %, layouts drawn again with replacement; None: a single layout."""
    layouts: int
    styles: int


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """What diversity is measured with."""

    model: Model
    network: nn.Module
    """As `load_lpips` gives it."""
    weights: Path
    """AlexNet's."""
    model_file: Path


def lpips_path(given: str | None) -> Path:
    """The file of AlexNet's weights: the one given, or torchvision's cache."""
    return Path(given) if given else Path(torch.hub.get_dir()) / "checkpoints" / FILE


def why_none(model: Model, weights: Path) -> str | None:
    """Why there can be no diversity; None: there can.

    Args:
        model: that made the photos.
        weights: AlexNet's file, there or not.
    """
    if model.style_dim is None:
        return "the model has no style: every layout has one photo"
    if not weights.is_file():
        return (
            f"{weights}: AlexNet's weights are not there; download {URL} to that path, or name your file in "
            "evaluate.lpips"
        )
    return None


def load_lpips(weights: Path, device: torch.device) -> nn.Module:
    """LPIPS 0.1 with AlexNet: its linear weights come with the package, AlexNet's from `weights`.

    Raises:
        SettingsError: the package is not installed.
        ModelFileError: the file does not hold torchvision's AlexNet.

    Source: Zhang et al. 2018, arXiv:1801.03924.
    """
    try:
        import lpips
    except ImportError as error:
        raise SettingsError(
            "evaluate.diversity_styles needs the package lpips; `pip install 'ccfpse[diversity]'`"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it calls torchvision in a way that is deprecated
        # pnet_rand: without it the package would download AlexNet.
        network: Any = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    try:
        entries = read_weights(weights)
        state = network.net.state_dict()  # entries are called slice2.3.weight, of features.3.weight
        network.net.load_state_dict({name: entries[f"features.{name.split('.', 1)[1]}"] for name in state})
    except (ModelFileError, KeyError, RuntimeError) as error:
        raise ModelFileError(
            f"{weights}: does not hold torchvision's AlexNet ({type(error).__name__}); download {URL}"
        ) from error
    ready: nn.Module = network.eval().to(device)
    return ready


def measure_diversity(
    compared: Compared,
    split: PreparedSplit,
    records: Records,
    *,
    styles: int,
    progress: Progress,
) -> Diversity:
    """Synthesizes some layouts with several styles of the prior each, and compares every pair.

    Args:
        compared: a model with a style, and LPIPS.
        split: layouts are evenly spaced over it, as many as there are records.
        records: go on where they end.
        styles: of each layout; seeds 0, 1, …
        progress: called with (layouts done, layouts).
    """
    chosen = evenly_spaced(len(split), records.n)
    missing = records.missing()
    done = records.n - sum(len(part) for part in missing)
    for part in missing:
        means = []
        for i in part:
            means.append(_mean_of_styles(compared, split, chosen[i], styles))
            done += 1
            progress(done, records.n)
        records.write(part, {"lpips": np.array(means)})
    means = records.column("lpips").tolist()
    drawn = np.random.default_rng(0).choice(means, (_RESAMPLES, len(means))).mean(axis=1)
    interval = percentiles(drawn) if len(means) > 1 else None
    return Diversity(float(np.mean(means)), interval, len(means), styles)


def _mean_of_styles(compared: Compared, split: PreparedSplit, layout: int, styles: int) -> float:
    photos = [
        compared.model.synthesize(
            split.labels(layout),
            split.instances(layout),
            style="prior",
            seed=seed,
            names=[split.names[layout]],
            coding="classes",
            size="input",
            as_arrays=True,
        )
        for seed in range(styles)
    ]
    images = [as_image(np.asarray(photo)) for photo in photos]
    return mean_of_pairs(images, compared.network, compared.model.device)


@torch.no_grad()
def mean_of_pairs(images: Sequence[Tensor], network: nn.Module, device: torch.device) -> float:
    """Mean LPIPS of all pairs of images, each (1, 3, H, W) in [-1, 1]."""
    pairs = list(itertools.combinations(images, 2))
    return float(np.mean([float(network(a.to(device), b.to(device))) for a, b in pairs]))


def as_image(pixels: np.ndarray) -> Tensor:
    """A photo, uint8 (H, W, 3), in [-1, 1], (1, 3, H, W)."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
