"""The HTTP interface: photos, styles, layouts and label maps, and what is refused."""

import base64
import io
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ccfpse.labelspace import ClassTable
from ccfpse.painting.layout import to_json, with_objects
from ccfpse.painting.studio import NAME
from ccfpse.recipe import read_recipe
from ccfpse.styles import interpolated, prior_style
from tests.painting.servers import Painting, painting, png

MakeModel = Callable[..., Path]
RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 4, (32, 64)).astype(np.uint8)
OBJECTS = RNG.integers(0, 600, (4, 8)).repeat(8, 0).repeat(8, 1).astype(np.uint16)
PHOTO = png(RNG.integers(0, 256, (40, 30, 3)).astype(np.uint8))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Any, dict[str, Any]], Painting]]:
    """Servers of models, each started once for all tests."""
    import contextlib

    with contextlib.ExitStack() as ending:
        running: dict[str, Painting] = {}

        def get(make_model: MakeModel, changes: dict[str, Any]) -> Painting:
            key = repr(changes)
            if key not in running:
                running[key] = ending.enter_context(painting(make_model(**changes)))
            return running[key]

        yield get


@pytest.fixture
def server(made: Any, make_model: MakeModel) -> Painting:
    found: Painting = made(make_model, {})
    return found


@pytest.fixture
def styled(made: Any, make_model: MakeModel) -> Painting:
    found: Painting = made(make_model, {"style": True})
    return found


def photo(server: Painting, **fields: Any) -> np.ndarray:
    answer = server.post("/api/synthesize", labels=png(IDS), **({"coding": "classes"} | fields))
    assert answer.status == 200, answer.content
    assert answer.headers["content-type"] == "image/png"
    return answer.pixels


def test_a_photo_is_that_of_the_model(server: Painting) -> None:
    wanted = server.model.synthesize(IDS, coding="classes", as_arrays=True)
    np.testing.assert_array_equal(photo(server), wanted)


def test_object_boundaries_reach_the_network(server: Painting) -> None:
    wanted = server.model.synthesize(IDS, OBJECTS.astype(np.int32), coding="classes", as_arrays=True)
    found = photo(server, instances=png(OBJECTS))
    np.testing.assert_array_equal(found, wanted)
    assert (found != photo(server)).any()


def test_a_label_map_may_be_coded_as_the_data_set_does(server: Painting, table: ClassTable) -> None:
    raw = np.array([10, 20, 30, 255], np.uint8)[IDS]
    for labels in (png(raw), png(table.colorize(IDS))):
        answer = server.post("/api/synthesize", labels=labels)
        np.testing.assert_array_equal(answer.pixels, photo(server))


def test_styles_are_those_of_the_model(styled: Painting) -> None:
    def wanted(style: np.ndarray) -> Any:
        return styled.model.synthesize(IDS, style=style, coding="classes", as_arrays=True)

    three, five = (prior_style(seed, NAME, 256) for seed in (3, 5))
    np.testing.assert_array_equal(photo(styled, seed=3), wanted(three))
    np.testing.assert_array_equal(photo(styled, style="mean"), wanted(np.zeros(256, np.float32)))
    between = photo(styled, seed=3, style_to="prior", seed_to=5, share=0.25)
    np.testing.assert_array_equal(between, wanted(interpolated(three, five, 0.25)))
    vector = styled.post("/api/style", photo=PHOTO).json["style"]
    own = styled.model.encode_style(Image.open(io.BytesIO(PHOTO)))
    np.testing.assert_array_equal(np.array(vector, np.float32), own)
    np.testing.assert_array_equal(photo(styled, style=json.dumps(vector)), wanted(own))


def test_a_photo_says_how_it_was_made(styled: Painting) -> None:
    answer = styled.post("/api/synthesize", labels=png(IDS), instances=png(OBJECTS), coding="classes", seed=7)
    recipe = read_recipe(answer.content, "photo")
    assert (recipe.style, recipe.seed, recipe.layout) == ("prior", 7, NAME)
    assert recipe.model_sha256 == styled.model.sha256
    assert recipe.layout_sha256 == styled.model.layout_checksum(IDS, OBJECTS.astype(np.int32))
    between = styled.post(
        "/api/synthesize", labels=png(IDS), coding="classes", style_to="mean", share=0.5, seed=3
    )
    recipe = read_recipe(between.content, "photo")
    assert recipe.style == "0.5 from prior 3 to mean"
    np.testing.assert_array_equal(
        recipe.vector(), interpolated(prior_style(3, NAME, 256), np.zeros(256, np.float32), 0.5)
    )


def test_the_model_is_described(server: Painting, styled: Painting, table: ClassTable) -> None:
    found = server.get("/api/model").json
    assert [one["name"] for one in found["classes"]] == [*(c.name for c in table.classes), "don't care"]
    assert (found["height"], found["width"], found["name"]) == (32, 64, "model.safetensors")
    assert (found["has_boundary"], found["style_dim"], found["takes_photos"]) == (True, None, False)
    assert (found["eraser"], found["ground"]) == (3, 1)  # don't care; the first that is no object
    styled_one = styled.get("/api/model").json
    assert (styled_one["style_dim"], styled_one["takes_photos"]) == (256, True)


