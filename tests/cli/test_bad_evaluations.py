"""Bad input of evaluate and report: one sentence, exit code 2, and nothing half-written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.cli.desk import Command, Desk, check_refused

WEIGHTS = "weights.pth"


def chosen(**settings: object) -> Callable[[Desk], Command]:
    """An evaluation whose settings are refused."""

    def do(desk: Desk) -> Command:
        for key, value in settings.items():
            desk.edit(f"evaluate.{key}", value)
        return ["evaluate"]

    return do


def ready(**settings: object) -> Callable[[Desk], Command]:
    """The same, with photos and a judge: what is refused comes after them."""

    def do(desk: Desk) -> Command:
        shutil.copytree(desk.store.parent / "raw/val/images", desk.folder / "synthesized")
        assert CliRunner().invoke(app, ["judge"]).exit_code == 0
        torch.save({"a": torch.zeros(1)}, desk.folder / WEIGHTS)
        (desk.folder / "net.pt2").write_bytes(b"no program")
        (desk.folder / "empty").mkdir()
        return chosen(**settings)(desk)

    return do


def for_cityscapes(**settings: object) -> Callable[[Desk], Command]:
    """The same, where the data's class table is called that of Cityscapes."""

    def do(desk: Desk) -> Command:
        command = ready(**settings)(desk)
        for file in (desk.store / "manifest.json", desk.folder / "judge/judge.json"):
            content = json.loads(file.read_text())
            content["class_table"]["name"] = "cityscapes"
            file.write_text(json.dumps(content))
        return command

    return do


EVALUATE = {
    "an unknown protocol": (chosen(protocol="drn"), r"evaluate\.protocol is 'drn'; it must be one of judge,"),
    "a protocol without its network": (
        chosen(protocol="cityscapes-drn"),
        r"evaluate\.segmenter is \[\]; evaluate\.protocol cityscapes-drn needs the one file",
    ),
    "three files for two networks": (
        chosen(protocol="ade20k-upernet", segmenter=["a", "b", "c"]),
        "needs the encoder and the decoder",
    ),
    "a network for the judge": (chosen(segmenter=["a.pth"]), r"but evaluate\.protocol is judge"),
    "one style to compare": (chosen(diversity_styles=1), "at least 2, which are compared"),
    "a protocol for other data": (
        ready(protocol="cityscapes-drn", segmenter=[WEIGHTS]),
        r"evaluate\.protocol is cityscapes-drn, which is for cityscapes, but the data is",
    ),
    "weights that are not there": (
        for_cityscapes(protocol="cityscapes-drn", segmenter=["gone.pth"]),
        r"gone\.pth: .*drn-d-105",
    ),
    "weights of something else": (
        for_cityscapes(protocol="cityscapes-drn", segmenter=[WEIGHTS]),
        r"weights\.pth: .*base\.0\.0\.weight",
    ),
    "a program without trust": (
        ready(protocol="segmenter", segmenter=["net.pt2"]),
        r"net\.pt2: .*--trust-program",
    ),
    "a folder without a model": (ready(protocol="segmenter", segmenter=["empty"]), r"empty: "),
    "a reference that is not there": (
        ready(reference="gone"),
        r"evaluate\.reference is gone, which is no folder",
    ),
    "a reference without photos": (ready(reference="empty"), "empty: has no pictures"),
    "Inception's weights damaged": (ready(inception=WEIGHTS), "does not hold pytorch-fid's Inception"),
}


@pytest.mark.parametrize("what", EVALUATE)
def test_bad_evaluations(
    what: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    do, words = EVALUATE[what]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    desk = Desk(tmp_path, request)
    assert desk.params.is_file()
    check_refused(do(desk), words, tmp_path)


def test_a_program_that_is_trusted_and_none_is_refused(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    desk = Desk(tmp_path, request)
    ready(protocol="segmenter", segmenter=["net.pt2"])(desk)
    check_refused(["evaluate", "--trust-program"], r"net\.pt2: ", tmp_path)
