"""Your own folders: names pair up, classes come from a table, some photos are kept aside."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ccfpse.config import load_preset
from ccfpse.datasets import find_samples, raw_files
from ccfpse.datasets.custom import kept_aside
from ccfpse.datasets.reading import Recipe, read_sample
from ccfpse.errors import DataError, SettingsError
from ccfpse.sections import CustomData, CustomFolders, DataSettings

TABLE = """
- {name: sky, id: 1, color: [70, 130, 180]}
- {name: road, id: 2, color: "#804080"}
- {name: nothing, id: 0, ignore: true}
"""


def settings(source: Path, *, instances: bool = False, **changes: object) -> DataSettings:
    folders = CustomFolders(images="photos", labels="maps", instances="objects" if instances else None)
    custom = CustomData(classes="classes.yaml", coding="auto", train=folders, val=None, validation_share=0.5)
    return dataclasses.replace(
        load_preset("custom").data,
        source=str(source),
        size=(16, 16),
        load_size=(16, 16),
        instances=instances,
        custom=dataclasses.replace(custom, **changes),  # type: ignore[arg-type]
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four pairs of several kinds, one in a sub-folder, and a class table."""
    for folder in ("photos/holiday", "maps/holiday"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "classes.yaml").write_text(TABLE)
    for number, name in enumerate(("a.JPG", "b.png", "c.webp", "holiday/d.bmp")):
        Image.new("RGB", (20, 30), (number, 0, 0)).save(tmp_path / "photos" / name)
        Image.new("L", (20, 30), 1).save((tmp_path / "maps" / name).with_suffix(".png"))
    return tmp_path


def names(data: DataSettings) -> set[str]:
    return {sample.name for split in find_samples(data).splits.values() for sample in split.samples}


def test_photos_of_all_kinds_and_sub_folders_pair_up_by_name(source: Path) -> None:
    assert names(settings(source)) == {"a", "b", "c", "holiday/d"}


def test_a_share_is_kept_aside_and_stays_the_same(source: Path) -> None:
    splits = [find_samples(settings(source)).splits for _ in range(2)]
    assert splits[0] == splits[1]
    assert len(splits[0]["val"].samples) == 2
    assert not set(splits[0]["val"].samples) & set(splits[0]["train"].samples)


@pytest.mark.parametrize(("n", "share", "kept"), [(2, 0.01, 1), (2, 0.99, 1), (100, 0.1, 10)])
def test_at_least_one_is_kept_aside_and_never_all(n: int, share: float, kept: int) -> None:
    assert len(kept_aside([str(i) for i in range(n)], share)) == kept


def test_adding_a_photo_moves_at_most_one_of_the_others() -> None:
    before = kept_aside([str(i) for i in range(50)], 0.2)
    after = kept_aside([str(i) for i in range(51)], 0.2)
    assert len(before - after) <= 1


def test_a_validation_folder_of_its_own_is_taken(source: Path) -> None:
    other = CustomFolders(images="photos/holiday", labels="maps/holiday", instances=None)
    splits = find_samples(settings(source, val=other)).splits
    assert [sample.name for sample in splits["val"].samples] == ["d"]
    assert len(splits["train"].samples) == 4


def test_folders_elsewhere_are_found_and_watched(
    source: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (source / "maps").rename(elsewhere / "maps")
    folders = CustomFolders(images="photos", labels=str(elsewhere / "maps"), instances=None)
    data = settings(source, train=folders)
    assert len(names(data)) == 4
    watched = set(raw_files(data))
    assert {"photos/a.JPG", "classes.yaml", f"{elsewhere}/maps/a.png"} <= watched


def test_colours_and_palettes_are_read_by_the_table(source: Path) -> None:
    pixels = np.full((30, 20, 3), (70, 130, 180), np.uint8)
    pixels[15:] = (128, 64, 128)
    Image.fromarray(pixels).save(source / "maps/a.png")
    data = settings(source)
    raw = find_samples(data)
    (sample,) = [s for split in raw.splits.values() for s in split.samples if s.name == "a"]
    read = read_sample(sample, Recipe.of(data, raw.table), (30, 20))
    assert (read.labels[:15] == 0).all()
    assert (read.labels[15:] == 1).all()


def test_the_photo_is_turned_as_its_exif_entry_says(source: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(source / "photos/a.JPG", exif=exif)
    data = settings(source)
    raw = find_samples(data)
    for split in raw.splits.values():
        for sample in split.samples:
            assert read_sample(sample, Recipe.of(data, raw.table), (16, 16)).source_size == (30, 20)


def test_all_files_without_a_partner_are_listed(source: Path) -> None:
    (source / "photos/b.png").unlink()
    (source / "maps/c.png").unlink()
    Image.new("RGB", (20, 30)).save(source / "photos/a.png")
    found = find_samples(settings(source)).splits["train"].bad
    assert sorted(file.problem for file in found) == [
        "maps/b.png: has no photo of its name",
        "photos/a.png: has the same name as photos/a.JPG; keep one of them",
        "photos/c.webp: has no label map of its name",
    ]


def test_instance_maps_are_missed_one_by_one(source: Path) -> None:
    (source / "objects").mkdir()
    Image.new("L", (20, 30)).save(source / "objects/a.png")
    Image.new("L", (20, 30)).save(source / "objects/b.png")
    found = find_samples(settings(source, instances=True)).splits["train"].bad
    assert [file.name for file in found] == ["photos/c.webp", "photos/holiday/d.bmp"]


def test_instances_without_a_folder_name_the_key(source: Path) -> None:
    data = settings(source)
    assert data.custom is not None
    with pytest.raises(DataError, match=r"data\.custom\.train\.instances is null"):
        find_samples(dataclasses.replace(data, instances=True))


def test_an_empty_folder_names_its_key(source: Path) -> None:
    folders = CustomFolders(images="nothing", labels="maps", instances=None)
    with pytest.raises(DataError, match=r"no pictures .* in nothing, which is data\.custom\.train\.images"):
        find_samples(settings(source, train=folders))


def test_a_missing_class_table_is_named(source: Path) -> None:
    (source / "classes.yaml").unlink()
    with pytest.raises(SettingsError, match=r"classes\.yaml: the class table cannot be read"):
        find_samples(settings(source))
