import csv
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from ccfpse.config import Settings, load_settings
from ccfpse.errors import DataError, ModelFileError
from ccfpse.evaluation.evaluate import IOU_PLOT, METRICS, PICTURES, Places, evaluate
from ccfpse.files import sha256_file
from ccfpse.judge import train_judge
from ccfpse.modelfile import load_model, save_model
from ccfpse.prepared import open_store

CPU = torch.device("cpu")


def no_progress(done: int, total: int) -> None:
    pass


@pytest.fixture
def settings(params: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a pipeline whose photos are synthesized already: the real ones, upside down."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    return load_settings(params)


@pytest.fixture
def places(settings: Settings, store: Path) -> Places:
    prepared = open_store(store)
    places = Places.of(settings)
    train_judge(prepared, settings.judge, places.judge, CPU, no_progress)
    split = prepared.split("val")
    for i, name in enumerate(split.names):
        path = places.synthesized / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(split.image(i)[::-1].copy()).save(path)
    return places


def test_everything_is_written_and_said(settings: Settings, places: Places) -> None:
    metrics = evaluate(settings, places, CPU, no_progress)
    assert json.loads((places.out / METRICS).read_text()) == metrics
    assert (metrics["photos"], metrics["height"], metrics["width"]) == (2, 32, 64)
    for scores in (metrics, metrics["real"], metrics["shuffled_labels"]):
        assert 0 <= scores["miou"] <= 1
        assert 0 <= scores["accuracy"] <= 1
        assert set(scores["iou"]) == {"class 0", "class 1", "class 2"}
    assert metrics["frechet_judge_features"] > 0
    assert metrics["judge_too_weak"] is (metrics["real"]["miou"] < 0.5)
    sources = _by_role(metrics)
    assert len(sources["judge"]["sha256"]) == len(sources["prepared data"]["sha256"]) == 64
    assert sources["loss"]["name"] == f"unknown: {places.model} is not there"
    assert any("mIoU" in line for line in metrics["protocol"])
    assert "ssim" not in metrics
    with (places.out / IOU_PLOT).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == ["class 0", "class 1", "class 2"]
    assert float(rows[0]["real"]) == pytest.approx(metrics["real"]["iou"]["class 0"], abs=1e-6)
    assert Image.open(places.out / PICTURES).width > 3 * 64


def test_missing_inception_weights_make_fid_null_and_say_why(settings: Settings, places: Places) -> None:
    metrics = evaluate(settings, places, CPU, no_progress)
    assert metrics["fid"] is None
    assert "pt_inception-2015-12-05-6726825d.pth" in metrics["fid_missing"]
    assert "evaluate.inception" in metrics["fid_missing"]


def test_damaged_inception_weights_are_refused(settings: Settings, places: Places, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "inception.pth")
    chosen = dataclasses.replace(settings.evaluate, inception=str(tmp_path / "inception.pth"))
    with pytest.raises(ModelFileError, match=r"inception\.pth: does not hold pytorch-fid's"):
        evaluate(dataclasses.replace(settings, evaluate=chosen), places, CPU, no_progress)


def test_the_real_photos_themselves_score_like_the_real_photos(settings: Settings, places: Places) -> None:
    split = open_store(places.prepared).split("val")
    for i, name in enumerate(split.names):
        Image.fromarray(split.image(i)).save(places.synthesized / f"{name}.png")
    metrics = evaluate(settings, places, CPU, no_progress)
    assert {k: metrics[k] for k in ("miou", "accuracy", "iou")} == metrics["real"]
    assert metrics["frechet_judge_features"] == pytest.approx(0, abs=1e-3)


def test_the_batch_changes_no_figure(settings: Settings, places: Places) -> None:
    one = dataclasses.replace(settings, runtime=dataclasses.replace(settings.runtime, inference_batch=1))
    a, b = evaluate(settings, places, CPU, no_progress), evaluate(one, places, CPU, no_progress)
    assert a["iou"] == b["iou"]
    assert a["frechet_judge_features"] == pytest.approx(b["frechet_judge_features"], rel=1e-3, abs=1e-4)


def test_similarity_is_measured_when_the_style_is_the_photos_own(settings: Settings, places: Places) -> None:
    model = dataclasses.replace(settings.model, style=True)
    own = dataclasses.replace(settings.synthesize, style="own")
    metrics = evaluate(dataclasses.replace(settings, model=model, synthesize=own), places, CPU, no_progress)
    assert -1 <= metrics["ssim"] < 1
    assert 0 < metrics["psnr"] < 30
    assert any("tells the network something about the answer" in line for line in metrics["protocol"])


def test_photos_that_are_not_the_pipelines_have_no_known_style(settings: Settings, places: Places) -> None:
    metrics = evaluate(settings, dataclasses.replace(places, model=None), CPU, no_progress)
    assert metrics["style"] is None
    assert "Style: not known" in metrics["protocol"][0]
    assert set(_by_role(metrics)) == {"prepared data", "judge"}


def _by_role(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {source["role"]: source for source in metrics["sources"]}


def test_the_loss_network_is_named_out_of_the_model_file(
    settings: Settings, places: Places, make_model
) -> None:
    made = load_model(make_model("made.safetensors"))
    entry = {"kind": "small", "name": "a small one", "sha256": "1" * 64}
    save_model(places.model, dataclasses.replace(made, provenance={"loss_network": entry}))
    metrics = evaluate(settings, places, CPU, no_progress)
    assert _by_role(metrics)["loss"] == {"role": "loss", "name": "a small one", "sha256": "1" * 64}
    assert _by_role(metrics)["model"]["sha256"] == sha256_file(places.model)

    save_model(places.model, dataclasses.replace(made, provenance={}))
    metrics = evaluate(settings, places, CPU, no_progress)
    assert _by_role(metrics)["loss"]["name"] == f"unknown: {places.model} does not say"


def test_missing_photos_are_named(settings: Settings, places: Places) -> None:
    (places.synthesized / "town/b.png").unlink()
    with pytest.raises(DataError, match=r"town/b\.png: is missing, 1 of 2 synthesized photos in all"):
        evaluate(settings, places, CPU, no_progress)


def test_photos_of_another_size_are_refused(settings: Settings, places: Places) -> None:
    Image.new("RGB", (32, 32)).save(places.synthesized / "town/a.png")
    with pytest.raises(DataError, match=r"town/a\.png: is 32x32, but the validation photos are 32x64"):
        evaluate(settings, places, CPU, no_progress)


def test_a_judge_of_other_classes_is_refused(settings: Settings, places: Places) -> None:
    record = json.loads((places.judge / "judge.json").read_text())
    record["class_table"]["classes"][0]["name"] = "other"
    (places.judge / "judge.json").write_text(json.dumps(record))
    with pytest.raises(ModelFileError, match="has others; run `ccfpse judge`"):
        evaluate(settings, places, CPU, no_progress)


def test_the_command_shows_a_table_and_the_path_of_the_picture(places: Places, params: Path) -> None:
    from ccfpse_cli.main import app

    shown = CliRunner().invoke(app, ["evaluate", "--params", str(params)])
    assert shown.exit_code == 0, shown.output
    for text in ("real photos", "shuffled labels", "miou", str(places.out / PICTURES), "too weak", "no fid"):
        assert text in shown.output


def test_the_command_says_what_is_missing(settings: Settings, places: Places, params: Path) -> None:
    from ccfpse_cli.main import app

    shutil.rmtree(places.judge)
    shown = CliRunner().invoke(app, ["evaluate", "--params", str(params)])
    assert shown.exit_code == 2
    assert "run `ccfpse judge`" in shown.output


def test_shuffled_labels_score_far_below_for_a_judge_that_reads_well(table) -> None:
    from ccfpse.scores import Confusion

    labels = np.random.default_rng(0).integers(0, 3, (8, 4, 4)).repeat(8, 1).repeat(8, 2)
    right, shuffled = Confusion(table), Confusion(table)
    right.add(labels, labels)
    shuffled.add(labels, np.roll(labels, 4, axis=0))
    assert shuffled.scores().miou < 0.3 * right.scores().miou
