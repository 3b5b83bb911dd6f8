"""Models and class tables as notebooks and terminals show them."""

import dataclasses
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

import ccfpse
from ccfpse.labelspace import ClassTable
from ccfpse.model import Model
from ccfpse.modelfile import load_model

MakeModel = Callable[..., Path]
HOSTILE = '<script>alert("1")</script>&amp;'


class Parsed(HTMLParser):
    """Tags and texts of a page; fails where they do not belong together."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.styles: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.styles += [value or "" for name, value in attributes if name == "style"]
        if tag != "br":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_class_table_shows_every_label_with_its_colour(table: ClassTable) -> None:
    shown = Parsed(table._repr_html_())
    assert shown.texts == ["toy: 4 labels", "0 class 0", "1 class 1", "2 class 2", "3 don't care"]
    assert [style[-7:] for style in shown.styles if "background" in style] == [
        "#0064c8", "#3264c8", "#6464c8", "#000000",
    ]  # fmt: skip
    assert repr(table) == "<ClassTable toy: 4 labels (class 0, class 1, class 2, don't care)>"


def test_a_model_shows_what_it_is_and_how_it_was_made(make_model: MakeModel) -> None:
    path = make_model(style=True)
    model = ccfpse.load(path, device="cpu")
    model.provenance = {"steps": 500, "made_by": {"ccfpse": "0.1", "list": [1]}, "long": "x" * 1000}
    shown = Parsed(model._repr_html_())
    cells = dict(zip(shown.texts[1::2], shown.texts[2::2], strict=False))
    assert shown.texts[0] == str(path)
    assert cells["generator"] == "ccfpse of width 2"
    assert cells["size"] == "32x64"
    assert cells["style"] == "styles of 256 numbers"
    assert cells["layout"] == "4 labels, object boundaries"
    assert int(cells["parameters"].replace(",", "")) > 1000
    assert cells["device"] == "cpu, float32"
    assert cells["SHA-256"] == model.sha256
    assert (cells["steps"], cells["made by"], len(cells["long"])) == ("500", "ccfpse 0.1", 201)
    assert "3 don't care" in shown.texts
    assert repr(model) == f"<Model {path}: ccfpse of width 2, 32x64, styles of 256 numbers, on cpu>"


def test_a_model_without_style_says_so(make_model: MakeModel) -> None:
    model = ccfpse.load(make_model(boundary=False), device="cpu")
    shown = Parsed(model._repr_html_()).texts
    assert {"no style", "32x64, trained at; takes others", "4 labels"} <= set(shown)


@pytest.mark.parametrize("name", [HOSTILE, "'\"><img src=x onerror=alert(1)>"])
def test_names_are_text(make_model: MakeModel, table: ClassTable, name: str) -> None:
    classes = (dataclasses.replace(table.classes[0], name=name), *table.classes[1:])
    model_file = load_model(make_model(classes=dataclasses.replace(table, name=name, classes=classes)))
    model = Model(dataclasses.replace(model_file, provenance={name: name}), name=name, device="cpu")
    shown = Parsed(model._repr_html_())
    assert {"script", "img"} & set(shown.tags) == set()
    assert {name, f"0 {name}", f"{name}: 4 labels"} <= set(shown.texts)
