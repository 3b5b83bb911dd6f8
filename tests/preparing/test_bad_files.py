"""Bad raw files: all in one report, nothing kept; or left out, and listed."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ccfpse.errors import DataError
from ccfpse.prepared import open_store
from ccfpse.preparing.store import prepare
from ccfpse.sections import DataSettings

from .conftest import H, Raw, W


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("no picture")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def missing(path: Path) -> None:
    path.unlink()


def smaller(path: Path) -> None:
    Image.open(path).resize((W // 2, H)).save(path)


def unknown(path: Path) -> None:
    values = np.array(Image.open(path))
    values[2, :7] = 77
    Image.fromarray(values).save(path)


def coloured(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (H, W, 3), np.uint8)).save(path)


def animated(path: Path) -> None:
    Image.new("RGB", (W, H)).save(path, save_all=True, append_images=[Image.new("RGB", (W, H), "red")])


PHOTO, LABELS, INSTANCES = range(3)
NAMES = ("_leftImg8bit.png", "_gtFine_labelIds.png", "_gtFine_instanceIds.png")
CASES: list[tuple[int, Callable[[Path], None], str]] = [
    (PHOTO, cut, "is a damaged or truncated picture"),
    (PHOTO, empty, "is not a picture"),
    (PHOTO, text, "is not a picture"),
    (PHOTO, folder, "is a folder where a file should be"),
    (PHOTO, dangling, "is a link to a file that is not there"),
    (PHOTO, animated, "holds several pictures"),
    (LABELS, cut, "is a damaged or truncated picture"),
    (LABELS, text, "is not a picture"),
    (LABELS, folder, "is a folder where a file should be"),
    (LABELS, dangling, "is a link to a file that is not there"),
    (LABELS, smaller, "this label map is 20x20 pixels (width x height), but its photo is 40x20"),
    (LABELS, unknown, "value 77 (7 pixels) is not in the class table of cityscapes"),
    (LABELS, coloured, "is a coloured picture where a map of ids is expected"),
    (INSTANCES, text, "is not a picture"),
    (INSTANCES, smaller, "this instance map is 20x20 pixels (width x height), but its photo is 40x20"),
]
IDS = [f"{damage.__name__} {NAMES[part][1:-4]}" for part, damage, _ in CASES]


@pytest.mark.parametrize(("part", "damage", "problem"), CASES, ids=IDS)
def test_one_bad_file_is_one_sentence_that_names_it(
    raw: Raw,
    data: DataSettings,
    tmp_path: Path,
    part: int,
    damage: Callable[[Path], None],
    problem: str,
) -> None:
    path = raw.paths("train", 1)[part]
    damage(path)
    with pytest.raises(DataError) as caught:
        prepare(data, tmp_path / "out", skip_bad=False, workers=1)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert "--skip-bad" in message
    assert "\n" not in message
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".out.work").exists()


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (PHOTO, "labelIds.png: has no photo of its name"),
        (LABELS, "leftImg8bit.png: has no label map of its name"),
        (INSTANCES, "leftImg8bit.png: has no instance map of its name, which data.instances asks for"),
    ],
)
def test_a_missing_partner_is_named(
    raw: Raw, data: DataSettings, tmp_path: Path, part: int, problem: str
) -> None:
    missing(raw.paths("val", 0)[part])
    with pytest.raises(DataError) as caught:
        prepare(data, tmp_path / "out", skip_bad=False, workers=1)
    assert problem in str(caught.value)


@pytest.mark.parametrize("workers", [1, 2])
def test_all_bad_files_are_in_one_report(raw: Raw, data: DataSettings, tmp_path: Path, workers: int) -> None:
    unknown(raw.paths("train", 0)[LABELS])
    text(raw.paths("train", 2)[PHOTO])
    missing(raw.paths("val", 1)[LABELS])
    with pytest.raises(DataError) as caught:
        prepare(data, tmp_path / "out", skip_bad=False, workers=workers)
    head, *lines = str(caught.value).splitlines()
    assert head.startswith(f"{raw.folder}: 3 files cannot be used")
    assert [line.split(":")[0].split("/")[-1] for line in lines] == [
        "town_0_gtFine_labelIds.png",
        "town_2_leftImg8bit.png",
        "town_1_leftImg8bit.png",
    ]
    assert not (tmp_path / "out").exists()


def test_bad_files_are_left_out_and_listed(raw: Raw, data: DataSettings, tmp_path: Path) -> None:
    unknown(raw.paths("train", 0)[LABELS])
    text(raw.paths("train", 2)[PHOTO])
    missing(raw.paths("val", 1)[LABELS])
    report = prepare(data, tmp_path / "out", skip_bad=True, workers=1)
    assert report.counts == {"train": 2, "val": 1}
    assert len(report.skipped) == 3
    store = open_store(tmp_path / "out")
    assert store.split("train").names == ("town/town_1", "town/town_3")
    for row, number in enumerate((1, 3)):
        assert (
            store.split("train").labels(row) == np.asarray(Image.open(raw.paths("train", number)[LABELS]))
        ).all()
    skipped = json.loads((tmp_path / "out/manifest.json").read_text())["skipped"]
    assert [entry["problem"] for entry in skipped] == [file.problem for file in report.skipped]
    again = prepare(data, tmp_path / "out", skip_bad=True, workers=1)
    assert again.verified
    assert again.skipped == report.skipped


def test_a_store_that_left_files_out_is_not_enough_for_one_that_may_not(
    raw: Raw, data: DataSettings, tmp_path: Path
) -> None:
    text(raw.paths("train", 2)[PHOTO])
    prepare(data, tmp_path / "out", skip_bad=True, workers=1)
    with pytest.raises(DataError, match=r"town_2_leftImg8bit\.png: is not a picture"):
        prepare(data, tmp_path / "out", skip_bad=False, workers=1)


def test_a_split_of_nothing_but_bad_files_is_refused_in_any_case(
    raw: Raw, data: DataSettings, tmp_path: Path
) -> None:
    for number in range(2):
        text(raw.paths("val", number)[PHOTO])
    with pytest.raises(DataError, match="nothing is left to use for val"):
        prepare(data, tmp_path / "out", skip_bad=True, workers=1)
    assert not (tmp_path / "out").exists()


def test_instance_maps_do_not_matter_where_they_are_not_asked_for(
    raw: Raw, data: DataSettings, tmp_path: Path
) -> None:
    missing(raw.paths("train", 0)[INSTANCES])
    text(raw.paths("train", 1)[INSTANCES])
    without = dataclasses.replace(data, instances=False)
    assert prepare(without, tmp_path / "out", skip_bad=False, workers=1).counts == {"train": 4, "val": 2}


def test_a_name_that_is_not_utf8_is_bad(raw: Raw, data: DataSettings, tmp_path: Path) -> None:
    for path in raw.paths("train", 1):
        path.rename(str(path).replace("town_1", "town_\udcff"))
    report = prepare(data, tmp_path / "out", skip_bad=True, workers=1)
    assert report.counts["train"] == 3
    assert "has a name that is not UTF-8" in report.skipped[0].problem
