"""COCO's objects, drawn over the label map, so that their boundaries can be found."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from ccfpse.errors import DataError

_FAR = 10  # times the photo's longer side; memory for an outline grows with its length
_FIRST = 1000  # above all label values, so that an object never merges with the stuff beside it


def draw_objects(objects: str, labels: npt.NDArray[Any], name: str) -> npt.NDArray[np.int32]:
    """The label map with every object overpainted by a number of its own, later ones on top.

    Args:
        objects: JSON list of COCO segmentations: polygons, or run lengths.
        labels: any label map, (H, W); its values stay where there is no object.
        name: of the photo, for messages.

    Raises:
        DataError: a segmentation does not fit the map or is none.

    Source: the boundaries that the paper's COCO-Stuff layouts have, see docs/method.md.
    """
    H, W = labels.shape
    drawn = labels.astype(np.int32)
    for number, segmentation in enumerate(json.loads(objects), start=_FIRST):
        try:
            drawn[_mask(segmentation, H, W)] = number
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise DataError(
                f"{name}: outline {number - _FIRST} of its objects is damaged ({error})"
            ) from error
    return drawn


def _mask(segmentation: Any, H: int, W: int) -> npt.NDArray[np.bool_]:
    """The pixels of one object; pycocotools trusts what it gets, so it is checked before."""
    if isinstance(segmentation, list):
        if not segmentation:
            return np.zeros((H, W), bool)
        polygons = [np.asarray(polygon, float) for polygon in segmentation]
        if any(p.ndim != 1 or p.size < 6 or p.size % 2 or not np.isfinite(p).all() for p in polygons):
            raise ValueError("a polygon is three or more pairs of numbers")
        far = _FAR * max(H, W)
        if any(np.abs(p).max() > far for p in polygons):
            raise ValueError("a polygon lies far outside the photo")
        runs = coco_mask.merge(coco_mask.frPyObjects([polygon.tolist() for polygon in polygons], H, W))
    else:
        if list(segmentation["size"]) != [H, W]:
            raise ValueError(f"it is for {segmentation['size']} pixels, not {[H, W]}")
        counts = segmentation["counts"]
        if isinstance(counts, str):
            counts = _run_lengths(counts)
        if any(type(n) is not int or n < 0 for n in counts) or sum(counts) != H * W:
            raise ValueError("its run lengths do not fill the photo")
        runs = coco_mask.frPyObjects({"size": [H, W], "counts": counts}, H, W)
    return coco_mask.decode(runs).astype(bool)  # type: ignore[no-any-return]


def _run_lengths(packed: str) -> list[int]:
    """Run lengths from COCO's text form of them.

    Groups of five bits, lowest first, each with 48 added; a sixth bit says that more follow, the
    last group's fifth bit that the number is negative. From the fourth number on, differences to the last
    but one.

    Source: the mask format of pycocotools.
    """
    counts: list[int] = []
    value = shift = 0
    for letter in packed:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise ValueError("its run lengths are no numbers")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("its run lengths are cut off")
    return counts
