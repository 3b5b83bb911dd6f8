"""Protocols with networks of others: sizes, classes found by name, void counted and not."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ccfpse.classfiles import load_class_table
from ccfpse.config import Settings, load_settings
from ccfpse.errors import DataError, ModelFileError, SettingsError
from ccfpse.evaluation.evaluate import evaluate
from ccfpse.evaluation.inputs import Places
from ccfpse.evaluation.protocols import PROTOCOLS, check_dataset, protocol
from ccfpse.evaluation.reading import Reading, segmenter_reading
from ccfpse.evaluation.truths import Truth, full_labels
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.prepared import open_store
from ccfpse.scores import Confusion, Presence
from ccfpse.sections import ProtocolName
from tests.evaluation.photos import make_places, no_progress

CPU = torch.device("cpu")


class Colors(nn.Module):
    """Of a pixel: red, green or blue."""

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.float()


def save_program(path: Path, classes: list[str], size: tuple[int, int] = (32, 64)) -> Path:
    torch.export.save(torch.export.export(Colors(), (torch.zeros(1, 3, *size, dtype=torch.uint8),)), path)
    path.with_suffix(".classes.txt").write_text("\n".join(classes))
    return path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Finds class 2 in red and class 0 in green; what it finds in blue the table has not."""
    return save_program(tmp_path / "colors.pt2", ["Class 2", "class-0", "sky"])


@pytest.fixture
def reading(program: Path, table: ClassTable) -> Reading:
    rules = protocol("segmenter")
    return segmenter_reading(rules, (str(program),), table, (32, 64), CPU, trust_program=True)


def painted(labels: np.ndarray, colors: dict[int, int]) -> np.ndarray:
    """Every class in one colour of red, green and blue; black elsewhere."""
    photo = np.zeros((*labels.shape, 3), np.uint8)
    for id_, channel in colors.items():
        photo[labels == id_, channel] = 200
    return photo


def test_outputs_are_found_by_name_and_others_are_none_of_the_classes(
    reading: Reading, table: ClassTable
) -> None:
    labels = np.arange(4).repeat(16)[None].repeat(32, 0)
    ids, features = reading.of([painted(labels, {2: 0, 0: 1, 1: 2})])
    assert features is None
    np.testing.assert_array_equal(ids[0, 0, ::16], [0, table.n_labels, 2, 2])  # of black pixels the first
    assert reading.record["classes_the_data_has_not"] == ["sky"]
    assert reading.record["classes_the_network_has_not"] == ["class 1"]


def test_classes_the_network_does_not_know_are_void(reading: Reading) -> None:
    assert reading.counted == (0, 2)
    labels = np.array([[0, 0, 1, 2]])
    confusion = reading.confusion()
    confusion.add(labels, np.array([[0, 2, 0, 2]]))
    scores = confusion.scores()
    assert scores.iou == {"class 0": 1 / 2, "class 2": 1 / 2}
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.accuracy_void_counted == 2 / 4


def test_a_program_runs_with_trust_alone(program: Path, table: ClassTable) -> None:
    with pytest.raises(ModelFileError, match="--trust-program"):
        segmenter_reading(protocol("segmenter"), (str(program),), table, (32, 64), CPU, trust_program=False)


def test_photos_are_read_at_the_protocols_size(tmp_path: Path, table: ClassTable) -> None:
    small = save_program(tmp_path / "small.pt2", ["class 2", "class 0", "class 1"], (16, 16))
    rules = dataclasses.replace(protocol("segmenter"), size=(16, 16))
    reading = segmenter_reading(rules, (str(small),), table, (32, 64), CPU, trust_program=True)
    labels = np.arange(2).repeat(32)[None].repeat(32, 0)
    ids, _ = reading.of([painted(labels, {0: 1, 1: 2})])
    assert ids.shape == (1, 16, 16)
    np.testing.assert_array_equal(ids[0], reading.fitted(labels.astype(np.uint8)))


@pytest.mark.parametrize(("presence", "miou"), [("labels", 0.45), ("either", 0.3), ("all", 0.225)])
def test_the_rule_of_presence_decides_over_classes_without_labels(presence: Presence, miou: float) -> None:
    names = ["in both", "only predicted", "in both too", "in neither"]
    classes = tuple(LabelClass(name, (0, 0, 0), None, has_instances=False, evaluated=True) for name in names)
    confusion = Confusion(ClassTable("four", classes, False, (), ()), presence=presence)
    confusion.add(np.array([0, 0, 0, 0, 2, 2]), np.array([0, 0, 1, 1, 2, 0]))  # IoU 2/5, 0, 1/2, none
    assert confusion.scores().miou == pytest.approx(miou)


