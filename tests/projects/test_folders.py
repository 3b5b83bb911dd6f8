"""What pairs up, and which folders are taken for validation."""

import os
import shutil
from pathlib import Path

import pytest

from ccfpse.errors import DataError
from ccfpse.projects.folders import Folders, pair


def folders(top: Path, images: str = "images", labels: str = "labels") -> Folders:
    return Folders(top / images, top / labels, None)


def test_names_pair_up_and_odd_ones_are_listed(pairs: Path) -> None:
    (pairs / "labels/d.png").rename(pairs / "labels/e.png")
    shutil.copy(pairs / "images/c.jpg", pairs / "images/c.jpeg")
    found = pair(folders(pairs))
    assert [sample.name for sample in found.samples] == ["a", "c", "town/b"]
    assert {(bad.name.removeprefix(str(pairs)), bad.problem.split(": ")[1][:20]) for bad in found.bad} == {
        ("/images/c.jpg", "has the same name as"),
        ("/images/d.jpg", "has no label map of "),
        ("/labels/e.png", "has no photo of its "),
    }


@pytest.mark.parametrize(
    ("train", "val"),
    [
        (("train/images", "train/labels"), ("val/images", "val/labels")),
        (("train_img", "train_label"), ("val_img", "val_label")),
        (("train", "trainannot"), ("val", "valannot")),
        (("images/training", "maps/training"), ("images/validation", "maps/validation")),
        (("Train/Images", "Train/Labels"), ("Val/Images", "Val/Labels")),
        (("train/images", "train/labels"), ("valid/images", "valid/labels")),
    ],
)
def test_a_split_beside_the_given_folders_is_found(
    pairs: Path, tmp_path: Path, train: tuple[str, str], val: tuple[str, str]
) -> None:
    for names in (train, val):
        for kind, name in zip(("images", "labels"), names, strict=True):
            shutil.copytree(pairs / kind, tmp_path / "top" / name)
    given = folders(tmp_path / "top", *train)
    found = pair(given)
    assert found.folders == {"train": given, "val": folders(tmp_path / "top", *val)}
    assert len(found.samples) == 8


@pytest.mark.parametrize(
    "names", [("train", "val"), ("train", "valid"), ("Train", "Validation"), ("train2017", "val2017")]
)
def test_a_split_below_the_given_folders_is_found(
    pairs: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    for kind in ("images", "labels"):
        for split in (*names, "test"):
            shutil.copytree(pairs / kind, tmp_path / "top" / kind / split)
    found = pair(folders(tmp_path / "top"))
    assert found.folders == {
        split: folders(tmp_path / "top", f"images/{name}", f"labels/{name}")
        for split, name in zip(("train", "val"), names, strict=True)
    }
    assert found.left_out == (tmp_path / "top/images/test",)
    assert len(found.samples) == 8


@pytest.mark.parametrize(
    "names", [("train", "test"), ("Test",), ("validation",), ("trainA", "testA"), ("dev",)]
)
def test_photos_that_are_kept_from_training_are_not_trained_on(
    pairs: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    for kind in ("images", "labels"):
        for split in names:
            shutil.copytree(pairs / kind, tmp_path / "top" / kind / split)
    with pytest.raises(
        DataError,
        match=f"images: holds '{min(names)}'.*, but not one folder for training and one for validation",
    ):
        pair(folders(tmp_path / "top"))


def test_a_folder_of_validation_photos_without_label_maps_is_no_split(pairs: Path, tmp_path: Path) -> None:
    for split, kind in (("train", "images"), ("train", "labels"), ("val", "images")):
        shutil.copytree(pairs / kind, tmp_path / "top" / split / kind)
    assert set(pair(folders(tmp_path / "top/train")).folders) == {"train"}


def check_refused(given: Folders, words: str) -> None:
    with pytest.raises(DataError, match=words):
        pair(given)


def test_what_are_no_folders_of_pictures_is_refused(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    check_refused(folders(pairs, "nowhere"), "nowhere: is not a folder")
    check_refused(folders(pairs, "images/a.jpg"), "is not a folder")
    check_refused(folders(tmp_path, "pipe", "mine/labels"), "is not a folder")
    check_refused(folders(tmp_path, "mine/images", "empty"), "empty: holds no label maps")
    check_refused(folders(pairs, "images", "images"), "a folder of its own")
    check_refused(folders(tmp_path, "mine", "mine/labels"), "a folder of its own")


def test_photos_as_label_maps_are_refused_with_the_reason(pairs: Path, tmp_path: Path) -> None:
    shutil.copytree(pairs / "images", tmp_path / "jpegs")
    check_refused(Folders(pairs / "images", tmp_path / "jpegs", None), "JPEG and WebP blur")


def test_names_that_never_agree_are_refused_with_an_example_of_each(pairs: Path) -> None:
    for path in list((pairs / "labels").rglob("*.png")):
        path.rename(path.with_stem(f"{path.stem}_gt"))
    check_refused(folders(pairs), r"no photo has a label map of its name .*a\.jpg and .*a_gt\.png")


def test_one_pair_is_too_few(pairs: Path) -> None:
    for name in ("c", "d", "town/b"):
        (pairs / f"labels/{name}.png").unlink()
    check_refused(folders(pairs), "at least 2 are needed")


def test_a_folder_that_is_no_text_is_refused(pairs: Path, tmp_path: Path) -> None:
    shutil.copytree(pairs, tmp_path / "\udcff")
    check_refused(folders(tmp_path / "\udcff"), "not UTF-8")
