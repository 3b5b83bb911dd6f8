"""Class tables: those that ship, your own, and the way from label maps to class ids."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ccfpse.classfiles import load_class_table, read_class_yaml
from ccfpse.errors import DataError, SettingsError
from ccfpse.labelspace import ClassTable, parse_color

BUILT_IN = ("cityscapes", "coco-stuff", "ade20k", "camvid")


@pytest.mark.parametrize(
    ("name", "n_classes", "n_labels", "n_evaluated"),
    [
        ("cityscapes", 35, 35, 19),
        ("coco-stuff", 182, 183, 182),
        ("ade20k", 150, 151, 150),
        ("camvid", 11, 12, 11),
    ],
)
def test_tables_have_the_channels_of_the_paper(
    name: str, n_classes: int, n_labels: int, n_evaluated: int
) -> None:
    table = load_class_table(name)
    assert (table.n_classes, table.n_labels, len(table.evaluated_ids)) == (n_classes, n_labels, n_evaluated)
    assert len(table.names) == n_labels
    assert table.palette().shape == (n_labels, 3)


@pytest.mark.parametrize(
    ("name", "raw", "ids"),
    [
        ("cityscapes", [0, 7, 33, 255], [0, 7, 33, 34]),  # 255: the licence plate's -1 in eight bits
        ("coco-stuff", [0, 181, 255], [0, 181, 182]),
        ("ade20k", [0, 1, 150], [150, 0, 149]),
        ("camvid", [0, 10, 11], [0, 10, 11]),
    ],
)
def test_raw_values_become_ids_as_the_paper_reads_them(name: str, raw: list[int], ids: list[int]) -> None:
    assert load_class_table(name).from_raw(np.array([raw])).tolist() == [ids]


def test_the_first_and_last_evaluated_classes_of_cityscapes_are_road_and_bicycle() -> None:
    table = load_class_table("cityscapes")
    assert [table.names[table.evaluated_ids[i]] for i in (0, -1)] == ["road", "bicycle"]
    assert [c.name for c in table.classes if c.has_instances][:2] == ["person", "rider"]


def test_unknown_values_are_refused_with_their_pixels() -> None:
    raw = np.array([[0, 12, 12], [200, 1, 2]])
    with pytest.raises(DataError) as refusal:
        load_class_table("camvid").from_raw(raw)
    assert str(refusal.value) == (
        "value 12 (2 pixels), value 200 (1 pixel) are not in the class table of camvid"
    )


def test_many_unknown_values_are_counted_not_listed() -> None:
    with pytest.raises(DataError, match="and 15 more are not in the class table"):
        load_class_table("camvid").from_raw(np.arange(100, 120).reshape(4, 5))


@pytest.mark.parametrize("name", BUILT_IN)
def test_colours_of_scored_classes_lead_back_to_their_ids(name: str) -> None:
    table = load_class_table(name)
    palette = table.palette()
    unique = [i for i in table.evaluated_ids if (palette == palette[i]).all(axis=1).sum() == 1]
    ids = np.array([unique], np.uint8)
    assert len(unique) > 10
    np.testing.assert_array_equal(table.from_colors(table.colorize(ids)), ids)


def test_unknown_colours_are_refused_with_their_pixels() -> None:
    pixels = np.full((2, 2, 3), (1, 2, 3), np.uint8)
    with pytest.raises(DataError, match=r"colour #010203 \(4 pixels\) is not in the class table of camvid"):
        load_class_table("camvid").from_colors(pixels)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_table_survives_the_way_through_plain_values(name: str) -> None:
    table = load_class_table(name)
    assert ClassTable.from_dict(table.to_dict()) == table


@pytest.mark.parametrize(
    "damage", [{"classes": None}, {"classes": [{"name": "a"}]}, {"dont_care_raw": ["x"]}]
)
def test_damaged_plain_values_are_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="the class table is damaged"):
        ClassTable.from_dict(load_class_table("camvid").to_dict() | damage)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_a_colour_reads_the_same_in_both_spellings(color: tuple[int, int, int]) -> None:
    assert parse_color(list(color)) == parse_color("#" + bytes(color).hex()) == color


def written(folder: Path, entries: object) -> Path:
    path = folder / "classes.yaml"
    path.write_text(yaml.safe_dump(entries), "utf-8")
    return path


def test_your_own_table_may_use_ids_colours_or_both(tmp_path: Path) -> None:
    entries = [
        {"name": "sky", "id": 4},
        {"name": "road", "color": "#804080"},
        {"name": "car", "id": 300, "color": [0, 0, 142], "instances": True},
        {"name": "void", "id": 9, "color": [0, 0, 0], "ignore": True},
    ]
    table = read_class_yaml(written(tmp_path, entries))
    assert table.names == ("sky", "road", "car", "don't care")
    assert table.from_raw(np.array([[4, 300, 9]])).tolist() == [[0, 2, 3]]
    coloured = np.array([[(128, 64, 128), (0, 0, 142), (0, 0, 0)]], np.uint8)
    assert table.from_colors(coloured).tolist() == [[1, 2, 3]]
    assert [c.has_instances for c in table.classes] == [False, False, True]
    assert len({c.color for c in table.classes}) == 3


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([], "must be a list with one entry a class"),
        ({"sky": 1}, "must be a list with one entry a class"),
        (["sky"], "entry 1 is 'sky'; it must be a mapping"),
        ([{"name": "sky"}], "entry 1: sky has neither id nor color"),
        ([{"id": 1}], "entry 1: name is nothing (null); every class needs a name"),
        ([{"name": " ", "id": 1}], "entry 1: name is ' '; every class needs a name"),
        (
            [{"name": "sky", "id": 1}, {"name": "road", "id": -1}],
            "entry 2: id is -1; it must be a whole number",
        ),
        ([{"name": "sky", "id": True}], "entry 1: id is True; it must be a whole number"),
        ([{"name": "sky", "id": 1.0}], "entry 1: id is 1.0; it must be a whole number"),
        ([{"name": "sky", "color": "blue"}], "entry 1: color is 'blue'; it must be [R, G, B]"),
        ([{"name": "sky", "color": "#12345g"}], "entry 1: color is '#12345g'; it must be [R, G, B]"),
        ([{"name": "sky", "color": [0, 0, 256]}], "entry 1: color is [0, 0, 256]; it must be [R, G, B]"),
        ([{"name": "sky", "color": [0, 0]}], "entry 1: color is [0, 0]; it must be [R, G, B]"),
        ([{"name": "sky", "id": 1, "colour": 2}], "entry 1: colour is not known; use name, id, color"),
        (
            [{"name": "sky", "id": 1, "instances": "yes"}],
            "entry 1: instances is 'yes'; it must be true or false",
        ),
        ([{"name": "a", "id": 1}, {"name": "b", "id": 1}], "id 1 is given twice"),
        ([{"name": "a", "id": 1}, {"name": "a", "id": 2}], "name 'a' is given twice"),
        ([{"name": "a", "id": 1}, {"name": "v", "id": 1, "ignore": True}], "id 1 is given twice"),
        ([{"name": "v", "id": 1, "ignore": True}], "has 0 classes; there must be 1 to 255"),
        ([{"name": f"c{i}", "id": i} for i in range(256)], "has 256 classes; there must be 1 to 255"),
    ],
)
def test_a_refused_table_names_the_file_and_the_entry(tmp_path: Path, entries: object, sentence: str) -> None:
    path = written(tmp_path, entries)
    with pytest.raises(SettingsError) as refusal:
        read_class_yaml(path)
    assert str(refusal.value).startswith(str(path))
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\xff"])
def test_a_table_that_is_no_yaml_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "classes.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"classes\.yaml: is not (valid YAML|a text file)"):
        read_class_yaml(path)


def test_a_missing_table_is_refused_with_where_it_is_set(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"none\.yaml: the class table cannot be read .*data.custom.classes"
    ):
        read_class_yaml(tmp_path / "none.yaml")


def test_a_large_map_of_colours_takes_little_more_than_its_result() -> None:
    table = load_class_table("camvid")
    pixels = np.broadcast_to(np.array(table.classes[3].color, np.uint8), (2**12, 2**12, 3))
    tracemalloc.start()
    try:
        found = table.from_colors(pixels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found == 3).all()
    assert peak < found.nbytes + 5e7
