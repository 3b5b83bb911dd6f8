"""Makes a study: the page with everything in it, and the key."""

import base64
import dataclasses
import io
import json
import random
import secrets
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from ccfpse.errors import DataError, OutputError
from ccfpse.files import replacing
from ccfpse.pictures import PHOTO_SUFFIXES, decode_photo
from ccfpse.study.key import FORMAT, KEY, PAGE, Item, Key, save_key
from ccfpse.study.layouts import Layouts, named_files, read_bytes

QUESTION = "Which photo looks more real and fits the layout better?"
_MARK = "/*STUDY*/null"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the maker of a study decides."""

    question: str
    pairs: int | None
    """Layouts that are asked about, drawn at random; None: all that both folders have."""
    checks: int | None
    """Attention checks among them; None: one for ten pairs, two at least."""


def make_study(a: Path, b: Path, layouts: Layouts, out: Path, choices: Choices) -> Key:
    """Writes `page/index.html` and `key.json`.

    Args:
        a: folder of photos, named as their layouts.
        b: another one.
        layouts: pictures of the layouts.
        out: folder of the study; must be new.
        choices: how many pairs and checks.

    Raises:
        DataError: a folder has no photos, or none that the other and the layouts have; a photo is damaged.
        OutputError: `out` cannot be written, or holds a study.
    """
    if (out / KEY).exists() or (out / PAGE).exists():
        raise OutputError(f"{out}: holds a study, whose answers need its key; choose another folder")
    of_a, of_b = (named_files(folder, PHOTO_SUFFIXES, "photos") for folder in (a, b))
    names = sorted(of_a.keys() & of_b.keys() & layouts.names())
    if not names:
        raise DataError(f"{a} and {b} have no photo of the same name that has a layout in {layouts.source}")
    rng = random.SystemRandom()
    asked = names if choices.pairs is None else rng.sample(names, min(choices.pairs, len(names)))
    n_checks = max(2, round(len(asked) / 10)) if choices.checks is None else choices.checks
    if n_checks and len(names) < 2:
        raise DataError("an attention check needs photos of two layouts; use --checks 0")
    items: dict[str, Item] = {}
    shown: list[dict[str, str]] = []

    def ask(item: Item, layout: str, left: Path, right: Path) -> None:
        name = secrets.token_hex(8)
        items[name] = item
        photos = [decode_photo(read_bytes(path), str(path)) for path in (left, right)]
        size = _common_size(*photos)
        pictures = [layouts.picture(layout, size), *(_resized(photo, size) for photo in photos)]
        named = zip(("layout", "left", "right"), map(_encoded, pictures), strict=True)
        shown.append({"item": name, **dict(named)})

    for name in asked:
        swapped = rng.random() < 0.5
        left, right = (of_b, of_a) if swapped else (of_a, of_b)
        sides = ("b", "a") if swapped else ("a", "b")
        ask(Item(layout=name, kind="pair", left=sides[0], right=sides[1]), name, left[name], right[name])  # type: ignore[arg-type]
    for _ in range(n_checks):
        name, other = rng.sample(names, 2)
        photos = rng.choice([of_a, of_b])
        swapped = rng.random() < 0.5
        left_path, right_path = (photos[other], photos[name]) if swapped else (photos[name], photos[other])
        sides = ("wrong", "right") if swapped else ("right", "wrong")
        ask(Item(layout=name, kind="check", left=sides[0], right=sides[1]), name, left_path, right_path)  # type: ignore[arg-type]
    rng.shuffle(shown)  # or checks would stand at the end of the page's source
    key = Key(
        format=FORMAT, study=secrets.token_hex(8), question=choices.question, a=str(a), b=str(b), items=items
    )
    _write_page(out / PAGE, key, shown)
    save_key(out, key)
    return key


def _write_page(path: Path, key: Key, shown: list[dict[str, str]]) -> None:
    template = resources.files("ccfpse").joinpath("study", "page.html").read_text("utf-8")
    content = json.dumps({"study": key.study, "question": key.question, "items": shown})
    # Inside a script element nothing may look like its end, or like a comment.
    page = template.replace(_MARK, content.replace("<", "\\u003c"))
    with replacing(path) as temporary:
        temporary.write_text(page, "utf-8")


def _common_size(left: Image.Image, right: Image.Image) -> tuple[int, int]:
    """(width, height) that both are shown at: the smaller one's, or the larger would be known by it."""
    return min(left.size, right.size, key=lambda size: size[0] * size[1])


def _resized(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    return photo if photo.size == size else photo.resize(size, Image.Resampling.BICUBIC)


def _encoded(picture: Image.Image) -> str:
    """A picture's pixels alone, as PNG within the page: no name, no format of its own, no metadata."""
    file = io.BytesIO()
    Image.fromarray(np.asarray(picture)).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
