import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ccfpse.errors import ModelFileError
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.modelfile import (
    ModelFile,
    build_discriminator,
    build_encoder,
    build_generator,
    load_model,
    make_discriminator,
    make_encoder,
    make_generator,
    save_model,
    with_prefix,
)
from ccfpse.sections import CCFPSE_SWITCHES
from tests.tiny import model_settings

TABLE = ClassTable(
    name="toy",
    classes=tuple(LabelClass(f"class {i}", (i, 0, 255), i, False, True) for i in range(3)),
    has_dont_care=True,
    dont_care_raw=(255,),
    dont_care_colors=(),
)
SETTINGS = model_settings(predictor_width=3, style=True, discriminator_width=4)


def toy_model(**changes: Any) -> ModelFile:
    torch.manual_seed(0)
    weights = (
        with_prefix("generator", make_generator(SETTINGS, 5, (32, 64)).state_dict())
        | with_prefix("encoder", make_encoder(SETTINGS).state_dict())
        | with_prefix("discriminator", make_discriminator(SETTINGS, 5).state_dict())
    )
    settings = {"model": dataclasses.asdict(SETTINGS), "size": [32, 64], "has_boundary": True}
    model = ModelFile(settings=settings, class_table=TABLE, provenance={"steps": 3}, weights=weights)
    return dataclasses.replace(model, **changes)


def without(model: ModelFile, network: str) -> ModelFile:
    kept = {name: tensor for name, tensor in model.weights.items() if not name.startswith(network)}
    return dataclasses.replace(model, weights=kept)


def test_a_model_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    model, path = toy_model(), tmp_path / "model.safetensors"
    save_model(path, model)
    loaded = load_model(path)
    assert (loaded.settings, loaded.class_table, loaded.provenance) == (model.settings, TABLE, {"steps": 3})
    assert (loaded.model, loaded.size, loaded.n_layout) == (SETTINGS, (32, 64), 5)
    assert loaded.weights.keys() == model.weights.keys()
    assert all(torch.equal(loaded.weights[name], tensor) for name, tensor in model.weights.items())


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_model(tmp_path / name, toy_model())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_built_networks_have_the_weights_and_are_ready_for_use() -> None:
    model = toy_model()
    for prefix, network in (
        ("generator", build_generator(model)),
        ("encoder", build_encoder(model)),
        ("discriminator", build_discriminator(model)),
    ):
        assert not network.training
        state = with_prefix(prefix, network.state_dict())
        assert all(torch.equal(model.weights[name], tensor) for name, tensor in state.items())


def test_encoder_and_discriminator_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, without(without(toy_model(), "encoder"), "discriminator"))
    loaded = load_model(path)
    build_generator(loaded)
    assert not loaded.has("encoder")
    with pytest.raises(ModelFileError, match="holds no encoder"):
        build_encoder(loaded)


def test_weights_that_the_settings_do_not_describe_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="lacks weights generator"):
        save_model(tmp_path / "model.safetensors", without(toy_model(), "generator"))
    assert list(tmp_path.iterdir()) == []


def rewrite(path: Path, change: Any) -> None:
    """Saves the toy model, with what ``change`` does to its header and weights."""
    save_model(path, toy_model())
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["ccfpse"])
    weights = load_file(path)
    change(header, weights)
    save_file(weights, path, metadata={"ccfpse": json.dumps(header)})


MISSING, WRONG = "generator.to_rgb.bias", "generator.to_rgb.weight"


def test_files_of_the_first_format_hold_the_papers_networks(tmp_path: Path) -> None:
    def as_it_was(header: dict[str, Any], _weights: Any) -> None:
        header["format"] = 1
        for name in ("generator", "discriminator", *CCFPSE_SWITCHES):
            del header["settings"]["model"][name]

    rewrite(path := tmp_path / "model.safetensors", as_it_was)
    assert load_model(path).model == SETTINGS


VARIANTS = [
    {"generator": "spade"},
    {"generator": "pix2pixhd", "style": False},
    {"discriminator": "patchgan"},
    {"context": "local"},
    {"attention": False},
    {"kernels": "none"},
    {"kernel_size": 5},
]


@pytest.mark.parametrize("changed", VARIANTS, ids=str)
def test_every_variant_comes_back_as_it_was_saved(changed: dict[str, Any], tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, **changed)
    weights = with_prefix("generator", make_generator(settings, 5, (32, 64)).state_dict())
    weights |= with_prefix("discriminator", make_discriminator(settings, 5).state_dict())
    described = {"model": dataclasses.asdict(settings), "size": [32, 64], "has_boundary": True}
    model = ModelFile(settings=described, class_table=TABLE, provenance={}, weights=weights)
    save_model(path := tmp_path / "model.safetensors", model)
    loaded = load_model(path)
    assert loaded.model == settings
    assert type(build_generator(loaded)) is type(make_generator(settings, 5, (32, 64)))
    assert type(build_discriminator(loaded)) is type(make_discriminator(settings, 5))
    # Weights of one are not those of another.
    with pytest.raises(ModelFileError):
        save_model(path, dataclasses.replace(toy_model(), weights=weights))


DAMAGE = {
    "a weight missing": (lambda _h, w: w.pop(MISSING), f"lacks weights {MISSING};"),
    "a weight too many": (lambda _h, w: w.update(more=torch.zeros(1)), "has unexpected weights more;"),
    "a wrong shape": (
        lambda _h, w: w.update({WRONG: torch.zeros(1, 2)}),
        rf"wrong shape of weights {WRONG} \(\[1, 2\], not \[3, 2, 3, 3\]\);",
    ),
    "an encoder without style": (
        lambda h, w: (h["settings"]["model"].update(style=False), None)[1],
        "unexpected weights encoder",
    ),
    "a newer format": (lambda h, _w: h.update(format=4), "has format 4, this ccfpse reads up to 3"),
    "settings missing": (lambda h, _w: h.pop("settings"), "description is damaged .*'settings'"),
    "a setting missing": (lambda h, _w: h["settings"]["model"].pop("width"), "model.width is missing"),
    "classes damaged": (lambda h, _w: h.update(classes={}), "class table is damaged"),
    "an impossible size": (lambda h, _w: h["settings"].update(size=[32, 65]), "32x65"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_model_file_is_refused_in_one_sentence(what: str, tmp_path: Path) -> None:
    change, said = DAMAGE[what]
    path = tmp_path / "model.safetensors"
    rewrite(path, change)
    with pytest.raises(ModelFileError, match=said) as error:
        load_model(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_files_of_other_kinds_are_refused_by_name(tmp_path: Path) -> None:
    text, foreign, folder = tmp_path / "text", tmp_path / "foreign", tmp_path / "folder"
    text.write_text("not weights")
    save_file({"x": torch.zeros(1)}, foreign)
    folder.mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    save_model(tmp_path / "whole", toy_model())
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-100])
    for name, said in {
        "text": "not a safetensors file",
        "cut": "not a safetensors file, or is damaged",
        "foreign": "not a model file that ccfpse wrote",
        "folder": "cannot be read",
        "dangling": "cannot be read",
        "absent": "cannot be read",
    }.items():
        with pytest.raises(ModelFileError, match=said) as error:
            load_model(tmp_path / name)
        assert str(error.value).startswith(f"{tmp_path / name}: ")
