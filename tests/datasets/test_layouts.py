"""Every data set is found in its official layout, unpacked or in its archives, and read by its table."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ccfpse.datasets import find_samples, raw_files
from ccfpse.datasets.reading import ReadSample, Recipe, read_sample
from ccfpse.errors import DataError
from ccfpse.sections import DataSettings

Layout = Callable[[str, bool], DataSettings]

NAMES = {
    "cityscapes": (["aachen/aachen_0_0", "aachen/aachen_0_1"], ["ulm/ulm_0_0"]),
    "camvid": (["a", "b"], ["c"]),
    "ade20k": (["ADE_train_1", "ADE_train_2"], ["ADE_val_1"]),
    "coco-flat": (["1", "2"], ["3"]),
    "coco": (["1", "2"], ["3"]),
}
LABELS = {
    "cityscapes": [7, 26],
    "camvid": [0, 11],  # sky, and don't care behind the 11 classes
    "ade20k": [149, 150],  # the last class, and don't care, which was 0
    "coco-flat": [181, 182],
    "coco": [156],
}
INSTANCES = {"cityscapes": 2, "camvid": None, "ade20k": None, "coco-flat": 2, "coco": 3}


def first(data: DataSettings) -> ReadSample:
    raw = find_samples(data)
    return read_sample(raw.splits["train"].samples[0], Recipe.of(data, raw.table), data.load_size)


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("name", NAMES)
def test_the_official_splits_are_found(layout: Layout, name: str, zipped: bool) -> None:
    raw = find_samples(layout(name, zipped))
    found = {split: [sample.name for sample in raw.splits[split].samples] for split in raw.splits}
    assert found == dict(zip(("train", "val"), NAMES[name], strict=True))
    assert not any(split.bad for split in raw.splits.values())


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("name", NAMES)
def test_labels_and_instances_are_read_by_the_table(layout: Layout, name: str, zipped: bool) -> None:
    sample = first(layout(name, zipped))
    assert sample.image.shape == (16, 32, 3)
    assert np.unique(sample.labels).tolist() == LABELS[name]
    assert sample.source_size == (12, 16)
    if INSTANCES[name] is None:
        assert sample.instances is None
    else:
        assert np.unique(sample.instances).tolist() == list(range(INSTANCES[name]))


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_further_down_is_found(layout: Layout, name: str) -> None:
    data = layout(name, False)
    source = Path(data.source)
    source.rename(source.with_name("moved"))
    source.mkdir()
    source.with_name("moved").rename(source / "as unpacked")
    assert len(find_samples(data).splits["train"].samples) == 2


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_folder_says_what_was_expected(layout: Layout, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    data = dataclasses.replace(layout(name, False), source=str(tmp_path / "empty"))
    with pytest.raises(DataError, match=f"empty: nothing of {data.dataset}'s train split; expected "):
        find_samples(data)


def test_a_source_that_is_not_there_is_named(layout: Layout) -> None:
    data = dataclasses.replace(layout("camvid", False), source="/nowhere/at all")
    with pytest.raises(DataError, match="/nowhere/at all: there is no such folder or archive"):
        find_samples(data)


@pytest.mark.parametrize("name", ["ade20k", "camvid"])
def test_instances_that_a_data_set_lacks_are_refused(layout: Layout, name: str) -> None:
    data = dataclasses.replace(layout(name, False), instances=True)
    with pytest.raises(DataError, match=f"{name} has no instance maps; set data.instances to false"):
        find_samples(data)


def test_camvid_lists_decide_and_what_they_miss_is_bad(layout: Layout) -> None:
    data = layout("camvid", False)
    source = Path(data.source)
    (source / "train/b.png").unlink()
    (source / "train.txt").write_text(
        "/x/train/a.png /x/trainannot/a.png\n/x/train/b.png /x/b.png\nonly-one\n"
    )
    (source / "valannot/c.png").unlink()
    splits = find_samples(data).splits
    assert [sample.name for sample in splits["train"].samples] == ["a"]
    problems = [file.problem for split in splits.values() for file in split.bad]
    assert problems == [
        "train/b.png: is listed in line 2 of train.txt, but is not there",
        "train.txt: line 3 is not a photo and its label map: 'only-one'",
        "valannot/c.png: is listed in line 1 of val.txt, but is not there",
    ]


def test_the_raw_files_are_those_on_the_disk(layout: Layout) -> None:
    assert sorted(raw_files(layout("cityscapes", True))) == [
        "gtFine_trainvaltest.zip",
        "leftImg8bit_trainvaltest.zip",
    ]
