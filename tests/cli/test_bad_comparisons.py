"""Bad input of describe, compare and study: one sentence, exit code 2, and nothing half-written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.desk import Command, Desk, check_refused
from tests.study.answering import answer, encoded, prefers
from tests.study.photos import Folders


def edited(command: str, **values: object) -> Callable[[Desk], Command]:
    """Settings changed (`__` for a dot), then a command."""

    def do(desk: Desk) -> Command:
        for key, value in values.items():
            desk.edit(key.replace("__", "."), value)
        return command.split()

    return do


SETTINGS = {
    "a generator nobody knows": (
        edited("describe", model__generator="stylegan"),
        r"model\.generator is 'stylegan'; it must be one of ccfpse, spade, pix2pixhd",
    ),
    "a switch that spade has not": (
        edited("train", model__generator="spade", model__attention=False),
        r"model\.attention is false, but generator spade has no such switch; set it to true",
    ),
    "a style for pix2pixhd": (
        edited("train", model__generator="pix2pixhd", model__style=True),
        "pix2pixhd takes no style",
    ),
    "an even kernel": (edited("train", model__kernel_size=4), r"kernel_size is 4; it must be 1, 3, 5 or 7"),
    "an unknown variant": (
        edited("train --variant nothing --seed 1"),
        r"nothing is not in compare\.variants; there are ccfpse-fpse",
    ),
    "a variant that names nothing of the model": (
        edited("train --variant v --seed 1", compare__variants={"v": {"width_": 3}}, compare__run=["v"]),
        r"compare\.variants\.v\.width_ is not a setting of the model",
    ),
    "a variant that is no model": (
        edited("train --variant v --seed 1", compare__variants={"v": {"kernel_size": 2}}, compare__run=["v"]),
        r"compare\.variants\.v\.kernel_size is 2",
    ),
    "a grid of unknown variants": (
        edited("compare", compare__run=["x"]),
        r"compare\.run names x, which is not in compare\.variants",
    ),
    "a grid of nothing": (edited("compare", compare__run=[]), r"compare\.run is empty"),
    "a seed twice": (edited("compare", compare__seeds=[1, 1]), r"compare\.seeds names something twice"),
    "a name with a slash": (
        edited("compare", compare__variants={"a/b": {}}, compare__run=["a/b"]),
        "names are made of letters, digits",
    ),
    "a style that a variant has not": (
        edited("train --variant pix2pixhd-patchgan --seed 1", model__style=True, synthesize__style="mean"),
        r"compare\.variants\.pix2pixhd-patchgan has no style",
    ),
    "a seed without a variant": (edited("train --seed 7"), "--variant and --seed belong together"),
    "a variant called real": (
        edited("compare", compare__variants={"real": {}}, compare__run=["real"]),
        "which is taken",
    ),
    "no pipeline": (
        edited("compare"),
        r"compare/dvc\.yaml: is not here; run `ccfpse compare` in",
    ),
    "cells that never ran": (edited("compare --collect"), r"prepared"),
    "a size that is none": (edited("describe --size big"), "--size is big; it must be height x width"),
    "a size that fits no network": (edited("describe --size 40x64"), "size 40x64"),
    "an unknown preset": (edited("describe --preset marsscapes"), "marsscapes is not a preset"),
    "a model without photos": (edited("evaluate --model m"), "--model goes with --synthesized"),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_bad_settings_and_arguments(
    what: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    do, words = SETTINGS[what]
    monkeypatch.chdir(tmp_path)
    desk = Desk(tmp_path, request)
    assert desk.params.is_file()
    check_refused(do(desk), words, tmp_path)


def make(folders: Folders) -> Command:
    return ["study", "make", folders.a, folders.b, "--labels", folders.labels, "--out", folders.out]


def lost(folders: Folders) -> Command:
    return ["study", "make", folders.a, "nowhere", "--labels", folders.labels, "--out", folders.out]


def tally_of(change: Callable[[dict], object]) -> Callable[[Folders], Command]:
    def do(folders: Folders) -> Command:
        key = folders.make()
        content = answer(key, "a" * 24, prefers("a"))
        (folders.out / "answers.json").write_bytes(encoded(content | change(content)))
        return ["study", "tally", folders.out, folders.out / "answers.json"]

    return do


def made_twice(folders: Folders) -> Command:
    folders.make()
    return make(folders)


STUDY = {
    "a folder that is not there": (lost, "nowhere: is not a folder"),
    "a study that is there": (made_twice, "holds a study"),
    "no study": (lambda f: ["study", "tally", f.a], r"key\.json: cannot be read.*`ccfpse study make`"),
    "no study to serve": (lambda f: ["study", "serve", f.a], r"key\.json: cannot be read"),
    "nothing to count": (lambda f: (f.make(), ["study", "tally", f.out])[1], "no answer files"),
    "answers to another study": (tally_of(lambda c: {"study": "0" * 16}), "answers another study"),
    "answers of nobody": (tally_of(lambda c: {"rater": "me"}), "has no rater's name"),
}


@pytest.mark.parametrize("what", STUDY)
def test_bad_studies(what: str, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    do, words = STUDY[what]
    monkeypatch.chdir(folders.a.parent)
    check_refused(do(folders), words, folders.a.parent)
