"""The readers on real files of the data sets."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ccfpse.config import load_preset
from ccfpse.datasets import find_samples
from ccfpse.datasets.reading import ReadSample, Recipe, read_sample
from ccfpse.sections import CustomData, CustomFolders, DataSettings

COUNTS = {
    "cityscapes": (5, 2),
    "coco_stuff": (8, 4),
    "ade20k": (3, 2),
    "camvid": (367, 101),
    "facades": (18, 6),
}


def settings(folder: str, samples: Path, tmp_path: Path) -> DataSettings:
    dataset = {"coco_stuff": "coco-stuff", "facades": "custom"}.get(folder, folder)
    data = dataclasses.replace(load_preset(dataset).data, source=str(samples / folder))
    if folder != "facades":
        return data
    (tmp_path / "facades.yaml").write_text("\n".join(f"- {{name: part {i}, id: {i}}}" for i in range(1, 13)))
    train, val = (
        CustomFolders(images=f"{s}/images", labels=f"{s}/labels", instances=None) for s in ("train", "val")
    )
    custom = CustomData(
        classes=str(tmp_path / "facades.yaml"), coding="auto", train=train, val=val, validation_share=0.1
    )
    return dataclasses.replace(data, custom=custom)


def read_all(data: DataSettings, split: str, most: int = 3) -> list[ReadSample]:
    raw = find_samples(data)
    recipe = Recipe.of(data, raw.table)
    return [read_sample(sample, recipe, data.size) for sample in raw.splits[split].samples[:most]]


@pytest.mark.parametrize("folder", COUNTS)
def test_all_pairs_are_found_and_read(folder: str, samples: Path, tmp_path: Path) -> None:
    data = settings(folder, samples, tmp_path)
    raw = find_samples(data)
    assert (len(raw.splits["train"].samples), len(raw.splits["val"].samples)) == COUNTS[folder]
    assert not any(split.bad for split in raw.splits.values())
    for sample in read_all(data, "val"):
        assert sample.image.shape == (*data.size, 3)
        assert sample.labels.max() < raw.table.n_labels
        assert len(np.unique(sample.labels)) > 2
        assert (sample.instances is not None) == data.instances


def test_cityscapes_instances_tell_cars_apart(samples: Path, tmp_path: Path) -> None:
    for sample in read_all(settings("cityscapes", samples, tmp_path), "val"):
        assert sample.instances is not None
        assert len(np.unique(sample.instances[sample.labels == 26])) > 3
        assert sample.instances.max() == len(np.unique(sample.instances)) - 1


def test_labels_end_where_the_photo_changes(samples: Path, tmp_path: Path) -> None:
    """Colours change most at a label's edge where it is: a map that is shifted or mirrored would miss it."""

    def change(sample: ReadSample, labels: np.ndarray) -> float:
        step = np.abs(np.diff(sample.image.astype(float), axis=1)).mean(axis=-1)
        edge = np.diff(labels.astype(int), axis=1) != 0
        return float(step[edge].mean() / step[~edge].mean())

    for folder in ("cityscapes", "ade20k"):
        for sample in read_all(settings(folder, samples, tmp_path), "val", most=2):
            here = change(sample, sample.labels)
            for moved in (sample.labels[:, ::-1], np.roll(sample.labels, 4, axis=1), sample.labels[::-1]):
                assert here > 1.15 * change(sample, moved)
