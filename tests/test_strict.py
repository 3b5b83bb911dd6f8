"""Mappings become dataclasses of exactly the stated types, or are refused."""

import dataclasses
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpse.errors import SettingsError
from ccfpse.strict import build


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inner:
    count: int
    word: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outer:
    share: float
    shown: bool
    kind: Literal["left", "right"]
    pair: tuple[int, float]
    inner: Inner
    maybe: Inner | None


GOOD: dict[str, Any] = {
    "share": 0.5,
    "shown": True,
    "kind": "left",
    "pair": [1, 2.0],
    "inner": {"count": 3, "word": "w"},
    "maybe": None,
}


def test_every_value_arrives_with_its_stated_type() -> None:
    built = build(Outer, GOOD | {"share": 2, "maybe": {"count": 1, "word": None}})
    assert built == Outer(
        share=2.0,
        shown=True,
        kind="left",
        pair=(1, 2.0),
        inner=Inner(count=3, word="w"),
        maybe=Inner(count=1, word=None),
    )
    assert isinstance(built.share, float)


@pytest.mark.parametrize("missing", list(GOOD))
def test_nothing_is_filled_in(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"^here.{missing} is missing"):
        build(Outer, {key: value for key, value in GOOD.items() if key != missing}, "here")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("share", "half"),
        ("share", None),
        ("share", float("inf")),
        ("share", False),
        ("shown", 1),
        ("shown", "true"),
        ("kind", "up"),
        ("kind", ["left"]),
        ("pair", 1),
        ("pair", [1, 2, 3]),
        ("pair", [1.0, 2.0]),
        ("inner", None),
        ("inner", []),
        ("inner", {"count": 3, "word": 3}),
        ("maybe", "none"),
    ],
)
def test_another_type_is_refused_and_the_key_named(key: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"^{key}"):
        build(Outer, GOOD | {key: value})


def test_keys_inside_sections_are_named_with_their_section() -> None:
    with pytest.raises(SettingsError, match=r"^inner\.cuont is not a setting; did you mean inner\.count\?"):
        build(Outer, GOOD | {"inner": {"cuont": 3, "word": "w"}})


_yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(GOOD)), _yaml_values)
def test_whatever_yaml_holds_is_taken_or_refused_in_one_line(key: str, value: Any) -> None:
    try:
        build(Outer, GOOD | {key: value})
    except SettingsError as refusal:
        assert str(refusal).startswith(key)  # noqa: PT017 - some values are fine, and then nothing is raised
