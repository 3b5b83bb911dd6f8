"""The picture of layouts × styles, and the figures of how different photos are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import ccfpse
from ccfpse.evaluation import diversity
from ccfpse.layoutfiles import find_layouts
from ccfpse.stylegrid import deviation, make_grid, measure, style_columns
from ccfpse_cli.main import app

MakeModel = Callable[..., Path]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Three label maps of other sizes than the model's."""
    for i in range(3):
        path = tmp_path / "labels" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        values = np.random.default_rng(i).choice(np.array([10, 20, 30], np.uint8), (5, 8 + i))
        Image.fromarray(values.repeat(6, 0).repeat(6, 1)).save(path)
    return tmp_path / "labels"


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Two photos, of one name in two folders."""
    paths = [tmp_path / folder / "photo.jpg" for folder in ("a", "b")]
    for i, path in enumerate(paths):
        path.parent.mkdir()
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return [str(path) for path in paths]


def test_columns_are_the_prior_the_mean_and_the_way_between_the_photos(
    make_model: MakeModel, photos: list[str]
) -> None:
    model = ccfpse.load(make_model(style=True))
    columns = style_columns(model, photos, seeds=2, steps=1)
    assert [column.caption for column in columns] == [
        "prior, seed 0", "prior, seed 1", "mean", "photo.jpg", "50% of the way", "photo.jpg",
    ]  # fmt: skip
    assert [column.photo is not None for column in columns] == [False, False, False, True, False, True]


def test_each_photo_of_the_grid_is_the_one_that_synthesize_makes(
    tmp_path: Path, make_model: MakeModel, labels: Path, photos: list[str]
) -> None:
    model = ccfpse.load(make_model(style=True))
    columns = style_columns(model, photos[:1], seeds=2, steps=0)
    layouts = find_layouts(labels, None, model, None, "auto")
    made = make_grid(model, layouts, columns, tmp_path / "grid.png", lambda done, total: None)
    maps = [Image.open(layout.origin) for layout in layouts]
    names = [layout.name for layout in layouts]
    wanted = [
        model.synthesize(maps, style=style, seed=seed, names=names, size="model", as_arrays=True)
        for style, seed in (("prior", 0), ("prior", 1), ("mean", 0), (Image.open(photos[0]), 0))
    ]
    np.testing.assert_array_equal(np.array(made), np.array(wanted))
    # Five columns of 192x96 with gaps of 8; a line, then four rows with a line each; the legend.
    picture = Image.open(tmp_path / "grid.png")
    assert picture.width == 8 + 5 * 200
    assert picture.height > 24 + 4 * (24 + 96 + 8)
    shown = np.asarray(picture)[24 + 128 + 24 : 24 + 128 + 24 + 96, 208:400]
    np.testing.assert_array_equal(shown[::3, ::3], made[0][0])


def test_the_deviation_is_that_of_each_position() -> None:
    photos = np.zeros((2, 4, 4, 3), np.uint8)
    photos[1, :2] = 10  # half of the positions differ by 10: 10 / √2 there
    assert deviation(photos) == pytest.approx(10 / 2**0.5 / 2)
    assert deviation(photos + np.arange(16, dtype=np.uint8).reshape(4, 4, 1)) == pytest.approx(
        deviation(photos)
    )


def test_figures_count_styles_of_the_prior_alone(
    tmp_path: Path, make_model: MakeModel, labels: Path, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    model = ccfpse.load(make_model(style=True))
    layouts = find_layouts(labels, None, model, None, "auto")
    found = []
    for given in ([], photos):
        columns = style_columns(model, given, seeds=2, steps=1)
        made = make_grid(model, layouts, columns, tmp_path / "grid.png", lambda done, total: None)
        found.append(measure(model, columns, made, None))
    assert found[0] == found[1]
    assert found[0] is not None
    assert (found[0].layouts, found[0].styles, found[0].lpips) == (3, 2, None)
    assert found[0].deviation > 1
    assert "AlexNet's weights are not there" in str(found[0].no_lpips)
    one = style_columns(model, [], seeds=1, steps=1)
    assert measure(model, one, made[:2], None) is None


def run(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(app, ["styles", *map(str, arguments)])
    return ended.exit_code, ended.stdout, ended.stderr


def test_the_command_writes_the_picture_and_says_the_figures(
    tmp_path: Path, make_model: MakeModel, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    model = make_model(style=True)
    options = ("--model", model, "--layouts", 2, "--seeds", 2)
    code, told, _ = run(labels, tmp_path / "out/grid.png", *options)
    assert code == 0
    assert "2 layouts in 3 styles" in told
    assert "standard deviation between a layout's 2 photos in styles of the prior: " in told
    assert "LPIPS between them: not measured (" in told
    Image.open(tmp_path / "out/grid.png").load()


def test_own_styles_are_those_of_a_stores_photos(
    tmp_path: Path, make_model: MakeModel, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    out = tmp_path / "grid.png"
    code, told, _ = run(store, out, "--model", make_model(style=True), "--seeds", 0, "--style", "own")
    assert (code, Image.open(out).width) == (0, 8 + 3 * 200)
    assert "needs two styles of the prior" in told


def test_what_cannot_be_drawn_is_refused(tmp_path: Path, make_model: MakeModel, labels: Path) -> None:
    plain, styled = make_model(), make_model("styled.safetensors", style=True)
    before, dusk = (labels / "0.png").read_bytes(), tmp_path / "dusk.png"
    dusk.write_bytes(before)
    for words, arguments in {
        "trained without a style": (labels, tmp_path / "a.png", "--model", plain),
        "an input, which the picture would replace": (labels, labels / "0.png", "--model", styled),
        "1.png: is an input": (labels, labels / "1.png", "--model", styled, "--layouts", 1),
        "dusk.png: is an input": (labels, dusk, "--model", styled, "--style", dusk),
        "ends in .png": (labels, tmp_path / "a.jpg", "--model", styled),
        "prepared store": (labels, tmp_path / "a.png", "--model", styled, "--style", "own"),
        "--seeds says how many": (labels, tmp_path / "a.png", "--model", styled, "--style", "prior"),
    }.items():
        code, _, told = run(*arguments)
        assert (code, words in told) == (2, True), told
    assert (labels / "0.png").read_bytes() == dusk.read_bytes() == before
    assert not list(tmp_path.glob("a.*"))


def test_lpips_is_measured_where_its_weights_are(
    tmp_path: Path, make_model: MakeModel, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lpips", reason="the package lpips is not installed")
    import torch
    from torchvision.models import alexnet

    torch.manual_seed(0)
    weights = tmp_path / "hub/checkpoints" / diversity.FILE
    weights.parent.mkdir(parents=True)
    torch.save(alexnet().state_dict(), weights)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    code, told, _ = run(labels, tmp_path / "grid.png", "--model", make_model(style=True), "--layouts", 1)
    assert code == 0
    assert float(told.split("LPIPS between them: ")[1].split(",")[0]) > 0
