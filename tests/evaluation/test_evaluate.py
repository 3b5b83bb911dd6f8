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

from ccfpse.config import Settings
from ccfpse.errors import DataError, ModelFileError
from ccfpse.evaluation.evaluate import METRICS, evaluate
from ccfpse.evaluation.inception import Inception, inception_path
from ccfpse.evaluation.inputs import Places
from ccfpse.evaluation.outputs import CONFUSION, DRAWN, EXTREMES, IMAGES, IOU, PICTURES, read_drawn
from ccfpse.files import sha256_file
from ccfpse.judge import load_judge
from ccfpse.modelfile import load_model, save_model
from ccfpse.prepared import open_store
from tests.evaluation.photos import no_progress

CPU = torch.device("cpu")


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
    assert metrics["protocol"] == "judge"
    assert "ssim" not in metrics
    with (places.out / IOU).open(newline="") as file:
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
    assert {key: metrics[key] for key in ("miou", "accuracy", "iou", "boundary_agreement")} == {
        key: metrics["real"][key] for key in ("miou", "accuracy", "iou", "boundary_agreement")
    }
    assert metrics["frechet_judge_features"] == pytest.approx(0, abs=1e-3)


def test_the_batch_changes_no_figure(
    settings: Settings, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = dataclasses.replace(settings, runtime=dataclasses.replace(settings.runtime, inference_batch=1))
    a = evaluate(settings, places, CPU, no_progress)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    b = evaluate(one, places, CPU, no_progress)
    assert a["iou"] == b["iou"]
    assert a["frechet_judge_features"] == pytest.approx(b["frechet_judge_features"], rel=1e-3, abs=1e-4)


def test_similarity_is_measured_when_the_style_is_the_photos_own(settings: Settings, places: Places) -> None:
    model = dataclasses.replace(settings.model, style=True)
    own = dataclasses.replace(settings.synthesize, style="own")
    metrics = evaluate(dataclasses.replace(settings, model=model, synthesize=own), places, CPU, no_progress)
    assert -1 <= metrics["ssim"] < 1
    assert 0 < metrics["psnr"] < 30
    assert metrics["style_of_the_photos_themselves"] is True
    assert "tells the network something about the answer" in metrics["about_style"]


def test_photos_that_are_not_the_pipelines_have_no_known_style(settings: Settings, places: Places) -> None:
    metrics = evaluate(settings, dataclasses.replace(places, model=None), CPU, no_progress)
    assert metrics["style"] is None
    assert metrics["style_of_the_photos_themselves"] is False
    assert "not known" in metrics["about_style"]
    assert set(_by_role(metrics)) == {"prepared data", "photos", "reference", "judge"}


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
    for text in ("95 % interval", "shuffled", "mIoU", str(places.out / PICTURES), "too weak", "no fid"):
        assert text in shown.output


def test_the_command_says_what_is_missing(settings: Settings, places: Places, params: Path) -> None:
    from ccfpse_cli.main import app

    shutil.rmtree(places.judge)
    shown = CliRunner().invoke(app, ["evaluate", "--params", str(params)])
    assert shown.exit_code == 2
    assert "run `ccfpse judge`" in shown.output


@pytest.mark.parametrize("reference", ["train", "folder"])
def test_distances_are_taken_to_the_reference_that_is_named(
    settings: Settings, places: Places, tmp_path: Path, reference: str
) -> None:
    store = open_store(places.prepared)
    if reference == "folder":
        reference = str(tmp_path / "photos")
        Path(reference).mkdir()
        for i in range(2):  # twice the size: they are resized
            photo = Image.fromarray(store.split("train").image(i))
            photo.resize((128, 64), Image.Resampling.NEAREST).save(Path(reference, f"{i}.png"))
    chosen = dataclasses.replace(settings.evaluate, reference=reference)
    metrics = evaluate(dataclasses.replace(settings, evaluate=chosen), places, CPU, no_progress)
    val = evaluate(settings, places, CPU, no_progress)
    assert metrics["frechet_judge_features"] != val["frechet_judge_features"]
    assert metrics["miou"] == val["miou"]
    by_figure = {figures["figures"][0]: figures for figures in metrics["figures"]}
    assert by_figure["frechet_judge_features"]["reference"].startswith(f"{Path(reference).name}: 2 photos")


def test_a_reference_that_is_not_there_is_refused(settings: Settings, places: Places) -> None:
    chosen = dataclasses.replace(settings.evaluate, reference="nowhere")
    with pytest.raises(DataError, match=r"evaluate\.reference is nowhere, which is no folder"):
        evaluate(dataclasses.replace(settings, evaluate=chosen), places, CPU, no_progress)


def test_every_figure_says_what_it_is(settings: Settings, places: Places) -> None:
    metrics = evaluate(settings, places, CPU, no_progress)
    told = {name for record in metrics["figures"] for name in record["figures"]}
    present = {name for name in (*_FIGURES, "fid", "kid") if metrics.get(name) is not None}
    assert present == set(_FIGURES)
    assert present <= told
    for record in metrics["figures"]:
        assert "2 synthesized" in record["photos"]
        assert "64x32" in record["photos"]
    assert any(line.startswith("torch ") for line in metrics["versions"])
    checksum = next(r["network"]["sha256"] for r in metrics["figures"] if r.get("protocol") == "judge")
    assert checksum == sha256_file(places.judge / "judge.safetensors")


_FIGURES = (
    "miou",
    "accuracy",
    "accuracy_void_counted",
    "iou",
    "boundary_agreement",
    "frechet_judge_features",
)


def test_every_photo_has_a_row_and_the_extremes_are_shown(settings: Settings, places: Places) -> None:
    evaluate(settings, places, CPU, no_progress)
    with (places.out / IMAGES).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["town/a", "town/b"]
    for row in rows:
        assert 0 <= float(row["accuracy"]) <= 1
        assert 0 <= float(row["real_accuracy"]) <= 1
    for picture in (EXTREMES, CONFUSION):
        assert Image.open(places.out / picture).width > 200


def test_resampled_figures_are_kept_for_comparisons(settings: Settings, places: Places) -> None:
    metrics = evaluate(settings, places, CPU, no_progress)
    drawn, photos = read_drawn(places.out / DRAWN)
    assert photos.startswith(f"{open_store(places.prepared).checksum} judge")
    assert drawn.scores["miou"].shape == (1000,)
    low, high = metrics["intervals"]["miou"].values()
    assert np.percentile(drawn.scores["miou"], [2.5, 97.5]) == pytest.approx([low, high])


def test_scores_are_those_of_scikit_learn(settings: Settings, places: Places) -> None:
    from sklearn.metrics import accuracy_score, jaccard_score

    metrics = evaluate(settings, places, CPU, no_progress)
    split = open_store(places.prepared).split("val")
    judge = load_judge(places.judge, CPU)
    labels = np.stack([split.labels(i) for i in range(2)])
    photos = np.stack([np.asarray(Image.open(places.synthesized / f"{name}.png")) for name in split.names])
    read = judge.predict(torch.from_numpy(photos).permute(0, 3, 1, 2)).numpy()
    counted = labels < 3
    assert metrics["accuracy"] == pytest.approx(accuracy_score(labels[counted], read[counted]), rel=1e-12)
    iou = jaccard_score(labels[counted], read[counted], labels=[0, 1, 2], average=None, zero_division=0)
    assert list(metrics["iou"].values()) == pytest.approx(iou.tolist(), rel=1e-12)
    assert metrics["miou"] == pytest.approx(iou.mean(), rel=1e-12)
    assert metrics["accuracy_void_counted"] == pytest.approx((read == labels).mean(), rel=1e-12)


@pytest.mark.slow
def test_fid_is_that_of_pytorch_fid_on_the_same_photos(
    settings: Settings, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytorch_fid.fid_score import calculate_fid_given_paths

    torch.manual_seed(0)
    weights = inception_path(None)
    weights.parent.mkdir(parents=True)
    torch.save(Inception().network.state_dict(), weights)
    split = open_store(places.prepared).split("val")
    for i, name in enumerate(("a", "b")):
        folder = tmp_path / "real"
        folder.mkdir(exist_ok=True)
        Image.fromarray(split.image(i)).save(folder / f"{name}.png")
    chosen = dataclasses.replace(settings.evaluate, clean_resize=False)  # its root takes as long again
    metrics = evaluate(dataclasses.replace(settings, evaluate=chosen), places, CPU, no_progress)
    folders = [str(places.synthesized / "town"), str(tmp_path / "real")]
    expected = calculate_fid_given_paths(folders, batch_size=2, device="cpu", dims=2048, num_workers=0)
    assert metrics["fid"] == pytest.approx(expected, rel=1e-5)
    assert metrics["kid"] is not None
    assert "fid_clean_resize" not in metrics
    told = {name: record for record in metrics["figures"] for name in record["figures"]}
    assert told["fid"]["network"]["sha256"] == sha256_file(weights)
    assert "pytorch-fid" in told["fid"]["what"]


def test_weights_that_were_named_and_are_not_there_are_a_mistake(settings: Settings, places: Places) -> None:
    chosen = dataclasses.replace(settings.evaluate, inception="gone.pth")
    with pytest.raises(ModelFileError, match=r"gone\.pth: pytorch-fid's Inception weights are not there"):
        evaluate(dataclasses.replace(settings, evaluate=chosen), places, CPU, no_progress)
