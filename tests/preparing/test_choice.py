"""Which settings `ccfpse prepare` goes by, and the list of raw files for DVC."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from ccfpse.config import load_preset, preset_text
from ccfpse.errors import DataError, SettingsError
from ccfpse.preparing.choice import choose_settings
from ccfpse.preparing.rawlist import raw_list, write_raw_list
from ccfpse.sections import DataSettings

from .conftest import Raw


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with CamVid's settings, a little changed."""
    (tmp_path / "params.yaml").write_text(preset_text("camvid").replace("flip: true", "flip: false"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_settings_of_the_working_folder_come_first(folder: Path) -> None:
    for dataset in (None, "camvid"):
        settings, origin = choose_settings(dataset, None, None)
        assert not settings.data.flip
        assert origin == "params.yaml"


def test_another_data_set_comes_from_its_preset(folder: Path) -> None:
    settings, origin = choose_settings("ade20k", None, None)
    assert settings == load_preset("ade20k")
    assert origin == "the preset ade20k"


def test_without_a_file_the_preset_is_taken(folder: Path) -> None:
    (folder / "params.yaml").unlink()
    assert choose_settings("camvid", None, None)[1] == "the preset camvid"
    with pytest.raises(SettingsError, match=r"params\.yaml: cannot be read"):
        choose_settings(None, None, None)


def test_a_given_file_must_be_of_the_data_set(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"params\.yaml: is of the data set camvid, not of ade20k"):
        choose_settings("ade20k", Path("params.yaml"), None)


def test_an_unknown_data_set_is_refused_with_the_known_ones(folder: Path) -> None:
    with pytest.raises(SettingsError, match="mapillary is not a data set; there are cityscapes, coco-stuff"):
        choose_settings("mapillary", None, None)


def test_a_given_source_replaces_that_of_the_settings(folder: Path) -> None:
    settings, _ = choose_settings("camvid", None, Path("/elsewhere"))
    assert settings.data.source == "/elsewhere"


def test_the_raw_list_changes_with_names_sizes_and_times(
    raw: Raw, data: DataSettings, tmp_path: Path
) -> None:
    seen = [raw_list(data)]
    path = raw.paths("train", 0)[0]
    os.utime(path, ns=(1, 1))
    seen.append(raw_list(data))
    path.write_bytes(path.read_bytes() + b" ")
    os.utime(path, ns=(1, 1))
    seen.append(raw_list(data))
    path.rename(path.with_name("town_9_leftImg8bit.png"))
    seen.append(raw_list(data))
    assert all(seen[i] != seen[j] for i in range(4) for j in range(i))
    assert raw_list(data) == seen[-1]
    assert write_raw_list(data, tmp_path / "list" / "raw.json") == 18
    assert json.loads((tmp_path / "list/raw.json").read_text()) == seen[-1]


def test_the_raw_list_of_the_sample_is_its_settings() -> None:
    data = load_preset("sample").data
    assert data.sample is not None
    found = raw_list(data)
    assert "files" not in found
    more = dataclasses.replace(data, sample=dataclasses.replace(data.sample, seed=data.sample.seed + 1))
    assert raw_list(more) != found


def test_an_empty_source_has_no_raw_list(data: DataSettings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: holds no pictures and no archives"):
        raw_list(dataclasses.replace(data, source=str(tmp_path / "empty")))
