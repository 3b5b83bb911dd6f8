"""Recipes: what a PNG says of how it was made, and what is done about one that lies."""

import dataclasses
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ccfpse.errors import DataError
from ccfpse.files import sha256_file
from ccfpse.layoutfiles import find_layouts
from ccfpse.recipe import (
    KEY,
    Recipe,
    differences,
    layout_checksum,
    maker,
    read_recipe,
    vector_text,
    with_recipe,
)
from ccfpse.styles import NamedStyle, prior_style
from tests.test_synthesis import contents, synthesize

MakeModel = Callable[..., Path]

PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8))
RECIPE = Recipe(
    format=1,
    model="model.safetensors",
    model_sha256="a" * 64,
    layout="town/größe",
    layout_sha256="b" * 64,
    style="photo beach.jpg",
    style_vector=vector_text(prior_style(0, "x", 256)),
    seed=3,
    size="input",
    precision="float32",
    maker=maker(torch.device("cpu")),
)


def png(text: str | None) -> bytes:
    chunk = PngInfo()
    if text is not None:
        chunk.add_itxt(KEY, text, zip=len(text) > 2**16)
    file = io.BytesIO()
    PHOTO.save(file, "PNG", pnginfo=chunk)
    return file.getvalue()


def test_a_recipe_comes_back_from_the_picture_it_was_written_to() -> None:
    content = with_recipe(PHOTO, RECIPE)
    assert read_recipe(content, "x.png") == RECIPE
    assert content == with_recipe(PHOTO, RECIPE)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), np.asarray(PHOTO))
    vector = read_recipe(content, "x.png").vector()
    np.testing.assert_array_equal(vector, prior_style(0, "x", 256))  # type: ignore[arg-type]


def spoiled(*keys: str, value: Any) -> str:
    recipe: dict[str, Any] = dataclasses.asdict(RECIPE)
    section = recipe
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    return json.dumps(recipe)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "holds no recipe"),
        ("{", "damaged"),
        ("[" * 5000, "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged.*format is missing"),
        (" " * 2**17, "longer than 65536"),
        (spoiled("format", value=2), "format 2.*install a newer one"),
        (spoiled("format", value=True), "damaged"),
        (spoiled("colour", value="red"), "colour is not"),
        (spoiled("model_sha256", value="A" * 64), "model_sha256"),
        (spoiled("model_sha256", value="../../etc"), "model_sha256"),
        (spoiled("layout_sha256", value=7), "layout_sha256"),
        (spoiled("layout", value="x" * 5000), "layout is longer"),
        (spoiled("layout", value="a\0b"), "layout"),
        (spoiled("style", value="\ud800"), "style"),
        (spoiled("style_vector", value="AAA"), "base64"),
        (spoiled("style_vector", value="AAAA"), "base64"),
        (spoiled("style_vector", value="ä"), "base64"),
        (spoiled("style_vector", value=vector_text(np.array([np.nan], np.float32))), "not finite"),
        (spoiled("seed", value=-1), "seed"),
        (spoiled("seed", value=2**63), "seed"),
        (spoiled("size", value="huge"), "size"),
        (spoiled("precision", value="int8"), "precision"),
        (spoiled("maker", "threads", value="many"), r"maker\.threads"),
    ],
)
def test_a_recipe_from_a_stranger_is_read_or_refused(text: str | None, words: str) -> None:
    with pytest.raises(DataError, match=words) as refused:
        read_recipe(png(text), "x.png")
    assert str(refused.value).startswith("x.png: ")
    assert len(str(refused.value)) < 600


def test_a_picture_of_another_form_says_that_only_png_holds_a_recipe() -> None:
    file = io.BytesIO()
    PHOTO.save(file, "JPEG")
    with pytest.raises(DataError, match="it is a JPEG, and only PNG"):
        read_recipe(file.getvalue(), "x.jpg")


