"""`ccfpse synthesize` as it is typed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner, Result

from ccfpse.config import preset_text
from ccfpse_cli.main import app

MakeModel = Callable[..., Path]


def ccfpse(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "labels"
    (folder / "town").mkdir(parents=True)
    for name, value in (("a", 10), ("town/b", 20)):
        Image.fromarray(np.full((32, 64), value, np.uint8)).save(folder / f"{name}.png")
    return folder


def test_after_training_two_folders_are_enough(
    tmp_path: Path, labels: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(preset_text("sample"))
    trained = Path(yaml.safe_load(preset_text("sample"))["paths"]["training"], "model.safetensors")
    without = ccfpse("synthesize", labels, "out")
    assert without.exit_code == 2
    assert "no model is trained yet; run `dvc repro`" in without.stderr
    trained.parent.mkdir(parents=True)
    make_model().rename(trained)
    ended = ccfpse("synthesize", labels, "out")
    assert ended.exit_code == 0, ended.output
    assert sorted(f.as_posix() for f in Path("out").rglob("*.png")) == ["out/a.png", "out/town/b.png"]


def test_a_reference_photo_gives_its_style(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    model, photo = make_model(style=True), tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)).save(photo)
    for style in ("mean", photo):
        ended = ccfpse("synthesize", labels, tmp_path / Path(style).stem, "--model", model, "--style", style)
        assert ended.exit_code == 0, ended.output
    assert (tmp_path / "mean/a.png").read_bytes() != (tmp_path / "photo/a.png").read_bytes()


def test_a_table_of_ones_own_says_what_colours_mean(
    tmp_path: Path, make_model: MakeModel, labels: Path
) -> None:
    model, classes = make_model(), tmp_path / "classes.yaml"
    classes.write_text(yaml.safe_dump([{"name": f"class {i}", "color": [0, 0, 100 * i]} for i in range(3)]))
    coded = tmp_path / "coded"
    coded.mkdir()
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(coded / "a.png")  # class 0, as labels/a.png
    for folder, options in ((coded, ["--classes", classes]), (labels, [])):
        ended = ccfpse("synthesize", folder, tmp_path / f"{folder.name}-out", "--model", model, *options)
        assert ended.exit_code == 0, ended.output
    photos = [(tmp_path / f"{name}-out/a.png").read_bytes() for name in ("coded", "labels")]
    assert photos[0] == photos[1]


def test_bad_label_maps_are_skipped_on_request_and_listed(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    for name in ("bad1", "town/bad2"):
        (labels / f"{name}.png").write_text("no picture")
    ended = ccfpse("synthesize", labels, tmp_path / "out", "--model", make_model(), "--skip-bad")
    assert ended.exit_code == 3
    assert "bad1.png" in ended.stderr
    assert "town/bad2.png" in ended.stderr
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2
