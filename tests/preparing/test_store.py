"""`prepare` makes a store of what the raw files hold, verifies a finished one, and replaces older ones."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ccfpse.config import load_preset
from ccfpse.errors import DataError, OutputError
from ccfpse.outputlock import output_lock
from ccfpse.prepared import open_store
from ccfpse.preparing.store import Report, prepare
from ccfpse.sections import DataSettings, SampleScenes

from .conftest import Raw


def run(data: DataSettings, out: Path, workers: int = 1) -> Report:
    return prepare(data, out, skip_bad=False, workers=workers)


def content(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_the_store_holds_photos_labels_and_renumbered_instances(
    raw: Raw, data: DataSettings, tmp_path: Path
) -> None:
    assert run(data, tmp_path / "out").counts == {"train": 4, "val": 2}
    split = open_store(tmp_path / "out").split("train")
    for number in range(4):
        photo, labels, objects = (np.asarray(Image.open(path)) for path in raw.paths("train", number))
        assert split.names[number] == f"town/town_{number}"
        assert (split.image(number) == photo).all()
        assert (split.labels(number) == labels).all()
        values, places = np.unique(objects, return_inverse=True)
        found = split.instances(number)
        assert found is not None
        assert (found == places.reshape(objects.shape)).all()
        assert found.max() == len(values) - 1


def test_training_photos_have_the_load_size_and_validation_photos_the_size(
    data: DataSettings, tmp_path: Path
) -> None:
    run(data, tmp_path / "out")
    store = open_store(tmp_path / "out")
    assert store.size == store.split("train").size == (20, 40)
    assert store.split("val").size == (16, 32)
    assert store.split("val").image(0).shape == (16, 32, 3)


def test_without_instances_none_are_kept(data: DataSettings, tmp_path: Path) -> None:
    run(dataclasses.replace(data, instances=False), tmp_path / "out")
    store = open_store(tmp_path / "out")
    assert not store.has_instances
    assert store.split("train").instances(0) is None
    assert not (tmp_path / "out/train/instances.npy").exists()


def test_the_store_depends_neither_on_workers_nor_on_the_place(
    raw: Raw, data: DataSettings, tmp_path: Path
) -> None:
    run(data, tmp_path / "one", workers=1)
    moved = raw.folder.rename(tmp_path / "moved")
    run(dataclasses.replace(data, source=str(moved)), tmp_path / "two", workers=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert str(tmp_path) not in (tmp_path / "one/manifest.json").read_text()


def test_a_finished_store_is_verified_and_not_touched(data: DataSettings, tmp_path: Path) -> None:
    assert not run(data, tmp_path / "out").verified
    before = [(path, path.stat().st_mtime_ns) for path in sorted((tmp_path / "out").rglob("*"))]
    assert run(data, tmp_path / "out").verified
    assert before == [(path, path.stat().st_mtime_ns) for path in sorted((tmp_path / "out").rglob("*"))]


def test_a_damaged_store_is_made_anew_and_says_so(data: DataSettings, tmp_path: Path) -> None:
    run(data, tmp_path / "out")
    whole = content(tmp_path / "out")
    with (tmp_path / "out/val/labels.npy").open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"\xff")
    report = run(data, tmp_path / "out")
    assert not report.verified
    assert "was damaged (val sample town/town_1) and has been made anew" in report.notes[0]
    assert content(tmp_path / "out") == whole


@pytest.mark.parametrize("name", ["manifest.json", "train/images.npy"])
def test_a_store_with_a_missing_file_is_made_anew(data: DataSettings, tmp_path: Path, name: str) -> None:
    run(data, tmp_path / "out")
    whole = content(tmp_path / "out")
    (tmp_path / "out" / name).unlink()
    if name == "manifest.json":  # then it is no store, and what is there might be somebody's
        with pytest.raises(OutputError, match="holds files but no prepared store"):
            run(data, tmp_path / "out")
    else:
        assert not run(data, tmp_path / "out").verified
        assert content(tmp_path / "out") == whole


def test_other_settings_or_raw_files_make_a_new_store(raw: Raw, data: DataSettings, tmp_path: Path) -> None:
    run(data, tmp_path / "out")
    cropped = dataclasses.replace(data, fit="crop", load_size=(16, 32))
    assert not run(cropped, tmp_path / "out").verified
    assert open_store(tmp_path / "out").size == (16, 32)
    raw.add("train", 4)
    assert run(cropped, tmp_path / "out").counts["train"] == 5
    assert run(cropped, tmp_path / "out").verified


def test_flipping_in_training_does_not_change_the_store(data: DataSettings, tmp_path: Path) -> None:
    run(data, tmp_path / "out")
    assert run(dataclasses.replace(data, flip=False), tmp_path / "out").verified


def test_nothing_but_the_record_and_the_lock_stays_beside(data: DataSettings, tmp_path: Path) -> None:
    run(data, tmp_path / "out")
    beside = {path.name for path in tmp_path.iterdir()} - {"raw", "out"}
    assert beside == {".out.work"}
    assert [path.name for path in (tmp_path / ".out.work").iterdir()] == ["finished.json"]


def test_the_manifest_tells_sources_sizes_and_checksums(data: DataSettings, tmp_path: Path) -> None:
    run(data, tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["dataset"] == "cityscapes"
    assert manifest["splits"]["val"]["count"] == 2
    sample = manifest["splits"]["train"]["samples"][1]
    assert sample["image"] == "leftImg8bit/train/town/town_1_leftImg8bit.png"
    assert sample["labels"] == "gtFine/train/town/town_1_gtFine_labelIds.png"
    assert sample["source_size"] == [20, 40]
    assert len({s["sha256"] for split in manifest["splits"].values() for s in split["samples"]}) == 6


def test_stretching_by_more_than_a_tenth_is_said_once(data: DataSettings, tmp_path: Path) -> None:
    square = dataclasses.replace(data, size=(16, 16), load_size=(16, 16))
    for _ in ("made", "verified"):
        (note,) = run(square, tmp_path / "out").notes
        assert note.startswith("stretching changed width : height by more than a tenth for 6 of 6 photos")
    assert run(dataclasses.replace(square, fit="crop"), tmp_path / "out").notes == ()
    assert run(data, tmp_path / "out").notes == ()


def test_padding_is_dont_care_of_an_object_of_its_own(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for folder, picture in (("img", Image.new("RGB", (40, 20))), ("label", Image.new("L", (40, 20), 3))):
            (tmp_path / f"raw/{part}_{folder}").mkdir(parents=True)
            picture.save(tmp_path / f"raw/{part}_{folder}" / ("1.jpg" if folder == "img" else "1.png"))
        (tmp_path / f"raw/{part}_inst").mkdir()
        Image.new("L", (40, 20), 3).save(tmp_path / f"raw/{part}_inst/1.png")
    preset = load_preset("coco-stuff").data
    square = dataclasses.replace(
        preset, source=str(tmp_path / "raw"), size=(32, 32), load_size=(32, 32), fit="pad"
    )
    run(square, tmp_path / "out")
    split = open_store(tmp_path / "out").split("train")
    instances = split.instances(0)
    assert instances is not None
    assert (split.labels(0)[:8] == 182).all()
    assert (split.labels(0)[8:24] == 3).all()
    assert set(np.unique(instances[8:24])).isdisjoint(np.unique(instances[:8]))


def test_progress_counts_every_sample(data: DataSettings, tmp_path: Path) -> None:
    told: dict[str, list[tuple[int, int]]] = {}

    @contextlib.contextmanager
    def progress(description: str) -> Iterator[Callable[[int, int], None]]:
        told[description] = []
        yield lambda done, total: told[description].append((done, total))

    for _ in range(2):
        prepare(data, tmp_path / "out", skip_bad=False, workers=1, progress=progress)
    assert told == {"preparing": [(n, 6) for n in range(7)], "verifying": [(n, 6) for n in range(1, 7)]}


def test_a_store_in_use_is_not_written_twice(data: DataSettings, tmp_path: Path) -> None:
    with (
        output_lock(tmp_path / "out"),
        pytest.raises(OutputError, match=f"out is in use by process {os.getpid()}"),
    ):
        run(data, tmp_path / "out")


def make_file(path: Path) -> None:
    path.touch()


def make_link(path: Path) -> None:
    path.symlink_to(path.parent)


def make_foreign_folder(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").touch()


@pytest.mark.parametrize("make", [make_file, make_link, make_foreign_folder])
def test_what_is_not_a_store_is_never_replaced(data: DataSettings, tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "out")
    with pytest.raises(OutputError, match=r"out: (is not a folder|holds files but no prepared store)"):
        run(data, tmp_path / "out")
    assert os.path.lexists(tmp_path / "out")
    assert not (tmp_path / ".out.work").exists()


def test_an_output_below_a_file_is_refused(data: DataSettings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        run(data, tmp_path / "file" / "out")


def test_the_sample_is_drawn_prepared_and_drawn_anew_for_other_settings(tmp_path: Path) -> None:
    preset = load_preset("sample").data
    few = dataclasses.replace(
        preset, source=str(tmp_path / "scenes"), sample=SampleScenes(train=2, val=1, seed=5)
    )
    assert run(few, tmp_path / "out").counts == {"train": 2, "val": 1}
    assert run(few, tmp_path / "out").verified
    fewer = dataclasses.replace(few, sample=SampleScenes(train=1, val=1, seed=5))
    assert run(fewer, tmp_path / "out").counts == {"train": 1, "val": 1}


def test_the_sample_is_not_drawn_into_a_folder_with_other_files(tmp_path: Path) -> None:
    make_foreign_folder(tmp_path / "scenes")
    sample = dataclasses.replace(load_preset("sample").data, source=str(tmp_path / "scenes"))
    with pytest.raises(DataError, match="scenes: holds files"):
        run(sample, tmp_path / "out")
