"""What the page gives away, and what the key keeps."""

import base64
import dataclasses
import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ccfpse.errors import DataError, OutputError
from ccfpse.study.key import KEY, PAGE, load_key
from tests.study.photos import NAMES, STEP, Folders


def items_of(page: str) -> list[dict[str, str]]:
    return json.loads(re.search(r"const study = (\{.*\});\n", page)[1])["items"]


def picture(data: str) -> Image.Image:
    kind, _, content = data.partition(";base64,")
    assert kind == "data:image/png"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def whose(photo: Image.Image) -> tuple[str, int]:
    """Which model made it, and for which layout."""
    red, green, blue = np.asarray(photo)[0, 0].tolist()
    return ("a" if green > blue else "b"), round(red / STEP)


def test_the_key_says_which_photo_is_whose(folders: Folders) -> None:
    key = folders.make(checks=4)
    assert load_key(folders.out) == key
    shown = {item["item"]: item for item in items_of((folders.out / PAGE).read_text("utf-8"))}
    assert shown.keys() == key.items.keys()
    for name, item in key.items.items():
        layout = NAMES.index(item.layout)
        found = {side: whose(picture(shown[name][side])) for side in ("left", "right")}
        for side, (model, of_layout) in found.items():
            if item.kind == "pair":
                assert (model, of_layout) == (item.chosen(side), layout)
            else:
                assert (of_layout == layout) == (item.chosen(side) == "right")
        if item.kind == "check":
            assert found["left"][0] == found["right"][0]
    assert Counter(item.kind for item in key.items.values()) == {"pair": 6, "check": 4}


def test_the_page_gives_nothing_away(folders: Folders) -> None:
    folders.make(checks=4)
    page = (folders.out / PAGE).read_text("utf-8")
    without_pictures = re.sub(r'"data:image/png;base64,[^"]*"', "", page)
    for secret in (*NAMES[:2], str(folders.a), str(folders.b), "secret", "check", "jpg"):
        assert secret not in without_pictures.lower()
    for item in items_of(page):
        assert list(item) == ["item", "layout", "left", "right"]
        pictures = [picture(item[side]) for side in ("layout", "left", "right")]
        assert len({p.size for p in pictures}) == 1
        assert all(p.info == {} for p in pictures[1:])
        assert pictures[1].mode == pictures[2].mode


def test_sides_names_and_order_are_random(folders: Folders) -> None:
    first, second = (another(folders).make(checks=6, pairs=12) for _ in range(2))
    assert first.study != second.study
    assert not first.items.keys() & second.items.keys()
    sides = [item.left for key in (first, second) for item in key.pairs.values()]
    assert 2 < sides.count("a") < 22  # of 24; by chance otherwise three times in a hundred thousand
    page = items_of((folders.out.with_name("study0") / PAGE).read_text("utf-8"))
    kinds = [first.items[item["item"]].kind for item in page]
    assert kinds[:12] != ["pair"] * 12


def another(folders: Folders) -> Folders:
    number = len(list(folders.out.parent.glob("study*")))
    return dataclasses.replace(folders, out=folders.out.with_name(f"study{number}"))


def test_no_picture_comes_twice(folders: Folders) -> None:
    """A layout or photo that came again would tell a check from a pair, and whose the others are."""
    folders.make(checks=6, pairs=None)
    items = items_of((folders.out / PAGE).read_text("utf-8"))
    assert len(items) == 24 - 6
    shown = [item[side] for item in items for side in ("layout", "left", "right")]
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("size", [(80, 48), (60, 60)], ids=["larger", "another shape"])
def test_photos_of_two_sizes_are_shown_at_one_checks_included(folders: Folders, size) -> None:
    for path in folders.a.rglob("*.png"):
        Image.open(path).resize(size).save(path)
    folders.make(checks=6)
    for item in items_of((folders.out / PAGE).read_text("utf-8")):
        assert {picture(item[side]).size for side in ("layout", "left", "right")} == {(40, 24)}


def test_a_question_with_html_stays_text(folders: Folders) -> None:
    folders.make(question="</script><b>Which?")
    page = (folders.out / PAGE).read_text("utf-8")
    assert page.count("</script>") == 1
    assert "<b>Which" not in page


def test_a_study_is_never_overwritten(folders: Folders) -> None:
    folders.make()
    kept = (folders.out / KEY).read_bytes()
    with pytest.raises(OutputError, match="holds a study, whose answers need its key"):
        folders.make()
    assert (folders.out / KEY).read_bytes() == kept


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f.a / "c.png").write_bytes(b"\x89PNG"), r"c\.png: "),
        (lambda f: [p.unlink() for p in f.b.rglob("*.jpg")], "holds no photos"),
        (
            lambda f: [p.rename(p.with_stem(f"x{p.stem}")) for p in list(f.b.rglob("*.jpg"))],
            "no photo of the same name",
        ),
        (lambda f: (f.labels / "c.png").write_bytes(b"no picture"), r"c\.png: "),
        (lambda f: (f.a / "c.jpg").write_bytes((f.b / "c.jpg").read_bytes()), "same name"),
    ],
    ids=["damaged photo", "no photos", "other names", "damaged layout", "two of one name"],
)
def test_bad_folders_are_refused_and_nothing_is_written(folders: Folders, spoil, said) -> None:
    spoil(folders)
    with pytest.raises(DataError, match=said):
        folders.make(pairs=None, checks=0)  # checks leave out layouts, of which one may be the spoiled one
    assert not folders.out.exists()


def test_one_layout_is_too_few_for_a_check(folders: Folders, tmp_path: Path) -> None:
    for folder in (folders.a, folders.b, folders.labels):
        for path in list(folder.rglob("*.*")):
            if path.stem != "c":
                path.unlink()
    with pytest.raises(DataError, match="1 attention checks take photos of 2 layouts, and there are 1"):
        folders.make(checks=1)
    assert len(folders.make(checks=0).pairs) == 1


def test_checks_are_a_tenth_and_leave_most_layouts(folders: Folders) -> None:
    key = another(folders).make(checks=None, pairs=None)
    assert len(key.items) - len(key.pairs) == 2
    assert len(key.pairs) == 20
