"""Settings: what is refused, and in which words; what ships is accepted."""

import copy
from pathlib import Path
from typing import Any

import pytest

from ccfpse.config import Settings, load_preset, load_settings
from ccfpse.errors import SettingsError
from ccfpse.sections import DATASETS
from ccfpse.strict import build

ROOT = Path(__file__).parents[1]
ABSENT = object()


def changed(preset: str, key: str, value: Any) -> dict[str, Any]:
    """A preset as plain values, with one key changed, added or (ABSENT) taken away."""
    content = copy.deepcopy(load_preset(preset).to_dict())
    *sections, name = key.split(".")
    section = content
    for part in sections:
        section = section[part]
    if value is ABSENT:
        del section[name]
    else:
        section[name] = value
    return content


@pytest.mark.parametrize("name", DATASETS)
def test_every_preset_is_a_complete_settings_file_of_its_data_set(name: str) -> None:
    settings = load_preset(name)
    assert settings.data.dataset == name
    assert build(Settings, settings.to_dict()) == settings


def test_outputs_of_different_data_sets_lie_under_different_paths() -> None:
    folders = [path for name in DATASETS for path in load_preset(name).to_dict()["paths"].values()]
    assert len(set(folders)) == len(folders)


def test_the_params_file_of_the_project_is_the_sample_preset() -> None:
    preset = ROOT / "ccfpse" / "presets" / "sample.yaml"
    assert (ROOT / "params.yaml").read_text("utf-8") == preset.read_text("utf-8")


