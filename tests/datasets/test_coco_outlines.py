"""COCO's objects become numbers of their own, drawn over the label map."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from ccfpse.datasets import find_samples
from ccfpse.datasets.outlines import draw_objects
from ccfpse.errors import DataError
from ccfpse.sections import DataSettings

SQUARE = [[1, 1, 4, 1, 4, 4, 1, 4]]


def drawn(segmentations: list[Any]) -> np.ndarray:
    return draw_objects(json.dumps(segmentations), np.full((6, 8), 3, np.uint8), "x.jpg")


def test_every_object_has_a_number_that_no_label_has() -> None:
    values = np.unique(drawn([SQUARE, [[4, 1, 7, 1, 7, 4, 4, 4]]]))
    assert values[0] == 3
    assert len(values) == 3
    assert values[1:].min() > 255


def test_later_objects_lie_on_top() -> None:
    both = drawn([SQUARE, SQUARE])
    assert len(np.unique(both)) == 2
    assert ((both == 3) == (drawn([SQUARE]) == 3)).all()


def test_an_object_of_several_polygons_is_one() -> None:
    assert len(np.unique(drawn([[*SQUARE, [6, 4, 8, 4, 8, 6, 6, 6]]]))) == 2


def test_no_outline_is_no_object() -> None:
    assert (drawn([[]]) == 3).all()


def test_run_lengths_are_drawn_plain_and_packed() -> None:
    wanted = np.zeros((6, 8), np.uint8)
    wanted[:3, 0] = 1
    packed = coco_mask.encode(np.asfortranarray(wanted))
    plain = {"size": [6, 8], "counts": [0, 3, 45]}
    for runs in (plain, {"size": [6, 8], "counts": packed["counts"].decode()}):
        assert ((drawn([runs]) != 3) == wanted.astype(bool)).all()


@pytest.mark.parametrize(
    "damaged",
    [
        *(7, "text", None, [[1, 2]], [[1, 2, 3, 4, 5, "six"]], [[1, 2, 3, 4, 5, float("nan")]]),
        *({"counts": [48]}, {"size": [9, 9], "counts": [0, 81]}, {"size": [6, 8], "counts": [0, 4800]}),
        *({"size": [6, 8], "counts": 48}, {"size": [6, 8], "counts": "no run lengths at all"}),
    ],
    ids=str,
)
def test_a_damaged_outline_names_its_photo(damaged: Any) -> None:
    with pytest.raises(DataError, match=r"x\.jpg: outline 1 of its objects is damaged"):
        drawn([SQUARE, damaged])


def test_a_missing_list_of_objects_is_asked_for(layout: Callable[[str, bool], DataSettings]) -> None:
    data = layout("coco", True)
    (Path(data.source) / "annotations_trainval2017.zip").unlink()
    with pytest.raises(DataError, match=r"has no instances_train2017\.json.*annotations_trainval2017\.zip"):
        find_samples(data)


@pytest.mark.parametrize("content", ["{", "[]", '{"images": [], "annotations": [{"image_id": 5}]}'])
def test_a_damaged_list_of_objects_is_named(
    layout: Callable[[str, bool], DataSettings], content: str
) -> None:
    data = layout("coco", False)
    (Path(data.source) / "annotations/instances_train2017.json").write_text(content)
    with pytest.raises(DataError, match=r"instances_train2017\.json: is no list of COCO's instances"):
        find_samples(data)
