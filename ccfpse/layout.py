"""Label maps as the networks see them: one-hot, don't-care and boundary channels; and augmentation.

Augmentation works on numpy arrays of the prepared store, before a batch is made; the layout is made
after it, on the device that trains, so that boundaries at a crop's edge are those of the crop.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def make_layout(
    labels: Tensor,
    n_labels: int,
    instances: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """One channel a label, and the channel of object boundaries where instances are given.

    Args:
        labels: class ids, (B, H, W), from 0 to n_labels - 1.
        n_labels: classes, and one more where the data set has don't care.
        instances: numbers that tell objects apart, (B, H, W); None: no boundary channel.
        dtype: of the result.

    Returns:
        (B, K, H, W) of zeros and ones on the labels' device, K = n_labels (+ 1 with instances).

    Source: Liu et al. 2019, arXiv:1910.06809, and its released code; see docs/method.md.
    """
    B, H, W = labels.shape
    K = n_labels + (instances is not None)
    layout = torch.zeros(B, K, H, W, dtype=dtype, device=labels.device)
    layout[:, :n_labels].scatter_(1, labels.long().unsqueeze(1), 1)
    if instances is not None:
        layout[:, n_labels:] = boundaries(instances)
    return layout


def boundaries(instances: Tensor) -> Tensor:
    """Where an object ends: 1 where any of the 4 neighbours has another instance number.

    Args:
        instances: (B, H, W), any integer type that compares.

    Returns:
        Booleans, (B, 1, H, W).
    """
    edge = torch.zeros_like(instances, dtype=torch.bool)
    below = instances[:, 1:] != instances[:, :-1]
    beside = instances[:, :, 1:] != instances[:, :, :-1]
    edge[:, 1:] |= below
    edge[:, :-1] |= below
    edge[:, :, 1:] |= beside
    edge[:, :, :-1] |= beside
    return edge.unsqueeze(1)


Pixels = npt.NDArray[np.uint8]


def augment(
    image: Pixels,
    labels: npt.NDArray[Any],
    instances: npt.NDArray[Any] | None,
    size: tuple[int, int],
    flip: bool,
    rng: np.random.Generator,
) -> tuple[Pixels, npt.NDArray[Any], npt.NDArray[Any] | None]:
    """A random crop, mirrored every second time, the same for photo, labels and instances.

    The random numbers drawn are the same three whatever the sizes and `flip`, so that switching one
    off changes nothing else.

    Args:
        image: (H, W, 3).
        labels: (H, W).
        instances: (H, W), or None.
        size: height and width of the crop, at most those of the photo.
        flip: mirror left and right, half of the times.
        rng: source of the three random numbers.

    Returns:
        The same three as contiguous arrays of their own, of height and width `size`.

    Raises:
        ValueError: the crop is larger than the photo.
    """
    H, W = labels.shape
    height, width = size
    if height > H or width > W:
        raise ValueError(f"a crop of {height}x{width} does not fit into {H}x{W}")
    down, right, mirror = rng.random(3)
    top, left = int(down * (H - height + 1)), int(right * (W - width + 1))
    step = -1 if flip and mirror < 0.5 else 1

    def cut(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return array[top : top + height, left : left + width][:, ::step].copy()

    return cut(image), cut(labels), None if instances is None else cut(instances)
