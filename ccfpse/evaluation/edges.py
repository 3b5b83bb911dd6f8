"""Faithfulness to the layout beyond segmentation: do edges of a photo lie where the layout has borders?"""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation
from skimage.color import rgb2gray
from skimage.feature import canny

Mask = npt.NDArray[np.bool_]

PROTOCOL = (
    "Edges: Canny (scikit-image, sigma 1, thresholds 0.1 and 0.2 of grey values in [0, 1]) on the photo at "
    "its own size. Found: a border pixel with an edge no farther than 0.0075 of the diagonal, at least one "
    "pixel, away. Compare with shuffled labels, which say what chance finds."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Borders:
    """Border pixels of a layout, (H, W)."""

    classes: Mask
    """Beside a pixel of another class."""
    instances: Mask
    """Beside a pixel of another instance of the same class, and of no other class."""


def borders(labels: npt.NDArray[Any], instances: npt.NDArray[Any] | None) -> Borders:
    """Of label map and instance map, (H, W); without instances no pixel is a border between two.

    Of two neighbours both are border pixels: the border runs between them.
    """
    classes = _differs(labels)
    if instances is None:
        return Borders(classes, np.zeros_like(classes))
    return Borders(classes, _differs(instances) & ~classes)


def found(photo: npt.NDArray[np.uint8], masks: Borders) -> npt.NDArray[np.int64]:
    """Of class borders and of instance borders: pixels with an edge near by, and pixels, (2, 2).

    Args:
        photo: (H, W, 3).
        masks: of its layout, or of another one.
    """
    edges: Mask = canny(rgb2gray(photo), sigma=1.0)  # type: ignore[no-untyped-call]
    height, width = edges.shape
    reach = max(1, round(0.0075 * float(np.hypot(height, width))))
    near = binary_dilation(edges, np.ones((2 * reach + 1, 2 * reach + 1), bool))
    kinds = (masks.classes, masks.instances)
    return np.array([[(near & mask).sum(), mask.sum()] for mask in kinds], np.int64)


def _differs(ids: npt.NDArray[Any]) -> Mask:
    """Pixels of which a neighbour to the left, right, above or below has another id."""
    differs = np.zeros(ids.shape, bool)
    for axis in (0, 1):
        low, high = [slice(None)] * 2, [slice(None)] * 2
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        unequal = ids[tuple(low)] != ids[tuple(high)]
        differs[tuple(low)] |= unequal
        differs[tuple(high)] |= unequal
    return differs
