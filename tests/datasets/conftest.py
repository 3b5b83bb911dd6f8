"""Tiny raw data sets in their official layouts, as folders or as the archives they are distributed in."""

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ccfpse.config import load_preset
from ccfpse.sections import DataSettings

H, W = 12, 16


def photo(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (H, W, 3), np.uint8))


def halves(left: int, right: int, kind: type[np.generic] = np.uint8) -> Image.Image:
    """A map of two values."""
    values = np.full((H, W), left, kind)
    values[:, W // 2 :] = right
    return Image.fromarray(values)


Content = dict[str, Image.Image | str]


def cityscapes() -> Content:
    files: Content = {}
    for split, name in [
        ("train", "aachen_0_0"),
        ("train", "aachen_0_1"),
        ("val", "ulm_0_0"),
        ("test", "bonn_0_0"),
    ]:
        city = name.split("_")[0]
        files[f"leftImg8bit/{split}/{city}/{name}_leftImg8bit.png"] = photo()
        truth = f"gtFine/{split}/{city}/{name}_gtFine"
        files[f"{truth}_labelIds.png"] = halves(7, 26)
        files[f"{truth}_instanceIds.png"] = halves(7, 26001, np.uint16)
        files[f"{truth}_color.png"] = photo()
        files[f"{truth}_polygons.json"] = "{}"
    return files


def camvid() -> Content:
    files: Content = {}
    for split, names in (("train", ("a", "b")), ("val", ("c",)), ("test", ("d",))):
        lines = [f"/SegNet/CamVid/{split}/{n}.png /SegNet/CamVid/{split}annot/{n}.png" for n in names]
        files[f"{split}.txt"] = "\n".join(lines) + "\n"
        for name in names:
            files[f"{split}/{name}.png"] = photo()
            files[f"{split}annot/{name}.png"] = halves(0, 11)
    return files


def ade20k() -> Content:
    files: Content = {}
    for folder, name in (
        ("training", "ADE_train_1"),
        ("training", "ADE_train_2"),
        ("validation", "ADE_val_1"),
    ):
        files[f"ADEChallengeData2016/images/{folder}/{name}.jpg"] = photo()
        files[f"ADEChallengeData2016/annotations/{folder}/{name}.png"] = halves(0, 150)
    return files


def coco_flat() -> Content:
    files: Content = {}
    for split, names in (("train", ("1", "2")), ("val", ("3",))):
        for name in names:
            files[f"{split}_img/{name}.jpg"] = photo()
            files[f"{split}_label/{name}.png"] = halves(255, 181)
            files[f"{split}_inst/{name}.png"] = halves(0, 1)
    return files


def coco() -> Content:
    """Official: photo and label map of a split in folders of one name; two people over the sky."""
    files: Content = {}
    for split, names in (("train", ("1", "2")), ("val", ("3",))):
        outlines = [[[1, 1, 5, 1, 5, 5, 1, 5]], [[5, 1, 9, 1, 9, 5, 5, 5]]]
        for name in names:
            files[f"{split}2017/{name}.jpg"] = photo()
            files[f"stuff/{split}2017/{name}.png"] = halves(156, 156)
        listing = {
            "images": [{"id": int(name), "file_name": f"{name}.jpg"} for name in names],
            "annotations": [{"image_id": int(names[0]), "segmentation": outline} for outline in outlines],
        }
        files[f"annotations/instances_{split}2017.json"] = json.dumps(listing)
    return files


LAYOUTS: dict[str, tuple[str, Callable[[], Content]]] = {
    "cityscapes": ("cityscapes", cityscapes),
    "camvid": ("camvid", camvid),
    "ade20k": ("ade20k", ade20k),
    "coco-flat": ("coco-stuff", coco_flat),
    "coco": ("coco-stuff", coco),
}
"""Data set and files, by the name of the layout."""

ARCHIVES = {
    "leftImg8bit/": ("leftImg8bit_trainvaltest.zip", ""),
    "gtFine/": ("gtFine_trainvaltest.zip", ""),
    "train2017/": ("train2017.zip", ""),
    "val2017/": ("val2017.zip", ""),
    "stuff/": ("stuffthingmaps_trainval2017.zip", "stuff/"),
    "annotations/": ("annotations_trainval2017.zip", ""),
    "ADEChallengeData2016/": ("ADEChallengeData2016.zip", ""),
}
"""Where files are distributed that begin so, and what of their path is left out there."""


@pytest.fixture
def layout(tmp_path: Path) -> Callable[[str, bool], DataSettings]:
    """Writes a data set into a folder, or into its archives; gives settings that read it."""

    def write(name: str, zipped: bool) -> DataSettings:
        dataset, content = LAYOUTS[name]
        source = tmp_path / "raw"
        source.mkdir()
        for path, file in content().items():
            if zipped:
                _archive(source, path, file)
            else:
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                _save(file, source / path)
        data = load_preset(dataset).data
        size: Any = (16, 32)
        return dataclasses.replace(data, source=str(source), size=size, load_size=size)

    return write


def _archive(source: Path, path: str, file: Image.Image | str) -> None:
    archive, left_out = next(
        (ARCHIVES[start] for start in ARCHIVES if path.startswith(start)), ("data.zip", "")
    )
    beside = source.parent / f"file{Path(path).suffix}"
    _save(file, beside)
    with zipfile.ZipFile(source / archive, "a") as opened:
        opened.write(beside, path.removeprefix(left_out))


def _save(file: Image.Image | str, path: Path) -> None:
    if isinstance(file, str):
        path.write_text(file, "utf-8")
    else:
        file.save(path)
