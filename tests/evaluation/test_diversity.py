"""LPIPS between photos of one layout, with random weights in torchvision's format."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import alexnet

from ccfpse.config import Settings, load_settings
from ccfpse.errors import ModelFileError
from ccfpse.evaluation.diversity import (
    FILE,
    Compared,
    load_lpips,
    lpips_path,
    measure_diversity,
    why_none,
)
from ccfpse.evaluation.records import Records
from ccfpse.model import Model
from ccfpse.modelfile import load_model
from ccfpse.prepared import open_store
from tests.evaluation.photos import no_progress

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / FILE
    features = {
        name: tensor for name, tensor in alexnet().state_dict().items() if name.startswith("features")
    }
    torch.save(features, path)
    return path


@pytest.fixture
def settings(params: Path) -> Settings:
    return load_settings(params)


def test_a_photo_is_no_different_from_itself_and_different_from_another(weights: Path) -> None:
    network = load_lpips(weights, CPU)
    a, b = torch.rand(2, 1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        assert float(network(a, a)) == 0
        assert float(network(a, b)) > 0
        assert float(network(a, b)) == pytest.approx(float(network(b, a)), rel=1e-5)


def test_the_weights_of_the_file_are_used(weights: Path) -> None:
    network = load_lpips(weights, CPU)
    entries = torch.load(weights, weights_only=True)
    used = network.state_dict()["net.slice3.6.weight"]
    torch.testing.assert_close(used, entries["features.6.weight"])


@pytest.mark.slow
def test_diversity_is_the_mean_over_pairs_of_styles(
    weights: Path, make_model, store: Path, tmp_path: Path
) -> None:
    model_file = make_model(style=True)
    model = Model(load_model(model_file), device="cpu")
    split = open_store(store).split("val")
    network = load_lpips(weights, CPU)
    compared = Compared(model, network, weights, model_file)
    two, one_layout = Records(tmp_path / "two", 2), Records(tmp_path / "one", 1)
    found = measure_diversity(compared, split, two, styles=3, progress=no_progress)
    assert (found.layouts, found.styles) == (2, 3)
    assert found.lpips > 0
    assert found.interval is not None
    assert found.interval.low <= found.lpips <= found.interval.high
    photos = [
        model.synthesize(
            split.labels(0),
            split.instances(0),
            seed=seed,
            names=[split.names[0]],
            coding="classes",
            as_arrays=True,
        )
        for seed in range(2)
    ]
    one = measure_diversity(compared, split, one_layout, styles=2, progress=no_progress)
    a, b = (torch.from_numpy(np.asarray(p)).permute(2, 0, 1)[None].float() / 127.5 - 1 for p in photos)
    with torch.no_grad():
        assert one.lpips == pytest.approx(float(network(a, b)), rel=1e-5)
    assert one.interval is None


def test_what_is_missing_is_said(make_model, weights: Path, tmp_path: Path) -> None:
    plain = Model(load_model(make_model()), device="cpu")
    styled = Model(load_model(make_model("styled.safetensors", style=True)), device="cpu")
    assert "has no style" in str(why_none(plain, weights))
    assert "evaluate.lpips" in str(why_none(styled, tmp_path / "none.pth"))
    assert why_none(styled, weights) is None


def test_the_given_file_comes_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert lpips_path(None) == tmp_path / "hub" / "checkpoints" / FILE
    assert lpips_path("w.pth") == Path("w.pth")


def test_another_network_is_refused(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(ModelFileError, match=r"w\.pth: does not hold torchvision's AlexNet"):
        load_lpips(tmp_path / "w.pth", CPU)


def test_one_style_cannot_be_compared(settings: Settings) -> None:
    with pytest.raises(Exception, match="at least 2, which are compared"):
        dataclasses.replace(settings.evaluate, diversity_styles=1)
