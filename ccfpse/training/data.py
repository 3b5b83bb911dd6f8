"""Which photos a step sees: a function of the seed and the step's number alone.

There is no state to save: a run that goes on at step 700 gets what an unbroken run got there.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ccfpse.layout import augment
from ccfpse.prepared import PreparedSplit
from ccfpse.training.signals import deaf_children

Sample = dict[str, npt.NDArray[np.generic]]
RawBatch = dict[str, Tensor]


class Positions(Sampler[list[int]]):
    """For every step, this process's share of the positions in the endless sequence of samples."""

    def __init__(self, steps: range, batch: int, rank: int, n_processes: int, n_parts: int = 1) -> None:
        self.steps, self.batch = steps, batch
        self.places = share_of_batch(batch, rank, n_processes, n_parts)

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            yield [step * self.batch + j for j in self.places]

    def __len__(self) -> int:
        return len(self.steps)


class AugmentedSamples(Dataset[Sample]):
    """The sample at a position of the endless sequence: epoch after epoch, each in an order of its own."""

    def __init__(self, split: PreparedSplit, size: tuple[int, int], flip: bool, seed: int) -> None:
        self.split, self.size, self.flip, self.seed = split, size, flip, seed
        self._order: tuple[int, npt.NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def __getitem__(self, position: int) -> Sample:
        epoch, place = divmod(position, len(self.split))
        if self._order[0] != epoch:
            self._order = epoch, np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.split))
        index = int(self._order[1][place])
        image, labels, instances = augment(
            self.split.image(index),
            self.split.labels(index),
            self.split.instances(index),
            size=self.size,
            flip=self.flip,
            rng=np.random.default_rng([self.seed, 1, position]),
        )
        sample = {"image": image, "labels": labels}
        if instances is not None:
            sample["instances"] = instances
        return sample


def share_of_batch(batch: int, rank: int, n_processes: int, n_parts: int) -> list[int]:
    """Places in a batch that a process computes, in the order of its `n_parts` parts.

    The processes' first parts together are the first part of the batch, and so on: what is computed
    of a part, such as batch statistics, then does not depend on how many processes there are.
    """
    share = batch // n_processes // n_parts
    begins = [(part * n_processes + rank) * share for part in range(n_parts)]
    return [place for begin in begins for place in range(begin, begin + share)]


def batches(samples: AugmentedSamples, positions: Positions, workers: int, pin: bool) -> Iterator[RawBatch]:
    """Batches for the steps of `positions`, made by `workers` processes, which are started here.

    Each holds ``image`` uint8 (b, H, W, 3), ``labels`` uint8 and ``instances`` int32 (b, H, W).
    """
    loader: DataLoader[Any] = DataLoader(
        samples,
        batch_sampler=positions,
        collate_fn=_collate,
        num_workers=workers,
        pin_memory=pin,
        persistent_workers=workers > 0,
        multiprocessing_context="spawn" if workers else None,
    )
    with deaf_children():
        return iter(loader)


def in_parts(batch: RawBatch, n: int) -> list[RawBatch]:
    """A batch in n equal parts."""
    chunks = {key: value.chunk(n) for key, value in batch.items()}
    return [{key: chunk[i] for key, chunk in chunks.items()} for i in range(n)]


def style_noise(seed: int, step: int, turn: int, batch: int, dim: int) -> Tensor:
    """Standard normal noise for the styles of a whole step's batch, (batch, dim).

    `turn` 0 is the generator's, 1 the discriminator's.
    """
    words = np.random.SeedSequence([seed, 2, step, turn]).generate_state(2, np.uint32)
    generator = torch.Generator().manual_seed(int(words[0]) << 32 | int(words[1]))
    return torch.randn(batch, dim, generator=generator)


def as_image(pixels: Tensor) -> Tensor:
    """Pixels uint8 (B, H, W, 3) as an image (B, 3, H, W) in [-1, 1]."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)


def _collate(samples: list[Sample]) -> RawBatch:
    stacked = {key: np.stack([sample[key] for sample in samples]) for key in samples[0]}
    if "instances" in stacked:
        stacked["instances"] = stacked["instances"].astype(np.int32)
    return {key: torch.from_numpy(array) for key, array in stacked.items()}
