"""What is found where, and what is refused before anything is computed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ccfpse
from ccfpse.errors import DataError, SettingsError
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.layoutfiles import LayoutSource, find_layouts
from ccfpse.model import Model


@pytest.fixture
def model(make_model: Callable[..., Path]) -> Model:
    return ccfpse.load(make_model())


def save(path: Path, value: int = 10, size: tuple[int, int] = (4, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, value, np.uint8)).save(path)
    return path


def find(labels: Path, model: Model, instances: Path | None = None) -> list[LayoutSource]:
    return find_layouts(labels, instances, model, None, "auto")


def test_names_are_relative_sorted_and_without_suffix(tmp_path: Path, model: Model) -> None:
    for name in ("b.png", "town/a.bmp", "town/b.png", ".hidden/c.png", "notes.txt"):
        if name.endswith("txt"):
            (tmp_path / "x" / name).write_text("x")
        else:
            save(tmp_path / "x" / name)
    assert [layout.name for layout in find(tmp_path / "x", model)] == ["b", "town/a", "town/b"]
    assert [layout.name for layout in find(tmp_path / "x/town/a.bmp", model)] == ["a"]


def test_instance_maps_are_matched_by_name(tmp_path: Path, model: Model) -> None:
    save(tmp_path / "x/town/a.png")
    save(tmp_path / "i/town/a.bmp", 5)
    (layout,) = find(tmp_path / "x", model, tmp_path / "i")
    labels, instances = layout.read()
    assert (labels == 0).all()
    assert instances is not None
    assert instances.dtype == np.int32
    assert (instances == 5).all()


def test_a_missing_or_misshapen_instance_map_is_told_by_both_names(tmp_path: Path, model: Model) -> None:
    save(tmp_path / "x/a.png")
    save(tmp_path / "x/b.png")
    save(tmp_path / "i/b.png", 5, (4, 7))
    missing, misshapen = find(tmp_path / "x", model, tmp_path / "i")
    with pytest.raises(DataError, match=r"x/a\.png: has no instance map .*i/a\.png"):
        missing.read()
    with pytest.raises(DataError, match=r"i/b\.png: is 4x7 pixels.*x/b\.png is 4x6"):
        misshapen.read()


def test_in_the_layout_of_cityscapes_only_label_ids_are_labels(tmp_path: Path, model: Model) -> None:
    for kind in ("labelIds", "instanceIds", "color"):
        save(tmp_path / f"x/town/town_1_gtFine_{kind}.png")
    (layout,) = find(tmp_path / "x", model, tmp_path / "x")
    assert layout.name == "town/town_1_gtFine_labelIds"
    assert layout.read()[1] is not None


def test_two_label_maps_for_one_photo_are_refused(tmp_path: Path, model: Model) -> None:
    save(tmp_path / "x/a.png")
    save(tmp_path / "x/a.bmp")
    with pytest.raises(DataError, match=r"a\.png and .*a\.bmp would both become"):
        find(tmp_path / "x", model)


def test_another_class_table_is_matched_by_name(tmp_path: Path, model: Model) -> None:
    given = ClassTable(
        name="given",
        classes=(
            LabelClass("class 2", (1, 2, 3), 1, False, True),
            LabelClass("dragon", (4, 5, 6), 2, False, True),
        ),
        has_dont_care=False,
        dont_care_raw=(),
        dont_care_colors=(),
    )
    known, unknown = (save(tmp_path / f"{i}.png", i) for i in (1, 2))
    (layout,) = find_layouts(known, None, model, given, "auto")
    assert (layout.read()[0] == 2).all()
    (layout,) = find_layouts(unknown, None, model, given, "auto")
    with pytest.raises(DataError, match=r"2\.png: has 24 pixels of class dragon"):
        layout.read()


def test_a_prepared_store_gives_its_validation_split(store: Path, model: Model) -> None:
    layouts = find(store, model)
    assert [layout.name for layout in layouts] == ["town/a", "town/b"]
    labels, instances = layouts[0].read()
    assert labels.shape == (32, 64)
    assert instances is not None
    assert layouts[0].photo().shape == (32, 64, 3)
    with pytest.raises(SettingsError, match="leave out --instances"):
        find(store, model, store)


def test_a_store_of_other_classes_needs_another_model(store: Path, make_model: Callable[..., Path]) -> None:
    other = ClassTable("other", (LabelClass("cat", (0, 0, 0), 0, False, True),), False, (), ())
    with pytest.raises(DataError, match=r"not one of its classes \(class 0"):
        find(store, ccfpse.load(make_model("other.safetensors", classes=other)))


def test_maps_of_objects_for_a_model_without_boundaries_are_refused(
    tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    path = save(tmp_path / "x/a.png")
    with pytest.raises(SettingsError, match="without object boundaries"):
        find(path, ccfpse.load(make_model("plain.safetensors", boundary=False)), path)