def test_the_paper_presets_hold_the_numbers_of_the_paper() -> None:
    expected = {"cityscapes": (256, 512, 6), "coco-stuff": (256, 256, 5), "ade20k": (256, 256, 5)}
    for name, (height, width, doublings) in expected.items():
        settings = load_preset(name)
        assert settings.data.size == (height, width)
        assert (settings.model.width, settings.model.doublings) == (64, doublings)
        assert settings.model.style
        assert (settings.train.learning_rate_generator, settings.train.learning_rate_discriminator) == (
            1e-4,
            4e-4,
        )
        assert (settings.train.betas, settings.train.batch) == ((0.0, 0.9), 32)
        assert settings.loss_network.kind == "vgg19"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("train.stepz", 1, "train.stepz is not a setting; did you mean train.steps?"),
        ("trian", {}, "trian is not a setting; did you mean train?"),
        ("train.qqq", 1, "train.qqq is not a setting; known here: steps, decay_start"),
        ("train.steps", ABSENT, "train.steps is missing"),
        ("runtime", ABSENT, "runtime is missing"),
        ("train", 7, "train is 7; it must be a section"),
        ("train.steps", 1.5, "train.steps is 1.5; it must be a whole number"),
        ("train.steps", True, "train.steps is True; it must be a whole number"),
        ("train.steps", "many", "train.steps is 'many'; it must be a whole number"),
        ("train.steps", None, "train.steps is nothing (null); it must be a whole number"),
        ("train.steps", 0, "train.steps is 0; it must be at least 1"),
        ("train.learning_rate_generator", "fast", "train.learning_rate_generator is 'fast'"),
        ("train.learning_rate_generator", True, "train.learning_rate_generator is True"),
        ("train.learning_rate_generator", 0, "train.learning_rate_generator is 0.0; it must be above 0"),
        ("train.weight_features", float("nan"), "train.weight_features is nan; it must be a finite number"),
        ("train.weight_style", -1, "train.weight_style is -1.0; it must not be negative"),
        ("train.betas", [0.0], "train.betas is [0.0]; it must be a list of 2 values"),
        ("train.betas", [0.0, "b"], "train.betas[1] is 'b'; it must be a number"),
        ("train.betas", [0.0, 1], "train.betas[1] is 1.0; it must be at least 0 and below 1"),
        ("train.average", 1, "train.average is 1.0; it must be at least 0 and below 1"),
        ("train.decay_start", 10**9, "train.decay_start is 1000000000; it must lie between"),
        ("train.accumulation", 3, "train.batch 4 is no multiple of train.accumulation 3"),
        ("train.precision", "fp16", "train.precision is 'fp16'; it must be one of float32, bf16"),
        ("train.init", 3, "train.init is 3; it must be text"),
        ("data.flip", "yes", "data.flip is 'yes'; it must be true or false"),
        ("data.dataset", "cityscape", "did you mean cityscapes?"),
        ("data.dataset", "camvid", "data.sample is given, but data.dataset is camvid; set it to null"),
        ("data.sample", None, "data.sample is null, but data.dataset is sample; fill it in"),
        ("data.sample.train", 0, "data.sample.train is 0; it must be at least 1"),
        ("data.sample.trian", 5, "data.sample.trian is not a setting; did you mean data.sample.train?"),
        ("data.size", [64], "data.size is [64]; it must be a list of 2 values"),
        ("data.size", [8, 128], "data.size is [8, 128]; both sides must be at least 16 pixels"),
        ("data.load_size", [32, 128], "data.load_size [32, 128] is smaller than data.size [64, 96]"),
        ("model.doublings", 4, "model.doublings is 4; the network is defined for 5 and 6"),
        ("model.width", 0, "model.width is 0; it must be at least 1"),
        ("loss_network.kind", "none", "loss_network.small must be null for kind none"),
        ("loss_network.small", None, "loss_network.small must be filled in for kind small"),
        ("loss_network.weights", "a.pth", "loss_network.weights is given, but kind is small"),
        ("train.weight_perceptual", 0, "kind none goes with weight 0, and only with it"),
        ("synthesize.style", "mean", "synthesize.style is mean, but model.style is false; use prior"),
        ("runtime.processes", 3, "cannot be split over runtime.processes 3"),
        ("runtime.workers", -1, "runtime.workers is -1; it must be at least 0"),
        ("evaluate.pictures", 0, "evaluate.pictures is 0; it must be at least 1"),
    ],
)
def test_a_refusal_names_the_key_and_what_it_must_be(key: str, value: Any, sentence: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        build(Settings, changed("sample", key, value))
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_size_that_the_network_cannot_make_is_refused_with_one_that_it_can() -> None:
    content = changed("sample", "data.size", [72, 128])
    content["data"]["load_size"] = [72, 128]
    with pytest.raises(SettingsError, match=r"multiples of 32, such as \[64, 128\]"):
        build(Settings, content)


def test_a_size_that_the_discriminator_cannot_judge_is_refused() -> None:
    content = changed("sample", "data.size", [32, 32])
    content["data"]["load_size"] = [32, 32]
    with pytest.raises(SettingsError, match=r"\[32, 64\] and \[64, 32\] at least"):
        build(Settings, content)
    content["model"]["discriminator"] = "patchgan"
    build(Settings, content)


@pytest.mark.parametrize(("written", "meant"), [("1", 1.0), ("1e-3", 1e-3), ("2.5", 2.5)])
def test_whole_and_exponent_numbers_serve_where_floats_are_meant(
    tmp_path: Path, written: str, meant: float
) -> None:
    text = (ROOT / "params.yaml").read_text("utf-8")
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("weight_features: 10.0", f"weight_features: {written}"), "utf-8")
    weight = load_settings(path).train.weight_features
    assert weight == meant
    assert isinstance(weight, float)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a: [1", "is not valid YAML"),
        (b"\xff\xfe\x00", "is not a text file"),
        (b"", "the file is nothing (null); it must be a section"),
        (b"- 1\n", "the file is [1]; it must be a section"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused_by_name(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as refusal:
        load_settings(path)
    assert str(refusal.value).startswith(str(path))
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("kind", ["missing", "folder", "dangling link"])
def test_a_path_that_is_no_file_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "params.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match=r"params\.yaml: cannot be read .*ccfpse preset sample"):
        load_settings(path)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="citiscapes is not a preset; there are cityscapes, coco-stuff"):
        load_preset("citiscapes")
