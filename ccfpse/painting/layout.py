"""The layout as the page holds it, and the file that keeps it together with its style."""

import base64
import binascii
import dataclasses
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ccfpse.errors import DataError
from ccfpse.labelspace import ClassTable, Ids, LabelClass, check_class_name
from ccfpse.layoutfiles import Numbering
from ccfpse.layoutfit import Fit, Size

Objects = npt.NDArray[np.uint16]
KIND = "layout"
FORMAT = 1
LARGEST_SEED = 2**31 - 1
_LONGEST_SIDE = 2**13
_MOST_OBJECTS = 2**16 - 1
_WORD = 2**32 - 1


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """A label map that is being painted."""

    labels: Ids
    """Class ids of the model, (H, W)."""
    objects: Objects
    """Numbers of objects, (H, W), each in one class; 0: a part of its class, no object of its own."""
    style: Mapping[str, Any] | None = None
    """As `checked_style` gives it; None: none was kept."""


def with_objects(labels: Ids, numbers: npt.NDArray[np.int32] | None, table: ClassTable) -> Layout:
    """A layout whose objects are those of an instance map, in the classes that the table gives objects to.

    Raises:
        DataError: there are too many.
    """
    objects = np.zeros(labels.shape, np.uint16)
    if numbers is not None:
        things = np.isin(labels, [i for i, c in enumerate(table.classes) if c.has_instances])
        pairs = labels[things].astype(np.int64) << 32 | (numbers[things].astype(np.int64) & _WORD)
        found, inverse = np.unique(pairs, return_inverse=True)
        if len(found) > _MOST_OBJECTS:
            raise DataError(f"there are {len(found)} objects; the page holds up to {_MOST_OBJECTS}")
        objects[things] = inverse + 1
    return Layout(labels, objects)


def reduced(layout: Layout, most_pixels: int) -> Layout:
    """The layout by nearest neighbour in its own aspect, so that it has no more pixels than `most_pixels`."""
    height, width = layout.labels.shape
    if height * width <= most_pixels:
        return layout
    scale = math.sqrt(most_pixels / (height * width))
    tall = min(max(int(height * scale), 1), most_pixels)
    size = tall, min(max(int(width * scale), 1), most_pixels // tall)
    fit = Fit((height, width), size, (0, 0), size, repeats_edge=True)
    return dataclasses.replace(
        layout, labels=fit.apply(layout.labels, None), objects=fit.apply(layout.objects, None)
    )


def to_json(layout: Layout, names: Sequence[str]) -> dict[str, Any]:
    """The content of a layout file; `names` are those of the classes by id."""
    height, width = layout.labels.shape
    return {
        "ccfpse": KIND,
        "format": FORMAT,
        "height": height,
        "width": width,
        "classes": list(names),
        "labels": _packed(layout.labels),
        "objects": _packed(layout.objects.astype("<u2")) if layout.objects.any() else None,
        "style": None if layout.style is None else dict(layout.style),
    }


def is_layout_file(content: bytes) -> bool:
    """Whether bytes are meant to be a layout file; pictures begin otherwise."""
    return content[:64].lstrip().startswith(b"{")


def parse_layout(content: bytes, name: str, table: ClassTable, style_dim: int | None) -> Layout:
    """A layout from the bytes of a layout file, its classes found by name in the model's table.

    Args:
        content: of the file.
        name: of the file, for messages.
        table: of the model that is to use it.
        style_dim: length of the model's style vectors; None: it has none, and a kept one is left out.

    Raises:
        DataError: damaged, of a newer format, or with classes that the model does not know.
    """
    try:
        held = json.loads(content)
        if held["ccfpse"] != KIND:
            raise ValueError("no layout")
        if _whole(held["format"], 1, 2**31) > FORMAT:
            raise DataError(f"{name}: was saved by a newer ccfpse; install that one")
        size = _whole(held["height"], 1, _LONGEST_SIDE), _whole(held["width"], 1, _LONGEST_SIDE)
        given = _table_of_names(held["classes"], name)
        labels = _unpacked(held["labels"], size, np.dtype(np.uint8))
        if held["objects"] is None:
            objects = np.zeros(size, np.uint16)
        else:
            objects = _unpacked(held["objects"], size, np.dtype("<u2")).astype(np.uint16)
        style = checked_style(held["style"], style_dim)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError, zlib.error) as error:
        raise DataError(f"{name}: is no whole layout file ({str(error)[:100]}); save it again") from error
    return Layout(Numbering(given, table, name).apply(labels, name), objects, style)


def checked_style(style: Any, dim: int | None) -> dict[str, Any] | None:
    """A style as the page keeps it, if it is one.

    It has two ends, `from` and `to`, and `share`, where between them it lies. An end is
    ``{"kind": "prior", "seed": 3}``, ``{"kind": "mean"}`` or ``{"kind": "photo", "name": …, "vector": […]}``;
    `to` may be None.

    Args:
        style: what a file holds.
        dim: length of a style vector; None: the model has no style.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: it is none.
    """
    if style is None or dim is None:
        return None
    share = float(style["share"])
    if not 0 <= share <= 1:
        raise ValueError("the style's share is not between 0 and 1")
    end = None if style["to"] is None else _checked_end(style["to"], dim)
    return {"from": _checked_end(style["from"], dim), "to": end, "share": share}


def _checked_end(end: Any, dim: int) -> dict[str, Any]:
    match end["kind"]:
        case "prior":
            return {"kind": "prior", "seed": _whole(end["seed"], 0, LARGEST_SEED)}
        case "mean":
            return {"kind": "mean"}
        case "photo":
            return {
                "kind": "photo",
                "name": str(end["name"])[:200],
                "vector": check_vector(end["vector"], dim),
            }
    raise ValueError("an unknown kind of style")


def check_vector(values: Any, dim: int) -> list[float]:
    """A style vector from JSON.

    Raises:
        ValueError: it is none of this model's.
    """
    if not isinstance(values, list) or len(values) != dim:
        raise ValueError(f"a style vector is a list of {dim} numbers")
    if not all(type(v) in (int, float) and abs(v) < 1e6 for v in values):
        raise ValueError("a style vector with something else than moderate numbers")
    return [float(v) for v in values]


def _table_of_names(names: Any, where: str) -> ClassTable:
    classes = tuple(LabelClass(check_class_name(name), (0, 0, 0), None, False, False) for name in list(names))
    if not 1 <= len(classes) <= 256:
        raise ValueError("no list of classes")
    return ClassTable(where, classes, False, (), ())


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"no whole number from {least} to {most}")
    return value


def _packed(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(array.tobytes(), 6)).decode("ascii")


def _unpacked(text: Any, size: Size, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    wanted = size[0] * size[1] * dtype.itemsize
    try:
        packed = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    content = zlib.decompressobj().decompress(packed, wanted + 1)  # a bomb unpacks no further
    if len(content) != wanted:
        raise ValueError(f"labels of another size than {size[0]}x{size[1]}")
    return np.frombuffer(content, dtype).reshape(size)
