"""YAML that is written comes back as it was meant."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpse.classfiles import load_class_table, parse_class_yaml
from ccfpse.config import preset_text
from ccfpse.projects.choices import Reasoned
from ccfpse.projects.known import TITLES
from ccfpse.projects.texts import class_text, flow, with_values


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_comes_back(text: str) -> None:
    assert yaml.safe_load(f"key: {{inner: [{flow(text)}]}}") == {"key": {"inner": [text]}}


@pytest.mark.parametrize(
    "text", ["true", "Null", "no", "~", "1e3", "0x1f", "2020-01-01", "=", "-", ".", "a: b"]
)
def test_words_of_yaml_stay_text(text: str) -> None:
    assert yaml.safe_load(flow(text)) == text


def test_values_are_replaced_where_they_stand_and_nothing_else_is() -> None:
    before = yaml.safe_load(preset_text("custom"))
    text = with_values(
        preset_text("custom"),
        {
            "data.custom.train": Reasoned({"images": "a", "labels": "b\n", "instances": None}, ""),
            "judge.steps": Reasoned(7, "one reason\nand another"),
            "paths.report": Reasoned('"x"', "odd"),
        },
    )
    before["data"]["custom"]["train"] = {"images": "a", "labels": "b\n", "instances": None}
    before["judge"]["steps"], before["paths"]["report"] = 7, '"x"'
    assert yaml.safe_load(text) == before
    assert "  # one reason\n  # and another\n  steps: 7\n" in text


def test_a_key_that_the_settings_do_not_have_is_a_mistake() -> None:
    with pytest.raises(KeyError, match=r"judge\.stops"):
        with_values(preset_text("custom"), {"judge.stops": Reasoned(7, "")})


def entries(table: Any) -> Any:
    classes = [(c.name, c.color, c.raw, c.has_instances) for c in table.classes]
    return classes, table.has_dont_care, sorted(table.dont_care_raw)


@pytest.mark.parametrize("name", TITLES)
def test_published_tables_come_back(name: str, tmp_path: Any) -> None:
    table = load_class_table(name)
    read = parse_class_yaml(class_text(table, ["head"]).encode(), tmp_path / "classes.yaml")
    assert entries(read) == entries(table)
