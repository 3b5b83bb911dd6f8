"""`ccfpse preset` writes settings, and never over edits of the user's own unasked."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccfpse.config import load_preset, load_settings, preset_text
from ccfpse.sections import DATASETS
from ccfpse_cli.main import app


def preset(*arguments: str | Path) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["preset", *map(str, arguments)])
    return ended.exit_code, ended.output


@pytest.mark.parametrize("name", DATASETS)
def test_the_written_file_holds_the_preset(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / "params.yaml"
    assert preset(name, "--out", path)[0] == 0
    assert load_settings(path) == load_preset(name)
    assert path.read_text("utf-8") == preset_text(name)


def test_params_yaml_of_the_working_folder_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert preset("camvid")[0] == 0
    assert load_settings(tmp_path / "params.yaml").data.dataset == "camvid"


def test_presets_replace_each_other_also_with_other_comments(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    preset("camvid", "--out", path)
    path.write_text("# a note\n" + path.read_text("utf-8").replace("flip: true", "flip:   true # mirrored"))
    assert preset("sample", "--out", path)[0] == 0
    assert load_settings(path) == load_preset("sample")
    assert [p.name for p in tmp_path.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("steps: 1300", "steps: 1301"), ("flip: true", "flip: {"), ("flip: true", "flip: true\n  more: 1")],
)
def test_edits_are_kept_unless_forced_and_then_as_a_copy(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "params.yaml"
    edited = preset_text("camvid").replace(old, new)
    path.write_text(edited, "utf-8")

    exit_code, output = preset("sample", "--out", path)
    assert exit_code == 2
    assert f"{path}: holds edits" in output
    assert path.read_text("utf-8") == edited

    assert preset("sample", "--out", path, "--force")[0] == 0
    assert load_settings(path) == load_preset("sample")
    assert (tmp_path / "params.1.yaml").read_text("utf-8") == edited


def test_a_second_copy_does_not_replace_the_first(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    for note in ("first", "second"):
        path.write_text(note, "utf-8")
        preset("sample", "--out", path, "--force")
    assert [(tmp_path / f"params.{n}.yaml").read_text("utf-8") for n in (1, 2)] == ["first", "second"]


def test_a_file_in_another_encoding_is_an_edit(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xff\xfe")
    assert preset("sample", "--out", path)[0] == 2
    assert path.read_bytes() == b"\xff\xfe"


def test_a_folder_of_that_name_is_refused(tmp_path: Path) -> None:
    exit_code, output = preset("sample", "--out", tmp_path)
    assert exit_code == 2
    assert "is a folder where a file is to be written" in output


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    exit_code, output = preset("city")
    assert exit_code == 2
    assert "city is not a preset; there are cityscapes" in output
