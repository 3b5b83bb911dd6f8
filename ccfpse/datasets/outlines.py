"""COCO's objects, drawn over the label map, so that their boundaries can be found."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from ccfpse.errors import DataError

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
        runs = coco_mask.merge(coco_mask.frPyObjects([polygon.tolist() for polygon in polygons], H, W))
    else:
        if list(segmentation["size"]) != [H, W]:
            raise ValueError(f"it is for {segmentation['size']} pixels, not {[H, W]}")
        runs = {"size": [H, W], "counts": segmentation["counts"]}
        if not isinstance(runs["counts"], str):
            if sum(runs["counts"]) != H * W or min(runs["counts"]) < 0:
                raise ValueError("its run lengths do not fill the photo")
            runs = coco_mask.frPyObjects(runs, H, W)
    return coco_mask.decode(runs).astype(bool)  # type: ignore[no-any-return]
