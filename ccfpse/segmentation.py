"""Trains a network to segment photos of a prepared store: the judge, and the small loss network."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.errors import DataError
from ccfpse.labelspace import ClassTable
from ccfpse.running_statistics import new_running_statistics

Progress = Callable[[int, int], None]
_IGNORED = -100  # what cross-entropy leaves out
_COUNTED = 500  # photos at most that classes are counted in


class LabelledPhotos(Protocol):
    """What is needed of a split of the prepared store."""

    def __len__(self) -> int: ...

    def image(self, index: int, /) -> npt.NDArray[np.uint8]:
        """Pixels, (H, W, 3)."""
        ...

    def labels(self, index: int, /) -> npt.NDArray[np.uint8]:
        """Class ids, (H, W)."""
        ...


def as_image(pixels: Tensor) -> Tensor:
    """Pixels, uint8 (B, 3, H, W), as images in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def train_segmentation(
    network: nn.Module,
    photos: LabelledPhotos,
    table: ClassTable,
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    device: torch.device,
    progress: Progress,
) -> None:
    """Trains `network` in place; afterwards it is in evaluation mode, its running statistics exact.

    Cross-entropy over pixels of evaluated classes, rare ones weighted up (`_class_weights`), AdamW, one
    cycle of the learning rate, every second photo mirrored.

    Args:
        network: images (B, 3, H, W) in [-1, 1] to logits (B, evaluated classes, H, W), on `device`.
        photos: the training split.
        table: its class table.
        steps: number of updates.
        batch: photos per update.
        learning_rate: highest of the cycle.
        seed: decides the order of photos and which are mirrored.
        device: where the network is.
        progress: called with (steps done, steps) after every update.

    Raises:
        DataError: the table has no evaluated class, or the split no photo.
    """
    if not table.evaluated_ids or not len(photos):
        raise DataError(f"{table.name}: a segmentation network needs photos and at least one evaluated class")
    targets = _targets(table).to(device)
    weights = _class_weights(photos, table).to(device)
    random = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=max(steps, 2), pct_start=0.2
    )
    network.to(memory_format=torch.channels_last)  # a fifth faster on a CPU
    network.train()
    order = _endless_order(len(photos), random)
    for step in range(1, steps + 1):
        chosen = [next(order) for _ in range(batch)]
        pixels, labels = read_batch(photos, chosen, mirrored=random.random(batch) < 0.5)
        logits = network(as_image(pixels.to(device)))
        wanted = targets[labels.to(device)]
        loss = F.cross_entropy(logits, wanted, weights, ignore_index=_IGNORED, reduction="sum")
        # A batch without any evaluated pixel has no loss, rather than 0/0.
        loss = loss / (wanted != _IGNORED).sum().clamp_min(1)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        cycle.step()
        progress(step, steps)
    with new_running_statistics(network):
        for pixels, _ in all_batches(photos, batch):
            network(as_image(pixels.to(device)))


def read_batch(
    photos: LabelledPhotos, indices: list[int], mirrored: npt.NDArray[np.bool_] | None = None
) -> tuple[Tensor, Tensor]:
    """Pixels, uint8 (B, 3, H, W), and labels, int64 (B, H, W), of some photos of a split."""
    flips = [False] * len(indices) if mirrored is None else mirrored.tolist()
    steps = [slice(None, None, -1 if flip else 1) for flip in flips]
    pixels = np.stack([photos.image(i)[:, step] for i, step in zip(indices, steps, strict=True)])
    labels = np.stack([photos.labels(i)[:, step] for i, step in zip(indices, steps, strict=True)])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(labels.astype(np.int64))


def all_batches(photos: LabelledPhotos, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pixels and labels of every photo once, in parts of nearly equal size of at most `batch`."""
    n_parts = -(-len(photos) // batch)
    for part in np.array_split(np.arange(len(photos)), n_parts):
        yield read_batch(photos, part.tolist())


def _targets(table: ClassTable) -> Tensor:
    """Output channel by class id; ids that are not evaluated are ignored."""
    targets = torch.full((table.n_labels,), _IGNORED)
    targets[list(table.evaluated_ids)] = torch.arange(len(table.evaluated_ids))
    return targets


def _class_weights(photos: LabelledPhotos, table: ClassTable) -> Tensor:
    """One over the square root of every evaluated class's share of pixels, scaled to a mean of 1 over pixels.

    Mean IoU counts a pole like a road; without weights, some hundred steps teach roads alone. The
    shares are those of at most 500 photos, evenly spaced, and at least 1e-4.
    """
    chosen = range(0, len(photos), -(-len(photos) // _COUNTED))
    counts = sum(np.bincount(photos.labels(i).ravel(), minlength=table.n_labels) for i in chosen)
    pixels = torch.from_numpy(np.asarray(counts)[list(table.evaluated_ids)]).double()
    shares = pixels / pixels.sum().clamp_min(1)
    weights = shares.clamp_min(1e-4).rsqrt()
    return (weights / (shares * weights).sum().clamp_min(1e-4)).float()


def _endless_order(n: int, random: np.random.Generator) -> Iterator[int]:
    while True:
        yield from random.permutation(n).tolist()
