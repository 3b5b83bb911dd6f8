"""What users get wrong, and what they are told: one sentence, exit code 2, and nothing half-written.

Every case stands in a table: what is done to good input, the command, and words that the sentence
must have: the file or key at fault, and what is wrong with it.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.cli.desk import Command, Desk, check_refused

# Damage to one picture, in the place of a good one; with what the sentence says of it.


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def make_text(path: Path) -> None:
    path.write_text("This is not a picture.")


def make_empty(path: Path) -> None:
    path.write_bytes(b"")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.png")


def make_other_size(path: Path) -> None:
    with Image.open(path) as picture:
        smaller = picture.resize((30, 20), Image.Resampling.NEAREST)
    smaller.save(path)


def make_unknown_value(path: Path) -> None:
    Image.fromarray(np.full((32, 64), 99, np.uint8)).save(path)


def make_unknown_color(path: Path) -> None:
    Image.fromarray(np.full((32, 64, 3), 99, np.uint8)).save(path)


UNREADABLE: dict[Callable[[Path], None], str] = {
    truncate: "truncated",
    make_text: "is not a picture",
    make_empty: "is not a picture",
    make_folder: "director|folder",
    make_dangling: "cannot be read|link",
}
REFUSED_LABELS = UNREADABLE | {
    make_unknown_value: r"value 99 \(2048 pixels\)",
    make_unknown_color: r"colour #636363 \(2048 pixels\)",
}

Case = Callable[[Desk], Command]
CASES: list[Any] = []


def case(words: str) -> Callable[[Case], Case]:
    """Adds a case to the table; `words` is a pattern that the sentence holds."""

    def add(do: Case) -> Case:
        CASES.append(pytest.param(do, words, id=do.__name__))
        return do

    return add


# Settings


@case(r"params\.yaml: cannot be read.*ccfpse preset")
def settings_missing(desk: Desk) -> Command:
    return ["train"]


@case("params: cannot be read")
def settings_are_a_folder(desk: Desk) -> Command:
    (desk.folder / "params").mkdir()
    return ["scan", "--params", "params"]


@case(r"params\.yaml: is not a text file")
def settings_are_binary(desk: Desk) -> Command:
    desk.params.write_bytes(b"\xff\xfe\x00")
    return ["judge"]


@case(r"params\.yaml: is not valid YAML")
def settings_are_no_yaml(desk: Desk) -> Command:
    desk.params.write_text("train: [1, 2")
    return ["judge"]


@case(r"params\.yaml: the file is nothing")
def settings_are_empty(desk: Desk) -> Command:
    desk.params.write_text("")
    return ["train"]


@case(r"train\.step is not a setting; did you mean train\.steps\?")
def setting_unknown(desk: Desk) -> Command:
    desk.edit("train.step", 5)
    return ["train"]


@case(r"train\.seed is missing")
def setting_missing(desk: Desk) -> Command:
    desk.edit("train.seed", ...)
    return ["train"]


@case(r"train\.batch is 'many'; it must be a whole number")
def setting_of_wrong_type(desk: Desk) -> Command:
    desk.edit("train.batch", "many")
    return ["train"]


@case(r"data\.size is \[32, 60\].*multiples of 32")
def setting_impossible(desk: Desk) -> Command:
    desk.edit("data.size", [32, 60])
    return ["scan"]


@case(r"data\.fit is 'squeeze'; it must be one of stretch, crop, pad")
def setting_not_a_choice(desk: Desk) -> Command:
    desk.edit("data.fit", "squeeze")
    return ["prepare"]


# preset


@case("citiscapes is not a preset")
def preset_unknown(desk: Desk) -> Command:
    return ["preset", "citiscapes"]


@case(r"params\.yaml: holds edits")
def preset_over_edits(desk: Desk) -> Command:
    assert desk.params.exists()
    return ["preset", "sample"]


@case(r"params\.yaml: is a folder")
def preset_into_a_folder(desk: Desk) -> Command:
    (desk.folder / "params.yaml").mkdir()
    return ["preset", "sample"]


# scan and prepare


@case("lost: there is no such folder")
def raw_data_missing(desk: Desk) -> Command:
    desk.edit("data.source", str(desk.folder / "lost"))
    return ["prepare"]


@case("lost: there is no such folder")
def raw_data_missing_in_scan(desk: Desk) -> Command:
    desk.edit("data.source", str(desk.folder / "lost"))
    return ["scan"]


@case("raw/train/images|train/images")
def raw_data_empty(desk: Desk) -> Command:
    shutil.rmtree(desk.params.parent / "raw/train/images")
    (desk.folder / "raw/train/images").mkdir()
    return ["prepare"]


@case("marsscapes is not a data set")
def data_set_unknown(desk: Desk) -> Command:
    return ["prepare", "marsscapes"]


@case(r"town/b\.png.*no label map")
def photo_without_label_map(desk: Desk) -> Command:
    (desk.params.parent / "raw/train/labels/town/b.png").unlink()
    return ["prepare"]


@case(r"town/b\.png.*no instance map")
def photo_without_instance_map(desk: Desk) -> Command:
    (desk.params.parent / "raw/train/instances/town/b.png").unlink()
    return ["prepare"]


@case(r"archive\.zip: is not a whole zip archive")
def archive_damaged(desk: Desk) -> Command:
    make_text(desk.params.parent / "raw/archive.zip")
    return ["prepare"]


@case(r"classes\.yaml: the class table cannot be read")
def class_table_missing(desk: Desk) -> Command:
    (desk.params.parent / "raw/classes.yaml").unlink()
    return ["prepare"]


@case(r"classes\.yaml: entry 1: colour is not known")
def class_table_with_unknown_key(desk: Desk) -> Command:
    entries = [{"name": "sky", "colour": [0, 0, 0]}]
    (desk.params.parent / "raw/classes.yaml").write_text(yaml.safe_dump(entries))
    return ["prepare"]


@case("prepared")
def prepare_into_a_file(desk: Desk) -> Command:
    make_text(desk.params.parent / "prepared")
    return ["prepare"]


@case("prepared")
def prepare_over_foreign_files(desk: Desk) -> Command:
    (desk.params.parent / "prepared").mkdir()
    make_text(desk.folder / "prepared/diary.txt")
    return ["prepare"]


def damaged_photo(damage: Callable[[Path], None]) -> Case:
    def do(desk: Desk) -> Command:
        damage(desk.params.parent / "raw/val/images/town/a.png")
        return ["prepare"]

    return do


def damaged_label_map(damage: Callable[[Path], None]) -> Case:
    def do(desk: Desk) -> Command:
        damage(desk.params.parent / "raw/val/labels/town/a.png")
        return ["prepare"]

    return do


for _damage, _words in (UNREADABLE | {make_other_size: "20x30|30x20"}).items():
    _id = f"prepare_photo_{_damage.__name__}"
    CASES.append(pytest.param(damaged_photo(_damage), rf"town/a\.png.*({_words})", id=_id))
for _damage, _words in (REFUSED_LABELS | {make_other_size: "20x30|30x20"}).items():
    _id = f"prepare_labels_{_damage.__name__}"
    CASES.append(pytest.param(damaged_label_map(_damage), rf"town/a\.png.*({_words})", id=_id))


# judge and training


@case("prepared: is no complete prepared store .*run `ccfpse prepare`")
def judge_without_a_store(desk: Desk) -> Command:
    assert desk.params.exists()
    return ["judge"]


@case("prepared: is no complete prepared store .*run `ccfpse prepare`")
def train_without_a_store(desk: Desk) -> Command:
    assert desk.params.exists()
    return ["train"]


@case("loss_network")
def train_without_a_loss_network(desk: Desk) -> Command:
    assert desk.store
    return ["train"]


@case("prepared: was prepared with")
def train_with_a_store_of_other_settings(desk: Desk) -> Command:
    assert desk.store
    desk.edit("data.size", [64, 32])
    desk.edit("data.load_size", [64, 32])
    return ["train"]


@case(r"vgg19\.pth")
def loss_network_weights_missing(desk: Desk) -> Command:
    assert desk.store
    desk.edit("loss_network", {"kind": "vgg19", "weights": "vgg19.pth", "small": None})
    return ["loss-network"]


@case(r"vgg19\.pth")
def loss_network_weights_are_text(desk: Desk) -> Command:
    assert desk.store
    make_text(desk.folder / "vgg19.pth")
    desk.edit("loss_network", {"kind": "vgg19", "weights": "vgg19.pth", "small": None})
    return ["loss-network"]


def without_perceptual_loss(desk: Desk) -> None:
    desk.edit("loss_network", {"kind": "none", "weights": None, "small": None})
    desk.edit("train.weight_perceptual", 0.0)
    assert desk.store
    assert CliRunner().invoke(app, ["loss-network"]).exit_code == 0


@case(r"lost\.safetensors")
def train_from_a_missing_model(desk: Desk) -> Command:
    without_perceptual_loss(desk)
    desk.edit("train.init", "lost.safetensors")
    return ["train"]


@case(r"first\.safetensors: is not a safetensors file")
def train_from_text(desk: Desk) -> Command:
    without_perceptual_loss(desk)
    make_text(desk.folder / "first.safetensors")
    desk.edit("train.init", "first.safetensors")
    return ["train"]


@case("training")
def train_into_a_file(desk: Desk) -> Command:
    without_perceptual_loss(desk)
    make_text(desk.folder / "training")
    return ["train"]


@case("judge: is not a folder")
def judge_into_a_file(desk: Desk) -> Command:
    assert desk.store
    make_text(desk.folder / "judge")
    return ["judge"]


@case(r"manifest\.json: is not valid JSON")
def store_with_a_damaged_manifest(desk: Desk) -> Command:
    truncate(desk.store / "manifest.json")
    return ["judge"]


@case(r"train/labels\.npy.*damaged")
def store_with_a_truncated_array(desk: Desk) -> Command:
    truncate(desk.store / "train/labels.npy")
    return ["judge"]


@case("device abacus cannot be used")
def device_unknown(desk: Desk) -> Command:
    assert desk.store
    desk.edit("runtime.device", "abacus")
    return ["judge"]


# synthesize


def synthesize(desk: Desk, *options: str | Path, labels: Path | None = None, **changes: Any) -> Command:
    return ["synthesize", labels or desk.labels, "out", "--model", desk.model(**changes), *options]


@case(r"no model is trained yet; run `dvc repro`")
def model_not_trained(desk: Desk) -> Command:
    assert desk.params.exists()
    return ["synthesize", desk.labels, "out"]


@case(r"lost\.safetensors: cannot be read")
def model_missing(desk: Desk) -> Command:
    return ["synthesize", desk.labels, "out", "--model", "lost.safetensors"]


@case(r"model\.safetensors: is not a safetensors file")
def model_is_text(desk: Desk) -> Command:
    command = synthesize(desk)
    make_text(desk.folder / "model.safetensors")
    return command


@case(r"model\.safetensors: .*damaged")
def model_truncated(desk: Desk) -> Command:
    command = synthesize(desk)
    truncate(desk.folder / "model.safetensors")
    return command


@case(r"model\.safetensors: is a safetensors file, but not a model file")
def model_of_another_program(desk: Desk) -> Command:
    import torch
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, desk.folder / "model.safetensors")
    return ["synthesize", desk.labels, "out", "--model", "model.safetensors"]


@case("models: cannot be read")
def model_is_a_folder(desk: Desk) -> Command:
    (desk.folder / "models").mkdir()
    return ["synthesize", desk.labels, "out", "--model", "models"]


@case("lost: does not exist")
def labels_missing(desk: Desk) -> Command:
    return synthesize(desk, labels=Path("lost"))


@case("empty: holds no label maps")
def labels_empty(desk: Desk) -> Command:
    (desk.folder / "empty").mkdir()
    return synthesize(desk, labels=Path("empty"))


@case(r"good\.png and .*good\.bmp would both become")
def labels_for_the_same_photo(desk: Desk) -> Command:
    shutil.copy(desk.labels / "good.png", desk.labels / "good.bmp")
    return synthesize(desk)


@case("prepared: not one of its classes .* use a model that was trained for these labels")
def model_of_other_classes(desk: Desk) -> Command:
    from ccfpse.classfiles import load_class_table

    return synthesize(desk, labels=desk.store, classes=load_class_table("camvid"))


@case(r"good\.png: has no instance map")
def instance_map_missing(desk: Desk) -> Command:
    (desk.folder / "instances").mkdir()
    return synthesize(desk, "--instances", "instances")


@case(r"good\.png: is 20x30 pixels, but its label map")
def instance_map_of_another_size(desk: Desk) -> Command:
    shutil.copytree(desk.labels, desk.folder / "instances")
    make_other_size(desk.folder / "instances/good.png")
    return synthesize(desk, "--instances", "instances")


@case("out: is a file")
def photos_into_a_file(desk: Desk) -> Command:
    make_text(desk.folder / "out")
    return synthesize(desk)


@case(r"good\.png: is a folder where a photo")
def photo_over_a_folder(desk: Desk) -> Command:
    (desk.folder / "out/good.png").mkdir(parents=True)
    return synthesize(desk, "--overwrite")


@case(r"good\.png: is a label map, which its photo would replace")
def photos_over_their_labels(desk: Desk) -> Command:
    return ["synthesize", desk.labels, desk.labels, "--model", desk.model()]


@case("baroque: the photo cannot be read")
def style_unknown(desk: Desk) -> Command:
    return synthesize(desk, "--style", "baroque", style=True)


@case(r"model\.safetensors: was trained without a style")
def style_for_a_model_without(desk: Desk) -> Command:
    return synthesize(desk, "--style", "mean")


@case("style own needs a prepared store")
def style_own_of_label_maps(desk: Desk) -> Command:
    return synthesize(desk, "--style", "own", style=True)


@case(r"classes\.yaml: the class table cannot be read")
def class_table_of_labels_missing(desk: Desk) -> Command:
    return synthesize(desk, "--classes", "classes.yaml")


def damaged_layout(damage: Callable[[Path], None]) -> Case:
    def do(desk: Desk) -> Command:
        shutil.copy(desk.labels / "good.png", desk.labels / "bad.png")
        damage(desk.labels / "bad.png")
        return synthesize(desk)

    return do


for _damage, _words in REFUSED_LABELS.items():
    _id = f"synthesize_{_damage.__name__}"
    CASES.append(pytest.param(damaged_layout(_damage), rf"bad\.png.*({_words})", id=_id))


# evaluate


def synthesized(desk: Desk) -> Path:
    """Photos for the validation split."""
    shutil.copytree(desk.store.parent / "raw/val/images", desk.folder / "synthesized")
    return desk.folder / "synthesized"


@case("prepared: is no complete prepared store")
def evaluate_without_a_store(desk: Desk) -> Command:
    assert desk.params.exists()
    return ["evaluate"]


@case(r"town/b\.png: is missing, 1 of 2")
def evaluate_without_a_photo(desk: Desk) -> Command:
    (synthesized(desk) / "town/b.png").unlink()
    return ["evaluate"]


@case(r"judge/judge\.json: cannot be read.*run `ccfpse judge`")
def evaluate_without_a_judge(desk: Desk) -> Command:
    assert synthesized(desk)
    return ["evaluate"]


@case(r"town/b\.png: is 20x30, but the validation photos are 32x64")
def evaluate_a_photo_of_another_size(desk: Desk) -> Command:
    make_other_size(synthesized(desk) / "town/b.png")
    assert CliRunner().invoke(app, ["judge"]).exit_code == 0
    return ["evaluate"]


# import


def import_(generator: str, dataset: str = "cityscapes") -> Command:
    return ["import", "--generator", generator, "--dataset", dataset, "--out", "out.safetensors"]


@case(r"lost\.pth")
def checkpoint_missing(desk: Desk) -> Command:
    return import_("lost.pth")


@case(r"text\.pth")
def checkpoint_is_text(desk: Desk) -> Command:
    make_text(desk.folder / "text.pth")
    return import_("text.pth")


@case(r"other\.pth")
def checkpoint_of_another_network(desk: Desk) -> Command:
    import torch

    torch.save({"layer.weight": torch.zeros(1)}, desk.folder / "other.pth")
    return import_("other.pth")


@case(r"evil\.pth")
def checkpoint_that_would_run_code(desk: Desk) -> Command:
    import torch

    torch.save({"hook": os.system}, desk.folder / "evil.pth")
    return import_("evil.pth")


@case("marsscapes has no published networks")
def checkpoint_of_an_unknown_data_set(desk: Desk) -> Command:
    return import_("lost.pth", "marsscapes")


@pytest.mark.parametrize(("do", "words"), CASES)
def test_bad_input_is_told_in_a_sentence(
    do: Case, words: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_refused(do(Desk(tmp_path, request)), words, tmp_path)


def test_there_are_at_least_twenty_kinds() -> None:
    assert len(CASES) >= 20
