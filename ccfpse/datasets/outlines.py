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
    if isinstance(segmentation, dict) and isinstance(segmentation["counts"], str):
        runs = segmentation
    else:  # polygons, which pycocotools turns into one run length each, or plain numbers
        runs = coco_mask.frPyObjects(segmentation, H, W)
        runs = coco_mask.merge(runs) if isinstance(runs, list) else runs
    return coco_mask.decode(runs).astype(bool)  # type: ignore[no-any-return]
