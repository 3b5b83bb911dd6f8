"""Reading a prepared store, and refusing what is none."""

import dataclasses
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ccfpse.config import load_preset
from ccfpse.errors import DataError
from ccfpse.prepared import PreparedStore, open_store
from ccfpse.preparing.store import prepare


@pytest.fixture
def store(tmp_path: Path) -> PreparedStore:
    """ADE20K of one photo each."""
    for folder in ("training", "validation"):
        for kind, picture, suffix in (
            ("images", Image.new("RGB", (20, 20), "blue"), "jpg"),
            ("annotations", Image.new("L", (20, 20), 5), "png"),
        ):
            (tmp_path / "raw" / kind / folder).mkdir(parents=True)
            picture.save(tmp_path / "raw" / kind / folder / f"one.{suffix}")
    preset = load_preset("ade20k").data
    data = dataclasses.replace(preset, source=str(tmp_path / "raw"), size=(16, 16), load_size=(18, 18))
    prepare(data, tmp_path / "store", skip_bad=False, workers=1)
    return open_store(tmp_path / "store")


def test_a_store_knows_what_it_is(store: PreparedStore) -> None:
    assert (store.name, store.size, store.has_instances) == ("ade20k", (18, 18), False)
    assert store.class_table.n_labels == 151
    assert store.split("val").names == ("one",)
    assert len(store.split("train")) == 1


def test_arrays_are_mapped_and_cannot_be_changed(store: PreparedStore) -> None:
    labels = store.split("train").labels(0)
    assert (labels == 4).all()
    assert not labels.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        labels[0, 0] = 0


def test_the_checksum_tells_stores_apart(store: PreparedStore, tmp_path: Path) -> None:
    before = store.checksum
    path = tmp_path / "store/manifest.json"
    path.write_text(path.read_text().replace('"one"', '"two"'))
    assert open_store(tmp_path / "store").checksum != before


def test_a_split_pickles_as_its_place(store: PreparedStore) -> None:
    content = pickle.dumps((store, store.split("train")))
    assert len(content) < 1000
    again, split = pickle.loads(content)
    assert again.path == store.path
    assert (split.image(0) == store.split("train").image(0)).all()


def no_folder(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def no_manifest(path: Path) -> None:
    (path / "manifest.json").unlink()


def cut_manifest(path: Path) -> None:
    (path / "manifest.json").write_text('{"format": 1')


def other_format(path: Path) -> None:
    (path / "manifest.json").write_text('{"format": 99}')


def list_manifest(path: Path) -> None:
    (path / "manifest.json").write_text("[]")


def no_class_table(path: Path) -> None:
    content = json.loads((path / "manifest.json").read_text())
    del content["class_table"]
    (path / "manifest.json").write_text(json.dumps(content))


def no_array(path: Path) -> None:
    (path / "train/labels.npy").unlink()


def cut_array(path: Path) -> None:
    content = (path / "train/labels.npy").read_bytes()
    (path / "train/labels.npy").write_bytes(content[:-1])


def empty_array(path: Path) -> None:
    (path / "train/labels.npy").write_bytes(b"")


def other_array(path: Path) -> None:
    np.save(path / "train/labels.npy", np.zeros((1, 4, 4), np.uint8))


def objects_array(path: Path) -> None:
    np.save(path / "train/labels.npy", np.array([{"a": print}], object), allow_pickle=True)


@pytest.mark.parametrize(
    "damage",
    [
        *(no_folder, no_manifest, cut_manifest, other_format, list_manifest, no_class_table),
        *(no_array, cut_array, empty_array, other_array, objects_array),
    ],
)
def test_what_is_no_complete_store_is_refused_in_a_sentence(store: PreparedStore, damage) -> None:  # type: ignore[no-untyped-def]
    damage(store.path)
    with pytest.raises(DataError) as caught:
        open_store(store.path)
    assert str(caught.value).startswith(str(store.path))
    assert "run `ccfpse prepare`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file: is no complete prepared store \(it is not a folder\); run"):
        open_store(tmp_path / "file")


def test_what_is_open_stays_what_it_was_when_the_store_is_replaced(
    store: PreparedStore, tmp_path: Path
) -> None:
    before, checksum = store.split("train").image(0).copy(), store.checksum
    pickled = pickle.dumps(store.split("train"))
    Image.new("RGB", (20, 20), "red").save(tmp_path / "raw/images/training/one.jpg")
    preset = load_preset("ade20k").data
    data = dataclasses.replace(preset, source=str(tmp_path / "raw"), size=(16, 16), load_size=(18, 18))
    prepare(data, tmp_path / "store", skip_bad=False, workers=1)
    store.split("train").release()
    assert (store.split("train").image(0) == before).all()
    assert store.checksum == checksum
    assert (open_store(tmp_path / "store").split("train").image(0) != before).any()
    with pytest.raises(DataError, match="store: was replaced by another prepared store"):
        pickle.loads(pickled)
