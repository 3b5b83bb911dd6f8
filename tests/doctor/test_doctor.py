"""`ccfpse doctor`: what it finds, and that nothing missing is an error."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ccfpse.doctor import installation, machine
from ccfpse.doctor.weights import find_weights
from ccfpse.errors import ModelFileError
from ccfpse.evaluation.diversity import lpips_path
from ccfpse.evaluation.inception import inception_path
from ccfpse.loss_network import vgg_path
from ccfpse_cli.main import app


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder outside every repository, and empty caches."""
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def examined() -> dict[str, Any]:
    ended = CliRunner().invoke(app, ["doctor", "--json"])
    assert ended.exit_code == 0, ended.output
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_an_empty_folder_is_examined_too(here: Path) -> None:
    found = examined()
    assert found["settings_problem"].startswith("params.yaml: cannot be read")
    assert (found["git"], found["dvc"]) == (None, None)
    assert found["devices"][0]["name"] == "cpu"
    assert found["devices"][0]["free_bytes"] <= found["devices"][0]["memory_bytes"]
    assert found["versions"].keys() >= {"python", "torch", "torch build", "ccfpse"}
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("content", [b"data: [", b"\xff\xfe", b""])
def test_bad_settings_are_a_finding(here: Path, content: bytes) -> None:
    (here / "params.yaml").write_bytes(content)
    ended = CliRunner().invoke(app, ["doctor"])
    assert ended.exit_code == 0
    assert "params.yaml: " in ended.stdout
    assert examined()["settings_problem"]


def test_every_missing_file_is_named_with_what_it_enables_and_where_it_goes(here: Path) -> None:
    ended = CliRunner().invoke(app, ["doctor"])
    missing = examined()["weights"]
    assert len(missing) == 7
    assert not any(one["found"] for one in missing)
    for one in missing:
        (line,) = [line for line in ended.stdout.splitlines() if one["file"] in line]
        assert one["source"] in line
        assert one["setting"] in line
        assert (one["path"] or one["setting"]) in line


def test_files_are_found_where_the_code_looks_for_them(here: Path) -> None:
    cached = [one for one in find_weights(None) if one.path is not None]
    assert [one.network for one in cached] == ["VGG-19", "Inception", "AlexNet"]
    for one in cached:
        assert one.path is not None
        Path(one.path).parent.mkdir(parents=True, exist_ok=True)
        Path(one.path).touch()
    assert [str(place(None)) for place in (vgg_path, inception_path, lpips_path)] == [
        one.path for one in cached
    ]
    assert [one.found for one in find_weights(None)] == [True] * 3 + [False] * 4
    Path(str(cached[0].path)).unlink()
    with pytest.raises(ModelFileError):
        vgg_path(None)


def test_files_that_the_settings_name_are_looked_for_there(here: Path) -> None:
    CliRunner().invoke(app, ["preset", "ade20k"])
    settings = yaml.safe_load((here / "params.yaml").read_text())
    settings["evaluate"] |= {
        "protocol": "ade20k-upernet",
        "segmenter": ["a.pth", "b.pth"],
        "inception": "i.pth",
    }
    (here / "params.yaml").write_text(yaml.safe_dump(settings))
    for name in ("a.pth", "i.pth"):
        (here / name).touch()
    found = {one["file"]: (one["path"], one["found"]) for one in examined()["weights"] if one["path"]}
    assert found["encoder_epoch_50.pth"] == ("a.pth", True)
    assert found["decoder_epoch_50.pth"] == ("b.pth", False)
    assert found["pt_inception-2015-12-05-6726825d.pth"] == ("i.pth", True)
    assert "drn-d-105_ms_cityscapes.pth" not in found


def test_git_and_dvc_of_a_project_are_told(here: Path) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *who, *arguments], cwd=here, check=True, capture_output=True)

    git("init", "-q")
    (here / "dvc.yaml").write_text("stages: {scan: {cmd: a}, train: {cmd: b}}")
    (here / "dvc.lock").write_text("stages: {scan: {cmd: a}}")
    found = examined()
    assert (found["git"]["commit"], found["git"]["changed_files"]) == (None, 2)
    assert found["dvc"] == {"initialised": False, "stages": ["scan", "train"], "never_run": ["train"]}
    git("add", ".")
    git("commit", "-q", "-m", "start")
    (here / ".dvc").mkdir()
    (here / "dvc.lock").write_text("stages: [")
    found = examined()
    assert found["git"]["commit"]
    assert found["git"]["changed_files"] == 1
    assert (found["dvc"]["initialised"], len(found["dvc"]["never_run"])) == (True, 2)


def test_why_there_are_no_compiled_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> None:
        raise OSError("file too short; build it again")

    monkeypatch.setattr(machine, "library", lambda: None)
    monkeypatch.setattr(machine, "find_compiler", lambda: None)
    assert "no C++ compiler" in machine.kernels().reason
    monkeypatch.setattr(machine, "find_compiler", lambda: ["c++"])
    assert "`ccfpse compile` builds them" in machine.kernels().reason
    monkeypatch.setattr(machine, "library", damaged)
    assert machine.kernels() == machine.Kernels(
        False, "cannot be loaded: file too short; build it again", False
    )


def test_extras_are_those_of_the_package_with_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    stated = ["torch>=2.6", 'no-such-package>=1; extra == "more"', 'torch>=2; extra == "more"']
    monkeypatch.setattr(installation, "requires", lambda name: stated)
    assert installation.extras() == [installation.Extra("more", ("no-such-package",))]


def test_a_disk_is_that_of_a_folder_to_come(tmp_path: Path) -> None:
    found = machine.disk(tmp_path / "not" / "there")
    assert 0 < found.free_bytes < found.total_bytes
    assert not (tmp_path / "not").exists()
