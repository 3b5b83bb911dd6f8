import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ccfpse.errors import ModelFileError
from ccfpse.files import sha256_file
from ccfpse.judge import load_judge, train_judge
from ccfpse.loss_network import (
    RECORD,
    VGG_FILE,
    WEIGHTS,
    load_loss_network,
    prepare_loss_network,
    read_vgg,
    vgg_path,
)
from ccfpse.models.perceptual import PerceptualNetwork, SmallPerceptualNetwork
from ccfpse.prepared import open_store
from ccfpse.sections import JudgeSettings, LossNetworkSettings, SmallLossNetwork

CPU = torch.device("cpu")
SMALL = SmallLossNetwork(width=4, steps=2, batch=2, learning_rate=0.002, seed=11)


def settings(kind: str, weights: Path | None = None) -> LossNetworkSettings:
    return LossNetworkSettings(
        kind=kind,  # type: ignore[arg-type]
        weights=None if weights is None else str(weights),
        small=SMALL if kind == "small" else None,
    )


def no_progress(done: int, total: int) -> None:
    pass


def test_the_small_one_comes_back_as_it_was_written(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "loss"
    written = prepare_loss_network(open_store(store), settings("small"), out, CPU, no_progress)
    network, record = load_loss_network(out)
    assert isinstance(network, SmallPerceptualNetwork)
    assert record == written
    assert record["sha256"] == sha256_file(out / WEIGHTS)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    shapes = [tuple(f.shape) for f in network(torch.randn(1, 3, 32, 64))]
    assert shapes == [(1, 4, 32, 64), (1, 8, 16, 32), (1, 16, 8, 16), (1, 32, 4, 8)]
    assert len(network.weights) == len(shapes)


def test_the_same_seed_gives_the_same_file(store: Path, tmp_path: Path) -> None:
    hashes = set()
    for name in ("a", "b"):
        prepare_loss_network(open_store(store), settings("small"), tmp_path / name, CPU, no_progress)
        hashes.add(sha256_file(tmp_path / name / WEIGHTS))
        torch.rand(1)
    assert len(hashes) == 1


def test_it_is_never_the_judge(store: Path, tmp_path: Path) -> None:
    prepared = open_store(store)
    judged = JudgeSettings(enlarge=1, steps=1, batch=2, learning_rate=0.002, seed=7)
    train_judge(prepared, judged, tmp_path / "judge", CPU, no_progress)
    prepare_loss_network(prepared, settings("small"), tmp_path / "loss", CPU, no_progress)
    judge, (_, record) = load_judge(tmp_path / "judge", CPU), load_loss_network(tmp_path / "loss")
    assert judge.record["sha256"] != record["sha256"]
    assert judge.record["architecture"] != record["name"]
    judge_weights = load_file(tmp_path / "judge" / "judge.safetensors")
    assert not set(judge_weights) & set(load_file(tmp_path / "loss" / WEIGHTS))


@pytest.mark.parametrize("preset", ["sample", "camvid", "custom"])
def test_presets_give_judge_and_loss_network_other_seeds(preset: str) -> None:
    from ccfpse.config import load_preset

    loaded = load_preset(preset)
    assert loaded.loss_network.small is not None
    assert loaded.loss_network.small.seed != loaded.judge.seed


def test_none_is_a_record_without_a_network(store: Path, tmp_path: Path) -> None:
    prepare_loss_network(open_store(store), settings("none"), tmp_path / "loss", CPU, no_progress)
    assert load_loss_network(tmp_path / "loss") == (None, {"kind": "none", "name": "none"})


def test_missing_vgg_weights_say_how_to_get_them_or_do_without(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    with pytest.raises(ModelFileError) as caught:
        prepare_loss_network(open_store(store), settings("vgg19"), tmp_path / "loss", CPU, no_progress)
    sentence = str(caught.value)
    assert str(tmp_path / "cache" / "hub" / "checkpoints" / VGG_FILE) in sentence
    assert "https://" in sentence
    assert "weight_perceptual 0" in sentence
    assert not (tmp_path / "loss").exists()


def test_torchvisions_cache_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / VGG_FILE
    file.parent.mkdir(parents=True)
    file.touch()
    assert vgg_path(None) == file


@pytest.mark.slow
def test_vgg_weights_come_from_a_file_and_what_training_does_not_use_is_dropped(
    store: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    vgg = PerceptualNetwork()
    torch.save({**vgg.state_dict(), "classifier.6.bias": torch.zeros(1000)}, tmp_path / "vgg.pth")
    prepare_loss_network(
        open_store(store), settings("vgg19", tmp_path / "vgg.pth"), tmp_path / "loss", CPU, no_progress
    )
    network, record = load_loss_network(tmp_path / "loss")
    assert isinstance(network, PerceptualNetwork)
    assert record["source_sha256"] == sha256_file(tmp_path / "vgg.pth")
    assert set(load_file(tmp_path / "loss" / WEIGHTS)) == set(vgg.state_dict())
    assert torch.equal(network.state_dict()["features.0.weight"], vgg.state_dict()["features.0.weight"])


@pytest.mark.parametrize("content", [{"features.0.weight": torch.zeros(1)}, [1, 2], Path("code")])
def test_a_file_that_is_no_vgg_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "vgg.pth")
    with pytest.raises(ModelFileError, match=r"vgg\.pth: does not hold torchvision's VGG-19"):
        read_vgg(tmp_path / "vgg.pth")


def test_a_damaged_folder_is_refused_in_a_sentence(store: Path, tmp_path: Path) -> None:
    whole = tmp_path / "loss"
    prepare_loss_network(open_store(store), settings("small"), whole, CPU, no_progress)
    damages = {
        "no folder": shutil.rmtree,
        "no weights": lambda folder: (folder / WEIGHTS).unlink(),
        "other weights": lambda folder: (folder / WEIGHTS).write_bytes(b"none"),
        "no kind": lambda folder: (folder / RECORD).write_text("{}"),
    }
    for name, damage in damages.items():
        folder = tmp_path / name
        shutil.copytree(whole, folder)
        damage(folder)
        with pytest.raises(ModelFileError, match="run `ccfpse loss-network`"):
            load_loss_network(folder)


def test_its_own_seed_decides_it(store: Path, tmp_path: Path) -> None:
    other = dataclasses.replace(settings("small"), small=dataclasses.replace(SMALL, seed=12))
    for name, chosen in (("a", settings("small")), ("b", other)):
        prepare_loss_network(open_store(store), chosen, tmp_path / name, CPU, no_progress)
    assert sha256_file(tmp_path / "a" / WEIGHTS) != sha256_file(tmp_path / "b" / WEIGHTS)
