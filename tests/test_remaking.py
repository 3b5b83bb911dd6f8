"""`ccfpse remake`: photos again, and what is said where they are not the same."""

import dataclasses
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from ccfpse.recipe import Recipe, read_recipe, with_recipe
from ccfpse_cli.main import app

MakeModel = Callable[..., Path]


def ccfpse(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(app, list(map(str, arguments)))
    return ended.exit_code, ended.stdout, ended.stderr


def synthesize(labels: Path, out: Path, model: Path, *options: object) -> None:
    code, _, told = ccfpse("synthesize", labels, out, "--model", model, *options)
    assert code == 0, told


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Three label maps, one of another size than the model's."""
    for i, (name, size) in enumerate((("a", (32, 64)), ("town/b", (20, 50)), ("town/c", (32, 64)))):
        path = tmp_path / "labels" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(i).choice(np.array([10, 20, 30, 255], np.uint8), size)
        Image.fromarray(values).save(path)
    return tmp_path / "labels"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "style.jpg"
    Image.fromarray(np.random.default_rng(9).integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return path


def changed(path: Path, spot: int = 0, **changes: Any) -> Path:
    """The same picture with another recipe, and `spot` levels added to one number of it."""
    content = path.read_bytes()
    pixels = np.array(Image.open(io.BytesIO(content)))
    pixels[0, 0, 0] ^= spot
    recipe = dataclasses.replace(read_recipe(content, "x"), **changes)
    other = path.with_name("changed.png")
    other.write_bytes(with_recipe(Image.fromarray(pixels), recipe))
    return other


def maker_of(path: Path, **changes: Any) -> Any:
    return dataclasses.replace(read_recipe(path.read_bytes(), "x").maker, **changes)


STYLES = {
    "prior": ("--seed", 7),
    "mean": ("--style", "mean"),
    "photo": ("--style", "style.jpg"),
    "interpolated": ("--style", "style.jpg", "--style", "mean", "--share", 0.25),
    "of the model's size": ("--size", "model", "--seed", 1),
    "bf16": ("--precision", "bf16"),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_photo_is_made_again_byte_for_byte(
    style: str,
    tmp_path: Path,
    labels: Path,
    photo: Path,
    make_model: MakeModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = make_model(style=True)
    synthesize(labels, tmp_path / "out", model, *STYLES[style])
    photo.unlink()  # the recipe has its style
    for name in ("a", "town/b"):
        given, again = tmp_path / f"out/{name}.png", tmp_path / f"{Path(name).name}-again.png"
        code, told, _ = ccfpse("remake", given, "--model", model, "--labels", labels, "--out", again)
        assert (code, "byte for byte the same" in told) == (0, True), told
        assert again.read_bytes() == given.read_bytes()


def test_a_trained_projects_photos_need_nothing_but_their_file(
    tmp_path: Path, params: Path, store: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = yaml.safe_load(params.read_text())["paths"]
    trained = Path(paths["training"], "model.safetensors")
    trained.parent.mkdir(parents=True)
    make_model(style=True).rename(trained)
    assert ccfpse("synthesize", store, "out", "--style", "own")[0] == 0
    code, told, _ = ccfpse("remake", "out/town/b.png")
    assert (code, "byte for byte" in told) == (0, True)


def test_instances_and_another_coding_are_the_same_layout(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    model, objects, colored = make_model(), tmp_path / "objects", tmp_path / "colored.png"
    shutil.copytree(labels, objects)
    rows = np.arange(32, dtype=np.uint8)[:, None].repeat(64, 1) // 8
    Image.fromarray(rows).save(objects / "a.png")
    synthesize(labels, tmp_path / "out", model, "--instances", objects)
    given = tmp_path / "out/a.png"
    colors = {10: (0, 100, 200), 20: (50, 100, 200), 30: (100, 100, 200), 255: (0, 0, 0)}
    values = np.asarray(Image.open(labels / "a.png"))
    Image.fromarray(np.array([[colors[v] for v in row] for row in values.tolist()], np.uint8)).save(colored)
    Image.fromarray(rows.astype(np.uint16) * 3 + 500).save(tmp_path / "numbers.png")
    options = ("--model", model, "--labels", colored, "--instances", tmp_path / "numbers.png")
    code, told, _ = ccfpse("remake", given, *options)
    assert (code, "byte for byte" in told) == (0, True)
    code, _, told = ccfpse("remake", given, *options[:4])  # without its objects it is another layout
    assert (code, "--instances if it had some" in told) == (2, True)


def test_a_layout_is_found_by_its_name_or_by_its_content(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    model = make_model(style=True)
    synthesize(labels, tmp_path / "out", model)
    given = tmp_path / "out/town/b.png"
    remake = ("remake", given, "--model", model, "--labels")
    (labels / "town/b.png").rename(labels / "other.png")
    (labels / "bad.png").write_text("no picture")
    assert ccfpse(*remake, labels)[0] == 0
    assert ccfpse(*remake, labels / "other.png")[0] == 0
    shutil.copy(labels / "a.png", labels / "town/b.png")
    assert ccfpse(*remake, labels)[0] == 0
    (labels / "other.png").unlink()
    code, _, told = ccfpse(*remake, labels)
    assert code == 2
    assert "holds town/b, but with other labels or instances than the picture was made of" in told
    (labels / "town/b.png").write_text("no picture")
    assert "holds town/b, which cannot be used (" in ccfpse(*remake, labels)[2]
    (labels / "town/b.png").unlink()
    assert "holds no layout called town/b, nor one with its content" in ccfpse(*remake, labels)[2]


def test_another_model_is_refused(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    model, other = make_model(style=True), make_model("other.safetensors")
    synthesize(labels, tmp_path / "out", model)
    remake = ("remake", tmp_path / "out/a.png", "--labels", labels, "--model")
    code, _, told = ccfpse(*remake, other)
    assert code == 2
    assert "other.safetensors: is not the model that made" in told
    assert "which was called model.safetensors" in told
    assert "lost.safetensors: cannot be read" in ccfpse(*remake, tmp_path / "lost.safetensors")[2]
    model.rename(tmp_path / "renamed.safetensors")
    code, told, _ = ccfpse(*remake, tmp_path / "renamed.safetensors")
    assert (code, "byte for byte" in told) == (0, True)


def test_other_pixels_end_with_code_4_and_figures(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    model = make_model(style=True)
    synthesize(labels, tmp_path / "out", model)
    given = changed(tmp_path / "out/a.png", spot=8)
    code, told, _ = ccfpse("remake", given, "--model", model, "--labels", labels)
    assert code == 4
    assert "differ by at most 8, on average by 0.001" in told  # 8 / (32 * 64 * 3)
    assert "nothing that a recipe holds differs" in told


def test_other_versions_and_threads_are_named_and_pixels_compared(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    model = make_model(style=True)
    synthesize(labels, tmp_path / "out", model)
    path = tmp_path / "out/a.png"
    other = maker_of(path, torch="1.0", threads=64, kernels="ab12", device="abacus")
    for spot, code_wanted, words in ((0, 0, "pixel for pixel the same"), (1, 4, "not the same")):
        given = changed(path, spot, maker=other)
        code, told, _ = ccfpse("remake", given, "--model", model, "--labels", labels)
        assert (code, words in told) == (code_wanted, True), told
        lines = told.splitlines()
        assert [line.split()[0] for line in lines[1:]] == ["torch", "device", "threads", "kernels"]
        assert lines[3] == "  threads 64 then, 1 now"


def test_another_thread_count_of_this_process_is_noticed(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    model, threads = make_model(style=True), torch.get_num_threads()
    synthesize(labels, tmp_path / "out", model)
    torch.set_num_threads(threads + 1)
    try:
        code, told, _ = ccfpse("remake", tmp_path / "out/a.png", "--model", model, "--labels", labels)
    finally:
        torch.set_num_threads(threads)
    assert code in (0, 4)
    assert f"threads {threads} then, {threads + 1} now" in told
    assert "byte for byte" not in told


def test_a_picture_saved_again_by_another_program_is_the_same(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    from PIL.PngImagePlugin import PngInfo

    model = make_model(style=True)
    synthesize(labels, tmp_path / "out", model)
    picture = Image.open(tmp_path / "out/a.png")
    chunk = PngInfo()
    chunk.add_itxt("ccfpse", picture.info["ccfpse"])
    picture.save(tmp_path / "again.png", pnginfo=chunk, compress_level=0)
    code, told, _ = ccfpse("remake", tmp_path / "again.png", "--model", model, "--labels", labels)
    assert (code, "saved again by another program" in told) == (0, True)


def _of(path: Path) -> Recipe:
    return read_recipe(path.read_bytes(), "x")


def test_recipes_that_lie_are_refused(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    model = make_model(style=True)
    synthesize(labels, tmp_path / "out", model)
    path = tmp_path / "out/a.png"
    remake = ("--model", model, "--labels", labels)
    for changes, words in (
        ({"style": "none"}, "no style of its model"),
        ({"style": "photo x.jpg"}, "no style of its model"),
        ({"style": "x", "style_vector": "AAAAAA=="}, "no style of its model"),
        ({"size": "model", "layout_sha256": _of(tmp_path / "out/town/b.png").layout_sha256}, None),
        ({"layout_sha256": _of(tmp_path / "out/town/b.png").layout_sha256}, "its recipe makes 20x50"),
    ):
        code, told, complaint = ccfpse("remake", changed(path, **changes), *remake)
        if words is None:
            assert (code, "not the same" in told) == (4, True)
        else:
            assert (code, words in complaint) == (2, True), complaint


def test_the_photo_is_not_written_over_anything(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    model = make_model(style=True)
    synthesize(labels, tmp_path / "out", model)
    given = tmp_path / "out/a.png"
    before = given.read_bytes()
    for out, words in ((given, "is there already"), (tmp_path / "a.jpg", "ends in .png")):
        code, _, told = ccfpse("remake", given, "--model", model, "--labels", labels, "--out", out)
        assert (code, words in told) == (2, True)
    assert given.read_bytes() == before
    assert not (tmp_path / "a.jpg").exists()
