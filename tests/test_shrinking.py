from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from typer.testing import CliRunner

import ccfpse
from ccfpse.config import Settings, load_settings
from ccfpse.errors import OutputError
from ccfpse.judge import load_judge, train_judge
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.modelfile import load_model
from ccfpse.modelfile.packing import pack, unpack
from ccfpse.prepared import open_store
from ccfpse.shrinking import measure, shrink
from ccfpse.training.initial import start_from
from ccfpse.training.networks import build_networks
from ccfpse_cli.main import app
from tests.exporting.models import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Wide enough that weights outweigh everything else in the file."""
    return write_model(tmp_path / "model.safetensors", width=8, predictor_width=16, size=(32, 64))


@pytest.mark.parametrize(("weights", "share"), [("bf16", 0.5), ("int8", 0.25), ("float32", 1.0)])
def test_the_file_has_its_share_of_the_size(weights: str, share: float, model: Path, tmp_path: Path) -> None:
    sizes = shrink(model, tmp_path / "small.safetensors", weights)  # type: ignore[arg-type]
    assert (tmp_path / "small.safetensors").stat().st_size == sizes.written
    # Statistics, biases, scales and the header stay as they are.
    assert share <= sizes.written / sizes.networks < share + 0.12


@pytest.mark.parametrize(("weights", "most"), [("bf16", 6), ("int8", 12), ("float32", 0)])
def test_photos_are_nearly_the_same(weights: str, most: float, model: Path, tmp_path: Path) -> None:
    shrink(model, tmp_path / "small.safetensors", weights)  # type: ignore[arg-type]
    ids = np.random.default_rng(0).integers(0, 3, (4, 8)).repeat(8, 0).repeat(8, 1)
    before, after = (
        ccfpse.load(path, device="cpu").synthesize(ids, coding="classes", as_arrays=True).astype(int)
        for path in (model, tmp_path / "small.safetensors")
    )
    assert before.std() > 10
    difference = np.abs(before - after).mean()
    assert difference <= most
    assert (difference == 0) == (weights == "float32")


def test_rounding_is_by_half_a_scale_at_most_in_each_output_channel() -> None:
    torch.manual_seed(0)
    weights = {
        "a": torch.randn(4, 3, 3, 3) * torch.tensor([1.0, 1e-3, 0, 1e3])[:, None, None, None],
        "b": torch.randn(3, 4, 3, 3) * torch.tensor([1.0, 1e-3, 0, 1e3])[:, None, None],
        "c": torch.randn(5),
    }
    packed = pack(weights, "int8", {"b"})
    assert (packed["a.scale"].shape, packed["b.scale"].shape) == ((4, 1, 1, 1), (1, 4, 1, 1))
    again = unpack(packed)
    assert again.keys() == weights.keys()
    assert torch.equal(again["c"], weights["c"])
    for name, dims in (("a", (1, 2, 3)), ("b", (0, 2, 3))):
        error, largest = ((t.abs().amax(dims)) for t in (again[name] - weights[name], weights[name]))
        assert (error <= largest / 127 / 2 * 1.001).all()


def format_of(path: Path) -> int:
    import json

    with safe_open(path, framework="pt") as file:
        version: int = json.loads(file.metadata()["ccfpse"])["format"]
        return version


def test_only_files_of_8_bits_have_the_new_format(model: Path, tmp_path: Path) -> None:
    formats = {}
    for weights in ("bf16", "int8", "float32"):
        shrink(model, tmp_path / weights, weights)  # type: ignore[arg-type]
        formats[weights] = format_of(tmp_path / weights)
    assert formats == {"bf16": 2, "int8": 3, "float32": 2}


def test_the_file_says_what_it_was_made_from(model: Path, tmp_path: Path) -> None:
    from ccfpse.files import sha256_file

    shrink(model, tmp_path / "small.safetensors", "int8")
    said = load_model(tmp_path / "small.safetensors").provenance["shrunk"]
    assert (said["weights"], said["from_sha256"]) == ("int8", sha256_file(model))


def test_a_model_file_is_not_replaced_by_its_small_one(model: Path) -> None:
    before = model.read_bytes()
    with pytest.raises(OutputError, match="is the model file itself"):
        shrink(model, model, "int8")
    assert model.read_bytes() == before


def test_training_starts_from_one(
    params: Path, table: ClassTable, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    settings: Settings = load_settings(params)
    shrink(make_model(boundary=True), tmp_path / "small.safetensors", "int8")
    networks = build_networks(settings, table)
    said = start_from(tmp_path / "small.safetensors", networks, table, settings)
    assert "generator, 5 of 5 layout channels" in said
    expected = load_model(tmp_path / "small.safetensors").weights["generator.start.weight"]
    assert torch.equal(networks.generator.start.weight.detach(), expected)


@pytest.fixture
def settings(params: Path, store: Path) -> Settings:
    """With a judge of the store."""
    settings = load_settings(params)
    train_judge(
        *(open_store(store), settings.judge, Path(settings.paths.judge)),
        *(torch.device("cpu"), lambda done, total: None),
    )
    return settings


@pytest.mark.parametrize("style", [False, True])
def test_the_judge_measures_the_change(
    style: bool, settings: Settings, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    model, out, store = make_model(style=style), tmp_path / "small.safetensors", Path(settings.paths.prepared)
    judge = load_judge(Path(settings.paths.judge), torch.device("cpu"))
    counted: list[tuple[int, int]] = []

    def measured(weights: str) -> tuple[float, float, int]:
        shrink(model, out, weights)  # type: ignore[arg-type]
        found = measure(
            model, out, judge, open_store(store), store, "cpu", lambda *done: counted.append(done)
        )
        assert found.photos == 2
        return found.before.miou - found.after.miou, found.mean, found.largest

    assert measured("float32") == (0, 0, 0)
    _, mean, largest = measured("int8")
    assert 0 < mean < largest <= 255
    assert counted[-1] == (2, 2)


def test_the_table_has_the_judges_figures(
    params: Path, settings: Settings, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "small.safetensors"
    ended = CliRunner().invoke(
        app, ["shrink", str(make_model()), str(out), "--weights", "int8", "--params", str(params)]
    )
    assert ended.exit_code == 0, ended.output
    assert "2 validation layouts: mean IoU" in ended.output
    assert out.is_file()


def test_without_a_judge_nothing_is_claimed(make_model: Callable[..., Path], tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["shrink", str(make_model()), str(tmp_path / "small.safetensors")])
    assert ended.exit_code == 0, ended.output
    assert "was not measured" in ended.output


@pytest.mark.parametrize("option", ["judge", "store"])
def test_half_of_what_measures_is_refused(
    option: str, params: Path, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "small.safetensors"
    ended = CliRunner().invoke(app, ["shrink", str(make_model()), str(out), f"--{option}", str(params)])
    assert ended.exit_code == 2
    assert f"--{option} measures nothing without" in ended.output
    assert not out.exists()


def test_what_cannot_be_measured_is_refused_before_anything_is_written(
    params: Path, settings: Settings, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "small.safetensors"
    other = make_model(
        classes=ClassTable("other", (LabelClass("else", (1, 2, 3), 0, False, True),), False, (), ())
    )
    ended = CliRunner().invoke(app, ["shrink", str(other), str(out), "--params", str(params)])
    assert ended.exit_code == 2
    assert "else" in ended.output or "class" in ended.output
    assert not out.exists()