def unpacked(held: dict[str, Any], key: str = "labels", kind: str = "u1") -> np.ndarray:
    content = zlib.decompress(base64.b64decode(held[key]))
    return np.frombuffer(content, kind).reshape(held["height"], held["width"])


def test_label_maps_and_layout_files_open(server: Painting, table: ClassTable) -> None:
    saved = to_json(with_objects(IDS, OBJECTS.astype(np.int32), table), table.names)
    colors = server.post("/api/open", file=png(table.colorize(IDS)))
    np.testing.assert_array_equal(unpacked(colors.json), IDS)
    assert colors.json["objects"] is None
    again = server.post("/api/open", file=json.dumps(saved).encode()).json
    assert again == saved
    assert (unpacked(again, "objects", "<u2") > 0).any()


def test_a_large_label_map_is_reduced_to_the_model_s_pixels(server: Painting) -> None:
    held = server.post("/api/open", file=png(np.full((300, 100), 20, np.uint8))).json
    assert (held["height"], held["width"]) == (78, 26)
    assert (unpacked(held) == 1).all()


def test_label_maps_are_saved_in_the_coding_of_the_table(server: Painting, table: ClassTable) -> None:
    ids = server.post("/api/label", labels=png(IDS), kind="ids")
    np.testing.assert_array_equal(table.from_raw(ids.pixels), IDS)
    colors = server.post("/api/label", labels=png(IDS), kind="colors")
    np.testing.assert_array_equal(table.from_colors(colors.pixels), IDS)


def test_a_blank_layout_is_offered_where_there_is_none_else(server: Painting) -> None:
    assert server.get("/api/model").json["layouts"] == 1
    assert (unpacked(server.get("/api/layouts/0").json) == 1).all()
    refused = server.get("/api/layouts/1")
    assert (refused.status, refused.said) == (400, "there are layouts 0 to 0, none is number 1")


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        ("synthesize", {"labels": b"no picture"}, 400, "labels: is not a picture"),
        ("synthesize", {"labels": b""}, 400, "labels: is not a picture"),
        ("synthesize", {}, 422, "labels: Field required"),
        ("synthesize", {"labels": "text"}, 422, "labels: "),
        ("synthesize", {"labels": png(IDS + 4), "coding": "classes"}, 400, "class ids outside 0 to 3"),
        ("synthesize", {"labels": png(np.full((32, 64), 99, np.uint8))}, 400, r"value 99 \(2048 pixels\)"),
        ("synthesize", {"labels": png(IDS), "coding": "names"}, 422, "coding: "),
        ("synthesize", {"labels": png(IDS), "coding": "classes", "style": "mean"}, 400, "without a style"),
        ("synthesize", {"labels": png(IDS), "seed": -1}, 422, "seed: "),
        ("synthesize", {"labels": png(IDS), "share": "nan"}, 422, "share: "),
        ("synthesize", {"labels": png(np.zeros((1, 300000), np.uint8))}, 400, "more than 262144; reduce it"),
        (
            "synthesize",
            {"labels": png(IDS), "coding": "classes", "instances": png(OBJECTS[1:])},
            400,
            "instances.*has shape",
        ),
        ("style", {"photo": PHOTO}, 400, "without a style"),
        ("style", {"photo": b"\x89PNG"}, 400, "the photo: "),
        ("open", {"file": png(np.full((8, 8), 99, np.uint8))}, 400, r"file\.png: value 99"),
        ("open", {"file": b"{"}, 400, r"file\.png: is no whole layout file"),
        ("label", {"labels": png(IDS), "kind": "names"}, 422, "kind: "),
        ("nothing", {}, 404, "nothing at this address"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    server: Painting, path: str, fields: dict[str, Any], status: int, said: str
) -> None:
    answer = server.post(f"/api/{path}", **fields)
    assert answer.status == status, answer.content
    import re

    assert re.search(said, answer.said), answer.said
    assert "\n" not in answer.said


def test_a_style_that_is_no_vector_is_refused(styled: Painting) -> None:
    for style in ("[1, 2]", "[" * 5000, json.dumps([1e300] * 256), "loud"):
        answer = styled.post("/api/synthesize", labels=png(IDS), coding="classes", style=style)
        assert answer.status == 400
        assert "style" in answer.said


def test_the_reference_needs_nothing_from_elsewhere(server: Painting) -> None:
    spec = server.get("/openapi.json").json
    assert {"/api/synthesize", "/api/style", "/api/open", "/api/label", "/api/model"} <= spec["paths"].keys()
    for path in ("/", "/reference"):
        page = server.get(path).content.decode()
        assert "http:" not in page
        assert "https:" not in page
        assert "<script>" not in page


def test_api_alone_has_no_page_for_painting(make_model: MakeModel) -> None:
    with painting(make_model(), api_only=True) as server:
        assert server.get("/").content == server.get("/reference").content
        assert server.get("/api/model").status == 200
