"""Makes a study: the page with everything in it, and the key."""

import base64
import dataclasses
import io
import json
import random
import secrets
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from ccfpse.errors import DataError, OutputError
from ccfpse.files import adding, read_bytes, replacing
from ccfpse.outputlock import output_lock
from ccfpse.pictures import PHOTO_SUFFIXES, decode_photo
from ccfpse.placing import refuse_way_out
from ccfpse.study.key import FORMAT, KEY, PAGE, Item, Key, Origin, save_key
from ccfpse.study.layouts import Layouts, named_files

QUESTION = "Which photo looks more real and fits the layout better?"
_MARK = "/*STUDY*/null"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the maker of a study decides."""

    question: str
    pairs: int | None
    """Layouts that are asked about, drawn at random; None: all that the checks leave."""
    checks: int | None
    """Attention checks among them, two layouts each; None: one for ten pairs, two at least where that is
    no more than a third of the layouts."""


def make_study(a: Path, b: Path, layouts: Layouts, out: Path, choices: Choices) -> Key:
    """Writes `page/index.html` and `key.json`, both or none.

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
    with output_lock(out):
        return _make(a, b, layouts, out, choices)


def _make(a: Path, b: Path, layouts: Layouts, out: Path, choices: Choices) -> Key:
    if (out / KEY).exists() or (out / PAGE).exists():
        raise OutputError(f"{out}: holds a study, whose answers need its key; choose another folder")
    refuse_way_out(out, out / PAGE)
    of_a, of_b = (named_files(folder, PHOTO_SUFFIXES, "photos") for folder in (a, b))
    names = sorted(of_a.keys() & of_b.keys() & layouts.names())
    if not names:
        raise DataError(f"{a} and {b} have no photo of the same name that has a layout in {layouts.source}")
    rng = random.SystemRandom()
    asked, checked = _drawn(names, choices, rng)
    size = _common_size([path[name] for name in (*asked, *sum(checked, ())) for path in (of_a, of_b)])
    items: dict[str, Item] = {}
    shown: list[dict[str, str]] = []

    def ask(layout: str, kind: Literal["pair", "check"], photos: dict[Origin, Path]) -> None:
        name, sides = secrets.token_hex(8), rng.sample(list(photos), 2)
        items[name] = Item(layout=layout, kind=kind, left=sides[0], right=sides[1])
        pictures = [layouts.picture(layout, size), *(_opened(photos[side], size) for side in sides)]
        named = zip(("layout", "left", "right"), map(_encoded, pictures), strict=True)
        shown.append({"item": name, **dict(named)})

    for name in asked:
        ask(name, "pair", {"a": of_a[name], "b": of_b[name]})
    for name, other in checked:
        photos = rng.choice([of_a, of_b])
        ask(name, "check", {"right": photos[name], "wrong": photos[other]})
    rng.shuffle(shown)  # or checks would stand at the end of the page's source
    key = Key(
        format=FORMAT, study=secrets.token_hex(8), question=choices.question, a=str(a), b=str(b), items=items
    )
    with adding(out) as folder:  # a page without its key asks for nothing
        save_key(folder, key)
        _write_page(folder / PAGE, key, shown)
    return key


def _drawn(names: list[str], choices: Choices, rng: random.Random) -> tuple[list[str], list[tuple[str, str]]]:
    """Layouts of the pairs; and for every check a layout and one whose photo does not belong to it.

    No layout is drawn twice: one that comes again, or a photo, would tell a check from a pair.

    Raises:
        DataError: there are not enough layouts for the checks.
    """
    n_pairs = choices.pairs
    n_checks = choices.checks
    if n_checks is None:
        n_checks = min(max(2, round((n_pairs or len(names)) / 10)), len(names) // 3)
    if 2 * n_checks >= len(names):
        raise DataError(
            f"{n_checks} attention checks take photos of {2 * n_checks} layouts, and there are {len(names)}; "
            "ask for fewer with --checks"
        )
    drawn = rng.sample(names, len(names))
    checked = [(drawn.pop(), drawn.pop()) for _ in range(n_checks)]
    return drawn if n_pairs is None else drawn[:n_pairs], checked


def _write_page(path: Path, key: Key, shown: list[dict[str, str]]) -> None:
    template = resources.files("ccfpse").joinpath("study", "page.html").read_text("utf-8")
    content = json.dumps({"study": key.study, "question": key.question, "items": shown})
    # Inside a script element nothing may look like its end, or like a comment.
    page = template.replace(_MARK, content.replace("<", "\\u003c"))
    with replacing(path) as temporary:
        temporary.write_text(page, "utf-8")


def _common_size(photos: list[Path]) -> tuple[int, int]:
    """(width, height) that all are shown at: the smallest one's, or others would be known by theirs."""
    sizes = [decode_photo(read_bytes(path), str(path)).size for path in photos]
    return min(sizes, key=lambda size: size[0] * size[1])


def _opened(path: Path, size: tuple[int, int]) -> Image.Image:
    """A photo at (width, height), cut to that shape where it has another."""
    photo = decode_photo(read_bytes(path), str(path))
    return photo if photo.size == size else ImageOps.fit(photo, size, Image.Resampling.BICUBIC)


def _encoded(picture: Image.Image) -> str:
    """A picture's pixels alone, as PNG within the page: no name, no format of its own, no metadata."""
    file = io.BytesIO()
    Image.fromarray(np.asarray(picture)).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
