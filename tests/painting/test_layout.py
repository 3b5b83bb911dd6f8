"""Layout files: what is saved opens again, in other models by names, and damage is refused."""

import base64
import json
import math
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpse.errors import DataError
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.painting.layout import Layout, is_layout_file, parse_layout, reduced, to_json, with_objects

STYLE = {"from": {"kind": "prior", "seed": 3}, "to": {"kind": "mean"}, "share": 0.25}


def made(*names: str, objects: tuple[str, ...] = ()) -> ClassTable:
    classes = tuple(LabelClass(name, (i, i, i), i, name in objects, True) for i, name in enumerate(names))
    return ClassTable("toy", classes, False, (), ())


def content(layout: Layout, *names: str, **changes: Any) -> bytes:
    return json.dumps(to_json(layout, names) | changes).encode()


LAYOUT = Layout(
    np.array([[0, 1, 2], [2, 1, 0]], np.uint8), np.array([[0, 7, 0], [0, 65535, 0]], np.uint16), STYLE
)


def test_what_is_saved_opens_again() -> None:
    found = parse_layout(content(LAYOUT, "a", "b", "c"), "x", made("a", "b", "c"), 4)
    np.testing.assert_array_equal(found.labels, LAYOUT.labels)
    np.testing.assert_array_equal(found.objects, LAYOUT.objects)
    assert found.style == STYLE


def test_another_model_finds_its_classes_by_name() -> None:
    saved = content(LAYOUT, "a", "b", "c")
    found = parse_layout(saved, "x", made("z", "c", "b", "a"), None)
    np.testing.assert_array_equal(found.labels, [[3, 2, 1], [1, 2, 3]])
    assert found.style is None  # that model has none
    with pytest.raises(DataError, match="x: has 2 pixels of class c, which the model does not know"):
        parse_layout(saved, "x", made("a", "b"), None)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": "no base64"},
        {"labels": base64.b64encode(zlib.compress(b"\0" * 5)).decode()},
        {"labels": base64.b64encode(zlib.compress(b"\0" * 2**26)).decode()},
        {"labels": base64.b64encode(b"no zlib").decode()},
        {"objects": base64.b64encode(zlib.compress(b"\0" * 6)).decode()},
        {"height": 10**9},
        {"height": -2},
        {"height": True},
        {"classes": []},
        {"classes": ["a\x1b[2J", "b", "c"]},
        {"classes": [1, 2, 3]},
        {"classes": None},
        {"ccfpse": "model"},
        {"style": 3},
        {"style": STYLE | {"share": float("nan")}},
        {"style": STYLE | {"share": 10**400}},
        {"style": STYLE | {"to": {"kind": "prior", "seed": -1}}},
        {"style": STYLE | {"to": {"kind": "photo", "name": "x", "vector": [1, 2, 3]}}},
        {"style": STYLE | {"to": {"kind": "photo", "name": "x", "vector": [1, 2, 3, 1e400]}}},
        {"style": STYLE | {"to": {"kind": "photo", "name": "x", "vector": [1, 2, 3, "4"]}}},
    ],
    ids=str,
)
def test_damage_is_refused_in_a_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"^x: is no whole layout file \(.*\); save it again$"):
        parse_layout(content(LAYOUT, "a", "b", "c", **changes), "x", made("a", "b", "c"), 4)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_no_bytes_are_a_layout_by_chance(tail: bytes) -> None:
    for text in (b"{" + tail, content(LAYOUT, "a", "b", "c")[: 20 + len(tail)]):
        assert is_layout_file(text)
        with pytest.raises(DataError):
            parse_layout(text, "x", made("a", "b", "c"), 4)


def test_a_newer_format_says_so() -> None:
    with pytest.raises(DataError, match="newer ccfpse"):
        parse_layout(content(LAYOUT, "a", "b", "c", format=2), "x", made("a", "b", "c"), 4)


def test_objects_are_those_of_classes_that_have_them() -> None:
    labels = np.array([[0, 0, 1, 1], [1, 1, 0, 0]], np.uint8)
    numbers = np.array([[5, 6, 5, 5], [9, 9, 6, 6]], np.int32)
    found = with_objects(labels, numbers, made("car", "road", objects=("car",)))
    np.testing.assert_array_equal(found.objects, [[1, 2, 0, 0], [0, 0, 2, 2]])


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 500))
def test_reducing_keeps_the_aspect_and_invents_nothing(height: int, width: int, most: int) -> None:
    labels = np.arange(height * width, dtype=np.uint32).reshape(height, width).astype(np.uint8)
    found = reduced(Layout(labels, labels.astype(np.uint16)), most)
    h, w = found.labels.shape
    assert h * w <= most
    assert (h, w) == (height, width) or height * width > most
    scale = min(1, math.sqrt(most / (height * width)))
    near = max(int(height * scale), 1), max(int(width * scale), 1)
    assert (h, w) == near or (near[0] * near[1] > most and h * w > 0)
    np.testing.assert_array_equal(found.labels, found.objects)
    assert set(found.labels.ravel()) <= set(labels.ravel())
