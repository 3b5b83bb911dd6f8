"""`ccfpse init`: what it writes, what it says, and that it writes all or nothing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner, Result

from ccfpse.config import load_settings
from ccfpse.datasets import class_table, find_samples, raw_files
from ccfpse.preparing.store import prepare
from ccfpse_cli.main import app
from tests.hostile.spoiling import BAD_PICTURES
from tests.projects.conftest import write_pairs


def init(project: str | Path, data: Path, *more: str | Path) -> Result:
    command = ["init", project, "--images", data / "images", "--labels", data / "labels", *more]
    return CliRunner().invoke(app, [str(part) for part in command])


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


FILES = {
    *("params.yaml", "classes.yaml", "dvc.yaml", "compare/dvc.yaml", ".gitignore"),
    *(".dvcignore", ".dvc/config", ".dvc/.gitignore"),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_project_is_written_and_its_data_can_be_prepared(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = init("new", Path("mine"))
    assert ended.exit_code == 0, ended.output
    assert tree(tmp_path / "new") == FILES | {".dvc/config.local"}
    assert "no_scm = true" in (tmp_path / "new/.dvc/config.local").read_text()
    monkeypatch.chdir(tmp_path / "new")
    settings = load_settings(Path("params.yaml"))
    assert settings.data.source == "../mine"
    assert class_table(settings.data).names == ("class-0", "class-1", "class-2", "class-3")
    found = find_samples(settings.data)
    assert {split: len(s.samples) for split, s in found.splits.items()} == {"train": 2, "val": 2}
    assert Path("classes.yaml") in raw_files(settings.data).values()
    report = prepare(settings.data, Path("store"), skip_bad=False, workers=0)
    assert sum(report.counts.values()) == 4
    assert pairs.is_dir()


def test_what_was_found_is_said(pairs: Path) -> None:
    shutil.copy(pairs / "images/a.jpg", pairs / "images/alone.jpg")
    said = init("new", pairs)
    assert "grey pictures" in said.stdout
    assert re.search(r"class-0 .* 0 .*#[0-9a-f]{6}.* \d+\.\d\d% .* 4 ", said.stdout)
    assert "alone.jpg: has no label map of its name" in said.stderr
    assert "4 training photos are few" in said.stderr
    commands = [line.split("#")[0].strip() for line in said.stdout.splitlines() if line.startswith("  ")][-3:]
    assert commands == [
        "cd new",
        "dvc repro",
        "ccfpse paint outputs/training/model.safetensors --layouts outputs/prepared",
    ]


def test_in_a_repository_dvc_uses_git(pairs: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "new"], check=True)
    assert init("new", pairs).exit_code == 0
    assert {name for name in tree(tmp_path / "new") if not name.startswith(".git/")} == FILES
    status = ["git", "-C", str(tmp_path / "new"), "status", "--porcelain", "-uall"]
    listed = subprocess.run(status, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in listed.splitlines()} == FILES


@pytest.mark.parametrize("name", ["thesis.tex", ".hidden", "params.yaml"])
def test_a_folder_that_holds_something_is_refused(pairs: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / name).write_text("mine")
    ended = init("new", pairs)
    assert ended.exit_code == 2
    assert f"new: holds '{name}'" in ended.stderr
    assert tree(tmp_path / "new") == {name}


def test_the_working_folder_can_become_the_project(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert init(".", pairs).exit_code == 0
    assert tree(Path()) >= FILES
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "mine"}


def test_all_or_nothing(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("ccfpse.files.add", fail)
    before = tree(tmp_path)
    ended = init("new/deep", pairs)
    assert ended.exit_code == 2
    assert "cannot be written (No space left on device)" in ended.stderr
    assert tree(tmp_path) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_a_bad_picture_is_listed_and_the_others_count(name: str, pairs: Path) -> None:
    BAD_PICTURES[name](pairs / "labels/c.png")
    ended = init("new", pairs)
    assert ended.exit_code == 0, ended.stderr
    listed = [line for line in ended.stderr.splitlines() if "c.png" in line]
    assert len(listed) == 1
    assert re.match(r"  \S+labels/c\.png: .+", listed[0])


def test_only_bad_pairs_are_refused_in_a_sentence(pairs: Path, tmp_path: Path) -> None:
    for path in (pairs / "labels").rglob("*.png"):
        path.write_text("words")
    ended = init("new", pairs)
    assert ended.exit_code == 2
    assert re.search(r"^error: no pair can be used: \S+ is not a picture", ended.stderr, re.MULTILINE)
    assert not (tmp_path / "new").exists()


ODD = ('a"b', "a'b", "a\nb", "a\x1b[2Jb", "größe", "-rf", "a: b #c", "${paths.report}", "{a", "&a")


@pytest.mark.parametrize("name", ODD)
def test_odd_names_of_folders_and_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_pairs(
        tmp_path / "data" / name,
        lambda ids, path: Image.fromarray(ids).save(path),
        (name, f"{name}/b", "c", "d"),
    )
    (folder / "labels/c.png").write_text("words")
    ended = init(Path("data", f"new {name}"), folder)
    assert ended.exit_code == 0, ended.output
    assert (ended.stdout + ended.stderr).replace("\n", "").isprintable()
    monkeypatch.chdir(tmp_path / "data" / f"new {name}")
    settings = load_settings(Path("params.yaml"))
    assert settings.data.source == f"../{name}"
    found = find_samples(settings.data)
    assert {s.name for split in found.splits.values() for s in split.samples} == {name, f"{name}/b", "c", "d"}


def test_a_file_whose_name_is_no_text_is_listed(pairs: Path) -> None:
    for kind, suffix in (("images", "jpg"), ("labels", "png")):
        os.rename(pairs / f"{kind}/d.{suffix}", pairs / f"{kind}/\udcff.{suffix}")  # noqa: PTH104
    ended = init("new", pairs)
    assert ended.exit_code == 0, ended.output
    assert "not UTF-8; rename it" in ended.stderr


def test_a_model_file_to_start_from_brings_its_networks(pairs: Path, make_model: object) -> None:
    model: Path = make_model(style=True)  # type: ignore[operator]
    ended = init("new", pairs, "--start-from", model)
    assert ended.exit_code == 0, ended.output
    settings = load_settings(Path("new/params.yaml"))
    assert settings.train.init == str(model)
    assert (settings.model.width, settings.model.style) == (2, True)
    assert init("own", pairs).exit_code == 0
    own = load_settings(Path("own/params.yaml"))
    assert settings.train.steps > 5 * own.train.steps  # so narrow a network makes more in the same time
    assert "0 of 4 classes have a name that the model file knows" in ended.stderr


def test_a_repository_without_a_commit_is_told_to_have_one(pairs: Path) -> None:
    assert "git commit" not in init("new", pairs).stdout
    subprocess.run(["git", "init", "-q", "other"], check=True)
    said = init("other", pairs).stdout
    assert "  cd other\n  git add . && git commit -m start\n  dvc repro " in said


def test_data_with_other_folders_around_it_is_named_folder_by_folder(pairs: Path) -> None:
    (pairs / "many other things").mkdir()
    assert init("new", pairs).exit_code == 0
    data = yaml.safe_load(Path("new/params.yaml").read_text())["data"]
    assert data["source"] == "../mine/images"
    assert data["custom"]["train"] == {"images": ".", "labels": "../labels", "instances": None}


def test_photos_far_smaller_than_the_others_are_suspicious(pairs: Path) -> None:
    for path in (pairs / "labels/d.png", pairs / "images/d.jpg"):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)
    assert "d.png: is 8x8 pixels" in init("new", pairs).stderr
