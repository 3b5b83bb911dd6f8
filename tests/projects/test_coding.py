"""What `ccfpse init` makes of label maps of every coding."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ccfpse.classfiles import load_class_table
from ccfpse.errors import DataError
from ccfpse.labelimage import read_label_image
from ccfpse.projects.coding import Guess, guess
from ccfpse.projects.folders import Folders, pair
from ccfpse.projects.maps import look
from tests.projects.conftest import Ids, Save, write_pairs

COLORS = np.array([[0, 0, 0], [128, 64, 128], [70, 130, 180], [255, 255, 255], [9, 9, 9]], np.uint8)


def values(*given: int, dtype: Any = np.uint8) -> Save:
    def save(ids: Ids, path: Path) -> None:
        Image.fromarray(np.array(given, dtype)[ids]).save(path)

    return save


def palette(colors: Any, order: Iterable[int] | None = None) -> Save:
    """Palette pictures; with an `order`, every second one has its palette turned round."""
    count = 0

    def save(ids: Ids, path: Path) -> None:
        nonlocal count
        count += 1
        flat = np.asarray(colors, np.uint8)
        if order is not None and count % 2 == 0:
            flat, ids = flat[::-1], (len(flat) - 1 - ids).astype(np.uint8)
        picture = Image.fromarray(ids).convert("P")
        picture.putpalette(flat.ravel().tolist())
        picture.save(path)

    return save


def rgb(ids: Ids, path: Path) -> None:
    Image.fromarray(COLORS[ids]).save(path)


def guessed(folder: Path, instances: Path | None = None) -> Guess:
    samples = pair(Folders(folder / "images", folder / "labels", instances)).samples
    looked, problems = look(samples, 0, lambda done, total: None)
    assert problems == []
    found = guess(looked, seen_all=True)
    assert sum(found.pixels.values()) == len(samples) * 40 * 60
    for path in (folder / "labels").rglob("*.png"):  # as `ccfpse prepare` will read them
        ids = read_label_image(path, found.table, found.coding)
        assert ids.max() < found.table.n_labels
    return found


@pytest.mark.parametrize(
    ("save", "raws", "dont_care"),
    [
        (values(0, 1, 2, 3), [0, 1, 2, 3], ()),
        (values(1, 2, 7, 255), [1, 2, 7], (255,)),
        (values(0, 85, 170, 255), [0, 85, 170, 255], ()),  # stretched for the eye: 255 is a class
        (values(252, 253, 254, 255), [252, 253, 254, 255], ()),
        (values(0, 1, 1000, 40000, dtype=np.uint16), [0, 1, 1000, 40000], ()),
    ],
)
def test_ids(tmp_path: Path, save: Save, raws: list[int], dont_care: tuple[int, ...]) -> None:
    found = guessed(write_pairs(tmp_path, save))
    assert found.coding == "ids"
    assert [c.raw for c in found.table.classes] == raws
    assert [c.name for c in found.table.classes] == [f"class-{raw}" for raw in raws]
    assert found.table.dont_care_raw == dont_care
    assert len({c.color for c in found.table.classes}) == len(raws)
    assert found.known_as is None


def test_two_values_of_a_mask_are_classes(tmp_path: Path) -> None:
    found = guessed(write_pairs(tmp_path, values(0, 255), n=2))
    assert [c.raw for c in found.table.classes] == [0, 255]


def test_grey_colours_are_ids(tmp_path: Path) -> None:
    found = guessed(
        write_pairs(tmp_path, lambda ids, path: Image.fromarray(np.stack([ids] * 3, -1)).save(path))
    )
    assert found.coding == "ids"
    assert [c.raw for c in found.table.classes] == [0, 1, 2, 3]


def test_palettes_that_agree_give_ids_their_colours(tmp_path: Path) -> None:
    found = guessed(write_pairs(tmp_path, palette(COLORS[:4])))
    assert found.coding == "ids"
    assert [(c.raw, c.color) for c in found.table.classes] == [
        (i, tuple(COLORS[i].tolist())) for i in range(4)
    ]


def test_palettes_that_differ_mean_colours(tmp_path: Path) -> None:
    found = guessed(write_pairs(tmp_path, palette(COLORS[1:5], order=())))
    assert found.coding == "colors"
    assert {c.color for c in found.table.classes} == {tuple(c) for c in COLORS[1:5].tolist()}


def test_colours_and_black_as_dont_care(tmp_path: Path) -> None:
    def little_black(ids: Ids, path: Path) -> None:
        few = np.where(ids == 0, 1, ids)
        few[:10, :10] = 0
        rgb(few, path)

    found = guessed(write_pairs(tmp_path, little_black))
    assert found.coding == "colors"
    assert {c.color for c in found.table.classes} == {tuple(c) for c in COLORS[1:4].tolist()}
    assert found.table.dont_care_colors == ((0, 0, 0),)


def test_black_on_much_of_the_maps_is_a_class(tmp_path: Path) -> None:
    def much_black(ids: Ids, path: Path) -> None:
        rgb(np.where(ids == 1, 0, ids).astype(np.uint8), path)

    assert not guessed(write_pairs(tmp_path, much_black)).table.has_dont_care


def test_a_map_of_one_grey_colour_among_colours(tmp_path: Path) -> None:
    def save(ids: Ids, path: Path) -> None:
        rgb(np.full_like(ids, 4) if path.stem == "a" else ids, path)

    found = guessed(write_pairs(tmp_path, save))
    assert (9, 9, 9) in {c.color for c in found.table.classes}
    assert [word for word in found.suspicious if "a.png: holds a single value" in word]


def test_published_tables_are_recognised_by_their_palette(tmp_path: Path) -> None:
    facades = load_class_table("facades")
    colors = [(0, 0, 0), *(c.color for c in facades.classes)]
    found = guessed(write_pairs(tmp_path, palette(colors), n=7))
    assert found.known_as == "facades"
    assert found.table.names[1] == "facade"
    colors[3] = (1, 2, 3)
    other = guessed(write_pairs(tmp_path / "other", palette(colors), n=7))
    assert other.known_as is None
    assert other.table.classes[0].name == "class-0"


def test_published_tables_are_recognised_by_their_colours_but_not_by_two(tmp_path: Path) -> None:
    camvid = load_class_table("camvid")
    colors = np.array([c.color for c in camvid.classes], np.uint8)

    def save(ids: Ids, path: Path) -> None:
        Image.fromarray(colors[ids]).save(path)

    assert guessed(write_pairs(tmp_path / "six", save, n=6)).known_as == "camvid"
    assert guessed(write_pairs(tmp_path / "two", save, n=2)).known_as is None


def test_ids_alone_prove_no_published_table_but_file_names_do(tmp_path: Path) -> None:
    assert guessed(write_pairs(tmp_path / "mine", values(0, 1, 2, 3))).known_as is None
    names = tuple(f"{number:012}" for number in range(139, 143))
    found = guessed(write_pairs(tmp_path / "coco", values(0, 1, 181, 255), names))
    assert found.known_as == "coco-stuff"
    assert found.table.n_classes == 182
    assert found.table.dont_care_raw == (255,)
    beyond = guessed(write_pairs(tmp_path / "more", values(0, 1, 2, 200), names))
    assert beyond.known_as is None


def test_dont_care_of_a_published_table_that_no_map_has_is_left_out(tmp_path: Path) -> None:
    names = tuple(f"{number:012}" for number in range(139, 143))
    found = guessed(write_pairs(tmp_path, values(0, 1, 2, 3), names))
    assert not found.table.has_dont_care


def test_classes_with_objects_are_those_with_several_numbers(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path, values(0, 1, 2, 3))
    for path in (folder / "labels").rglob("*.png"):
        ids = np.asarray(Image.open(path)).copy()
        numbers = np.where(ids == 2, 10 + np.arange(60) // 10, ids)
        target = folder / "instances" / path.relative_to(folder / "labels")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(numbers.astype(np.uint8)).save(target)
    found = guessed(folder, folder / "instances")
    assert [c.has_instances for c in found.table.classes] == [False, False, True, False]


def test_maps_with_soft_borders_are_refused(tmp_path: Path) -> None:
    def smooth(ids: Ids, path: Path) -> None:
        noise = np.random.default_rng(int(ids.sum())).integers(0, 256, (*ids.shape, 3), np.uint8)
        Image.fromarray(noise).save(path)

    folder = write_pairs(tmp_path, smooth)
    looked, _ = look(pair(Folders(folder / "images", folder / "labels", None)).samples, 0, lambda a, b: None)
    with pytest.raises(DataError, match="soft borders"):
        guess(looked, seen_all=True)


def test_a_value_that_one_map_has_a_few_pixels_of_is_suspicious(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path, values(0, 1, 2, 3))
    for path in (folder / "labels").rglob("*.png"):
        large = np.asarray(Image.open(path)).repeat(20, 0).repeat(20, 1)
        if path.stem == "c":
            large[0, 0] = 77
        Image.fromarray(large).save(path)
        photo = folder / "images" / path.relative_to(folder / "labels").with_suffix(".jpg")
        Image.new("RGB", large.shape[::-1]).save(photo)
    samples = pair(Folders(folder / "images", folder / "labels", None)).samples
    looked, problems = look(samples, 0, lambda done, total: None)
    assert problems == []
    (said,) = guess(looked, seen_all=True).suspicious
    assert said.endswith("c.png: alone has value 77 (1 pixels)")