def test_the_papers_protocols_are_told_apart() -> None:
    sizes = {rules.name: rules.size for rules in PROTOCOLS}
    assert sizes["cityscapes-drn"] == (256, 512)
    assert sizes["cityscapes-drn-2048"] == (1024, 2048)
    assert sizes["coco-stuff-deeplabv2"] == (256, 256)
    assert protocol("ade20k-upernet").short_sides == (300, 375, 450, 525, 600)
    assert protocol("ade20k-upernet-256").short_sides == (256,)
    assert len({rules.rules for rules in PROTOCOLS if rules.network != "the judge"}) == len(PROTOCOLS) - 1


def test_a_papers_protocol_is_for_its_own_data() -> None:
    check_dataset(protocol("cityscapes-drn"), "cityscapes")
    with pytest.raises(SettingsError, match="which is for cityscapes, but the data is toy"):
        check_dataset(protocol("cityscapes-drn"), "toy")


@pytest.fixture
def settings(params: Path, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = load_settings(params)
    chosen = dataclasses.replace(settings.evaluate, protocol="segmenter", segmenter=(str(program),))
    return dataclasses.replace(settings, evaluate=chosen)


@pytest.fixture
def places(settings: Settings, store: Path) -> Places:
    """Photos in which the program finds every class that it knows."""
    return make_places(settings, store, lambda split, i: painted(split.labels(i), {2: 0, 0: 1, 1: 2}))


def test_the_chosen_protocol_gives_the_figures_and_the_judge_is_beside_it(
    settings: Settings, places: Places
) -> None:
    metrics = evaluate(settings, places, CPU, no_progress, trust_program=True)
    assert metrics["protocol"] == "segmenter"
    assert metrics["miou"] == metrics["accuracy"] == 1
    assert metrics["iou"] == {"class 0": 1, "class 2": 1}
    labels = open_store(places.prepared).split("val")
    void = np.mean([labels.labels(i) == 1 for i in range(2)])
    assert metrics["accuracy_void_counted"] == pytest.approx(1 - void)
    assert metrics["shuffled_labels"]["miou"] < 0.7
    assert set(metrics["judge"]["iou"]) == {"class 0", "class 1", "class 2"}
    source = next(source for source in metrics["sources"] if source["role"] == "segmenter")
    assert source["files"][0]["name"] == "colors.pt2"
    assert json.dumps(metrics)


def test_label_maps_of_a_store_of_the_protocols_size_are_used(
    settings: Settings, store: Path, reading: Reading
) -> None:
    prepared = open_store(store)
    split = prepared.split("val")
    small = dataclasses.replace(reading, size=(16, 32))
    resized = Truth(split).labels(0, small)
    assert resized.shape == (16, 32)
    full = full_labels(prepared, prepared, (32, 64))
    np.testing.assert_array_equal(Truth(split, full).labels(0, reading), full.labels(0))
    np.testing.assert_array_equal(Truth(split, full).labels(0, small), resized)
    with pytest.raises(DataError, match="are 32x64, the protocol compares at 1024x2048"):
        full_labels(prepared, prepared, (1024, 2048))


def test_label_maps_of_other_photos_or_classes_are_refused(store: Path) -> None:
    prepared, other = open_store(store), open_store(store)
    other.split("val").names = ("a", "b")
    with pytest.raises(DataError, match="are not those of the synthesized layouts"):
        full_labels(other, prepared, (32, 64))
    other.class_table = dataclasses.replace(prepared.class_table, classes=prepared.class_table.classes[::-1])
    with pytest.raises(DataError, match="has another class table"):
        full_labels(other, prepared, (32, 64))


@pytest.mark.parametrize("name", [rules.name for rules in PROTOCOLS if rules.dataset is not None])
def test_a_papers_protocol_finds_the_table_of_its_data(name: ProtocolName) -> None:
    rules = protocol(name)
    check_dataset(rules, load_class_table(str(rules.dataset)).name)
