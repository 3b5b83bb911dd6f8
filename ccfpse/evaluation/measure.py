"""One pass over pairs of real and synthesized photos that feeds all networks; memory stays constant."""

from collections.abc import Callable

import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from ccfpse.evaluation.inception import N_FEATURES, Inception
from ccfpse.evaluation.photos import Pixels, SynthesizedPhotos, batches
from ccfpse.evaluation.statistics import FeatureStatistics
from ccfpse.judge import Judge
from ccfpse.prepared import PreparedSplit
from ccfpse.scores import Confusion
from ccfpse.segmentation import Progress

KINDS = ("real", "synthesized")


class Measurements:
    """What the pass collects.

    Args:
        judge: reads photos into class ids and features.
        inception: for FID; None: left out.
    """

    def __init__(self, judge: Judge, inception: Inception | None) -> None:
        table = judge.class_table
        self.confusion = {kind: Confusion(table) for kind in (*KINDS, "shuffled_labels")}
        self.inception = {kind: FeatureStatistics(N_FEATURES) for kind in KINDS} if inception else None
        self.judge = {kind: FeatureStatistics(judge.n_features) for kind in KINDS}
        self.similarity: dict[str, list[float]] = {"ssim": [], "psnr": []}


def measure(
    split: PreparedSplit,
    synthesized: SynthesizedPhotos,
    judge: Judge,
    inception: Inception | None,
    *,
    similarity: bool,
    batch: int,
    progress: Progress,
) -> Measurements:
    """Reads every pair once.

    Synthesized photos are also scored against labels of other photos, half the split further on:
    neighbours in a video have nearly the same labels.

    Args:
        split: validation split of the prepared store.
        synthesized: its photos, made from the layouts.
        judge: reads photos into class ids and features.
        inception: for FID; None: left out.
        similarity: compare every pair pixel by pixel, too.
        batch: photos at a time.
        progress: called with (photos done, photos).
    """
    found = Measurements(judge, inception)
    openers: dict[str, Callable[[int], Pixels]] = {"real": split.image, "synthesized": synthesized.image}
    for indices in batches(len(split), batch):
        labels = np.stack([split.labels(i) for i in indices])
        photos = {kind: np.stack([openers[kind](i) for i in indices]) for kind in KINDS}
        for kind, array in photos.items():
            pixels = _as_tensor(array)
            ids, features = judge.read(pixels)
            predicted = ids.cpu().numpy()
            found.confusion[kind].add(labels, predicted)
            found.judge[kind].add(features.cpu().numpy())
            if kind == "synthesized" and len(split) > 1:
                others = [split.labels((i + len(split) // 2) % len(split)) for i in indices]
                found.confusion["shuffled_labels"].add(np.stack(others), predicted)
            if inception is not None and found.inception is not None:
                found.inception[kind].add(inception(pixels).cpu().numpy())
        if similarity:
            for real, fake in zip(photos["real"], photos["synthesized"], strict=True):
                _compare(real, fake, found.similarity)
        progress(indices[-1] + 1, len(split))
    return found


def _compare(real: Pixels, fake: Pixels, similarity: dict[str, list[float]]) -> None:
    ssim = structural_similarity(real, fake, channel_axis=2, data_range=255)  # type: ignore[no-untyped-call]
    similarity["ssim"].append(float(ssim))
    if not np.array_equal(real, fake):  # else the ratio is infinite
        psnr = peak_signal_noise_ratio(real, fake, data_range=255)  # type: ignore[no-untyped-call]
        similarity["psnr"].append(float(psnr))


def _as_tensor(photos: Pixels) -> Tensor:
    return torch.from_numpy(photos).permute(0, 3, 1, 2)