def test_the_checksum_of_a_layout_is_that_of_its_classes_objects_and_shape() -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4) // 5
    objects = np.array([[7, 7, 7, 9], [7, 7, 9, 9], [2, 2, 2, 2]])
    checksum = layout_checksum(labels, objects)
    assert checksum == layout_checksum(
        labels.copy(order="F"), 3 - 1000 * objects
    )  # other numbers, same objects
    others = [
        layout_checksum(labels.reshape(4, 3), objects.reshape(4, 3)),
        layout_checksum(labels, None),
        layout_checksum(labels, np.zeros_like(objects)),
        layout_checksum(labels + np.uint8(1), objects),
    ]
    assert len({checksum, *others}) == 5


def test_makers_are_compared_in_words() -> None:
    now = dataclasses.replace(RECIPE.maker, threads=3, kernels=None)
    then = dataclasses.replace(now, torch="1.0+old", kernels="ab12")
    assert differences(now, now) == []
    found = differences(then, now)
    assert found[0].startswith("torch 1.0+old then, 2.")
    assert found[1:] == ["kernels compiled (ab12) then, not compiled now"]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Two label maps, one of another size than the model's."""
    for name, size in (("a", (32, 64)), ("town/b", (20, 50))):
        path = tmp_path / "labels" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(0).choice(np.array([10, 20, 30], np.uint8), size)
        Image.fromarray(values).save(path)
    return tmp_path / "labels"


def test_every_png_says_how_it_was_made_and_nothing_about_where(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    import ccfpse

    path = make_model(style=True)
    model = ccfpse.load(path)
    synthesize(model, labels, tmp_path / "out", seed=5, size="model")
    content = (tmp_path / "out/town/b.png").read_bytes()
    recipe = read_recipe(content, "b.png")
    assert (recipe.model, recipe.model_sha256) == ("model.safetensors", sha256_file(path))
    assert (recipe.layout, recipe.style, recipe.style_vector) == ("town/b", "prior", None)
    assert (recipe.seed, recipe.size, recipe.precision) == (5, "model", "float32")
    assert recipe.maker == maker(torch.device("cpu"))
    assert recipe.maker.threads == 1
    (layout,) = (x for x in find_layouts(labels, None, model, None, "auto") if x.name == "town/b")
    assert recipe.layout_sha256 == model.layout_checksum(*layout.read())
    text = str(Image.open(io.BytesIO(content)).info[KEY])
    assert not re.search(re.escape(str(tmp_path)) + r"|\d{4}-\d\d|/home|/tmp|\\", text)


def test_a_style_that_all_get_is_in_the_recipe(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    import ccfpse

    model, vector = ccfpse.load(make_model(style=True)), prior_style(0, "any", 256)
    synthesize(model, labels, tmp_path / "out", style=NamedStyle("photo x.jpg", vector))
    recipe = read_recipe((tmp_path / "out/a.png").read_bytes(), "a.png")
    assert recipe.style == "photo x.jpg"
    np.testing.assert_array_equal(recipe.vector(), vector)  # type: ignore[arg-type]


def test_the_own_style_of_each_photo_is_in_its_recipe_whatever_the_batch(
    tmp_path: Path, store: Path, make_model: MakeModel
) -> None:
    import ccfpse

    model = ccfpse.load(make_model(style=True))
    for batch in (1, 2):
        synthesize(model, store, tmp_path / f"out{batch}", style="own", batch=batch)
    assert contents(tmp_path / "out1") == contents(tmp_path / "out2")
    recipes = [read_recipe(x, "x") for x in contents(tmp_path / "out1").values()]
    assert [recipe.style for recipe in recipes] == ["own", "own"]
    assert len({recipe.style_vector for recipe in recipes}) == 2


def test_a_model_without_style_says_none(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    import ccfpse

    synthesize(ccfpse.load(make_model()), labels, tmp_path / "out")
    recipe = read_recipe((tmp_path / "out/a.png").read_bytes(), "a.png")
    assert (recipe.style, recipe.style_vector) == ("none", None)


def test_what_has_no_file_or_no_vector_has_no_recipe(make_model: MakeModel) -> None:
    import ccfpse
    from ccfpse.model import Model
    from ccfpse.modelfile import load_model

    with pytest.raises(ValueError, match="no file"):
        Model(load_model(make_model()), device="cpu").recipe("a" * 64, layout="x")
    with pytest.raises(ValueError, match="NamedStyle"):
        ccfpse.load(make_model()).recipe("a" * 64, layout="x", style="own")
