import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ccfpse.errors import ModelFileError
from ccfpse.files import sha256_file
from ccfpse.judge import RECORD, WEIGHTS, load_judge, score_photos, train_judge
from ccfpse.judge_network import JudgeNetwork
from ccfpse.labelspace import ClassTable
from ccfpse.prepared import open_store
from ccfpse.sections import JudgeSettings
from ccfpse.segmentation import train_segmentation

CPU = torch.device("cpu")
SETTINGS = JudgeSettings(enlarge=1, steps=1, batch=2, learning_rate=0.002, seed=7)


def no_progress(done: int, total: int) -> None:
    pass


class Colored:
    """Photos whose colour says the class: red sky over a green and a blue field, and don't care below."""

    def __len__(self) -> int:
        return 12

    def labels(self, index: int) -> np.ndarray:
        ids = np.zeros((32, 32), np.uint8)
        ids[8 + index :, :16], ids[8 + index :, 16:], ids[-2:] = 1, 2, 3
        return ids

    def image(self, index: int) -> np.ndarray:
        colors = np.array([[220, 30, 30], [30, 220, 30], [30, 30, 220], [0, 0, 0]], np.uint8)
        return colors[self.labels(index)]


@pytest.fixture
def judge_folder(store: Path, tmp_path: Path) -> Path:
    train_judge(open_store(store), SETTINGS, tmp_path / "judge", CPU, no_progress)
    return tmp_path / "judge"


@pytest.mark.slow
def test_it_learns_to_tell_colours_apart(table: ClassTable) -> None:
    from ccfpse.judge import Judge

    torch.manual_seed(0)
    network = JudgeNetwork(3, enlarge=1)
    train_segmentation(
        network,
        Colored(),
        table,
        steps=30,
        batch=4,
        learning_rate=0.004,
        seed=0,
        device=CPU,
        progress=no_progress,
    )
    assert score_photos(Judge(network, table, {}), Colored(), 4).miou > 0.8


def test_batch_norms_have_the_momentum_of_short_trainings() -> None:
    layers = [m for m in JudgeNetwork(3, enlarge=1).modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {layer.momentum for layer in layers} == {0.1}


def test_the_same_seed_gives_the_same_file(store: Path, judge_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(123)  # what was drawn before does not matter
    train_judge(open_store(store), SETTINGS, tmp_path / "again", CPU, no_progress)
    assert sha256_file(tmp_path / "again" / WEIGHTS) == sha256_file(judge_folder / WEIGHTS)
    assert (tmp_path / "again" / RECORD).read_bytes() == (judge_folder / RECORD).read_bytes()


def test_another_seed_gives_another_judge(store: Path, judge_folder: Path, tmp_path: Path) -> None:
    other = dataclasses.replace(SETTINGS, seed=8)
    train_judge(open_store(store), other, tmp_path / "other", CPU, no_progress)
    assert sha256_file(tmp_path / "other" / WEIGHTS) != sha256_file(judge_folder / WEIGHTS)


def test_the_record_tells_the_scores_of_the_judge_as_loaded(store: Path, judge_folder: Path) -> None:
    record = json.loads((judge_folder / RECORD).read_text())
    judge = load_judge(judge_folder, CPU)
    scores = score_photos(judge, open_store(store).split("val"), batch=2)
    assert record["real_validation"]["miou"] == pytest.approx(scores.miou, abs=1e-9)
    assert record["store_checksum"] == open_store(store).checksum
    assert record["sha256"] == sha256_file(judge_folder / WEIGHTS)
    assert record["settings"] == dataclasses.asdict(SETTINGS)


def test_it_predicts_evaluated_classes_of_the_photos_size_and_one_feature_vector(judge_folder: Path) -> None:
    judge = load_judge(judge_folder, CPU)
    pixels = torch.randint(0, 256, (3, 3, 40, 56), dtype=torch.uint8)
    ids = judge.predict(pixels)
    assert ids.dtype == torch.int64
    assert ids.shape == (3, 40, 56)
    assert set(ids.unique().tolist()) <= set(judge.class_table.evaluated_ids)
    assert judge.features(pixels).shape == (3, judge.n_features)


def test_a_photo_is_read_alike_in_any_batch(judge_folder: Path) -> None:
    judge = load_judge(judge_folder, CPU)
    pixels = torch.randint(0, 256, (3, 3, 32, 64), dtype=torch.uint8)
    together = judge.features(pixels)
    torch.testing.assert_close(together[:1], judge.features(pixels[:1]), rtol=1e-4, atol=1e-5)


def test_loading_leaves_the_global_source_of_randomness_alone(judge_folder: Path) -> None:
    state = torch.random.get_rng_state()
    load_judge(judge_folder, CPU)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_statistics_after_training_are_those_of_the_training_photos(table: ClassTable) -> None:
    torch.manual_seed(0)
    network, photos = JudgeNetwork(3, enlarge=1), Colored()
    train_segmentation(
        network, photos, table, steps=1, batch=4, learning_rate=1e-3, seed=0, device=CPU, progress=no_progress
    )
    images = torch.from_numpy(np.stack([photos.image(i) for i in range(12)])).permute(0, 3, 1, 2) / 127.5 - 1
    convolution, norm = network.backbone["0"][0], network.backbone["0"][1]
    with torch.no_grad():
        values = convolution(images)
    torch.testing.assert_close(norm.running_mean, values.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(norm.running_var, values.var((0, 2, 3)), rtol=1e-4, atol=1e-5)


def test_a_damaged_judge_is_refused_in_a_sentence(judge_folder: Path, tmp_path: Path) -> None:
    damages = {
        "no folder": shutil.rmtree,
        "no weights": lambda folder: (folder / WEIGHTS).unlink(),
        "other weights": lambda folder: (folder / WEIGHTS).write_bytes(b"none"),
        "no JSON": lambda folder: (folder / RECORD).write_text("{"),
        "no settings": lambda folder: (folder / RECORD).write_text("{}"),
    }
    for name, damage in damages.items():
        folder = tmp_path / name
        shutil.copytree(judge_folder, folder)
        damage(folder)
        with pytest.raises(ModelFileError, match=r"run `ccfpse judge`") as caught:
            load_judge(folder, CPU)
        assert str(folder) in str(caught.value)
