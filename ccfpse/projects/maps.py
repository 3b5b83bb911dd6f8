"""What a number of label maps hold: values, colours, sizes, and which of them are suspicious."""

import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccfpse.datasets.raw import RawSample
from ccfpse.errors import DataError
from ccfpse.labelimage import WITHOUT_COLORS
from ccfpse.labelspace import Color, packed_colors
from ccfpse.pictures import decode_photo, decode_picture, decode_values, picture_values
from ccfpse.workers import in_processes

Kind = Literal["ids", "palette", "colors"]

MOST_MAPS = 400
"""Pairs that are opened: a value that is in one map of a hundred is seen in 98 of 100 such draws."""
MOST_VALUES = 1024
"""Values of one map that are counted; no map of classes has as many."""


@dataclasses.dataclass(frozen=True, slots=True)
class Looked:
    """What a pair of files holds."""

    name: str
    """Of the label map, for messages."""
    kind: Kind
    """`ids`: numbers, also as an RGB picture that is grey throughout; `colors`: as 0xRRGGBB."""
    is_rgb: bool
    pixels: dict[int, int]
    """By value; none where there are more than `MOST_VALUES`."""
    palette: dict[int, Color]
    """Colours of the values, of palette pictures."""
    size: tuple[int, int]
    """Height and width of the photo."""
    with_objects: frozenset[int]
    """Values in which the instance map tells objects apart."""


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """A pair that cannot be used."""

    problem: str


def look(
    samples: list[RawSample], workers: int, progress: Callable[[int, int], None]
) -> tuple[list[Looked], list[str]]:
    """Opens at most `MOST_MAPS` pairs, drawn by their names.

    Returns:
        What the good ones hold, by name, and a sentence for each of the others.
    """
    drawn = sorted(samples, key=lambda s: hashlib.sha256(s.name.encode()).digest())[:MOST_MAPS]
    looked: list[Looked] = []
    problems: list[str] = []
    # A process takes two seconds to start: few pictures are read sooner without.
    results: Iterable[Looked | Refused] = in_processes(
        functools.partial(_look_at), drawn, workers if len(drawn) > 64 else 0, chunk=8, what="label maps"
    )
    for done, result in enumerate(results, start=1):
        if isinstance(result, Looked):
            looked.append(result)
        else:
            problems.append(result.problem)
        progress(done, len(drawn))
    return sorted(looked, key=lambda one: one.name), sorted(problems)


def _look_at(sample: RawSample) -> Looked | Refused:
    try:
        photo = decode_photo(sample.image.read(), str(sample.image))
        picture = decode_picture(sample.labels.read(), str(sample.labels))
        shape = (photo.height, photo.width)
        _refuse_other_size(str(sample.labels), "label map", (picture.height, picture.width), shape)
        kind, values = _values(picture, str(sample.labels))
        objects: frozenset[int] = frozenset()
        if sample.instances is not None:
            numbers = decode_values(sample.instances.read(), str(sample.instances))
            _refuse_other_size(str(sample.instances), "instance map", numbers.shape, shape)
            objects = _with_objects(values, numbers)
    except DataError as error:
        return Refused(str(error))
    pixels = _counts(values)
    palette = _palette(picture, pixels) if kind == "palette" else {}
    is_rgb = picture.mode not in WITHOUT_COLORS
    return Looked(str(sample.labels), kind, is_rgb, pixels, palette, shape, objects)


def _refuse_other_size(name: str, what: str, found: tuple[int, ...], wanted: tuple[int, int]) -> None:
    if found != wanted:
        raise DataError(
            f"{name}: this {what} is {found[1]}x{found[0]} pixels (width x height), "
            f"but its photo is {wanted[1]}x{wanted[0]}"
        )


def _values(picture: Image.Image, name: str) -> tuple[Kind, npt.NDArray[Any]]:
    if picture.mode in WITHOUT_COLORS:
        try:
            return ("palette" if picture.mode == "P" else "ids"), picture_values(picture)
        except DataError as error:
            raise DataError(f"{name}: {error}") from error
    rgb = np.asarray(picture.convert("RGB"))
    if (rgb == rgb[..., :1]).all():
        return "ids", rgb[..., 0].astype(np.int32)
    return "colors", packed_colors(rgb)


def _counts(values: npt.NDArray[Any]) -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return {} if len(found) > MOST_VALUES else dict(zip(found.tolist(), counts.tolist(), strict=True))


def _palette(picture: Image.Image, pixels: dict[int, int]) -> dict[int, Color]:
    flat = picture.getpalette("RGB") or []
    return {
        value: (flat[3 * value], flat[3 * value + 1], flat[3 * value + 2])
        for value in pixels
        if 3 * value + 2 < len(flat)
    }


def _with_objects(values: npt.NDArray[Any], numbers: npt.NDArray[np.int32]) -> frozenset[int]:
    """Values whose pixels have several numbers."""
    pairs = np.unique(values.astype(np.int64) << 32 | (numbers.astype(np.int64) & 0xFFFFFFFF))
    return frozenset(value for value, count in Counter((pairs >> 32).tolist()).items() if count > 1)
