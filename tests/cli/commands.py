"""Every command that writes, and where: for tests of what becomes of all of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from ccfpse.native.place import library_path
from ccfpse_cli.main import app
from tests.cli.desk import Command, Desk
from tests.report.evaluations import write_evaluation
from tests.study.photos import Folders

Writing = Callable[[Desk, Path], tuple[Command, Path]]
"""Makes what a command reads; gives the command that writes in a folder, and its output there."""


def done(*command: str | Path) -> None:
    ended = CliRunner().invoke(app, [str(part) for part in command])
    assert ended.exit_code == 0, ended.output


def without_advice(desk: Desk) -> None:
    """Without a compiler there is none to build kernels."""
    desk.request.getfixturevalue("monkeypatch").setenv("CXX", "none")


def preset(desk: Desk, folder: Path) -> tuple[Command, Path]:
    return ["preset", "sample", "--out", folder / "new.yaml"], folder / "new.yaml"


def init(desk: Desk, folder: Path) -> tuple[Command, Path]:
    train = desk.params.parent / "raw/train"
    command = ["init", folder / "new", "--images", train / "images", "--labels", train / "labels"]
    return command, folder / "new"


def scan(desk: Desk, folder: Path) -> tuple[Command, Path]:
    desk.edit("paths.raw_list", str(folder / "raw.json"))
    return ["scan"], folder / "raw.json"


def prepare(desk: Desk, folder: Path) -> tuple[Command, Path]:
    assert desk.params.is_file()
    return ["prepare", "--out", folder / "store"], folder / "store"


def judge(desk: Desk, folder: Path) -> tuple[Command, Path]:
    assert desk.store.is_dir()
    return ["judge", "--out", folder / "judge"], folder / "judge"


def loss_network(desk: Desk, folder: Path) -> tuple[Command, Path]:
    assert desk.store.is_dir()
    desk.edit("loss_network.kind", "small")
    return ["loss-network", "--out", folder / "network"], folder / "network"


def train(desk: Desk, folder: Path) -> tuple[Command, Path]:
    assert desk.store.is_dir()
    without_advice(desk)
    desk.edit("loss_network.kind", "none")
    desk.edit("loss_network.small", None)
    desk.edit("train.weight_perceptual", 0)
    done("loss-network")
    return ["train", "--out", folder / "training"], folder / "training"


def synthesize(desk: Desk, folder: Path) -> tuple[Command, Path]:
    without_advice(desk)
    command = ["synthesize", desk.labels, folder / "photos", "--model", desk.model(), "--overwrite"]
    return command, folder / "photos"


def remake(desk: Desk, folder: Path) -> tuple[Command, Path]:
    without_advice(desk)
    photos, model = desk.folder / "photos", desk.model()
    done("synthesize", desk.labels, photos, "--model", model)
    out = folder / "again.png"
    command = ["remake", photos / "good.png", "--model", model, "--labels", desk.labels, "--overwrite"]
    return [*command, "--out", out], out


def styles(desk: Desk, folder: Path) -> tuple[Command, Path]:
    without_advice(desk)
    command = ["styles", desk.labels, folder / "styles.png", "--model", desk.model(style=True)]
    return [*command, "--seeds", "1"], folder / "styles.png"


def evaluate(desk: Desk, folder: Path) -> tuple[Command, Path]:
    shutil.copytree(desk.store.parent / "raw/val/images", desk.folder / "synthesized")
    done("judge")
    return ["evaluate", "--out", folder / "evaluation"], folder / "evaluation"


def report(desk: Desk, folder: Path) -> tuple[Command, Path]:
    evaluation = write_evaluation(desk.folder / "scores")
    return ["report", evaluation, "--out", folder / "page.html"], folder / "page.html"


def report_of_the_grid(desk: Desk, folder: Path) -> tuple[Command, Path]:
    assert desk.params.is_file()
    return ["report", "--grid", "--out", folder / "grid.html"], folder / "grid.html"


def table(desk: Desk, folder: Path) -> tuple[Command, Path]:
    desk.edit("paths.compare", str(folder / "compare"))
    return ["compare", "--collect"], folder / "compare/table"


def study_make(desk: Desk, folder: Path) -> tuple[Command, Path]:
    folders: Folders = desk.request.getfixturevalue("folders")
    command = ["study", "make", folders.a, folders.b, "--labels", folders.labels, "--pairs", "6"]
    return [*command, "--out", folder / "study"], folder / "study"


def study_serve(desk: Desk, folder: Path) -> tuple[Command, Path]:
    command, study = study_make(desk, folder)
    done(*command)
    return ["study", "serve", study, "--port", "0"], study / "answers"


def study_tally(desk: Desk, folder: Path) -> tuple[Command, Path]:
    from tests.study.answering import answer, encoded, prefers

    folders: Folders = desk.request.getfixturevalue("folders")
    key = folders.make()
    answers = desk.folder / "answers.json"
    answers.write_bytes(encoded(answer(key, "0" * 24, prefers("a"))))
    return ["study", "tally", folders.out, answers, "--out", folder / "tally.json"], folder / "tally.json"


def export(desk: Desk, folder: Path) -> tuple[Command, Path]:
    return ["export", desk.model(), folder / "photos.onnx"], folder / "photos.onnx"


def shrink(desk: Desk, folder: Path) -> tuple[Command, Path]:
    return ["shrink", desk.model(), folder / "small.safetensors"], folder / "small.safetensors"


def import_(desk: Desk, folder: Path) -> tuple[Command, Path]:
    command = ["import", "--generator", desk.folder / "lost.pth", "--dataset", "coco-stuff"]
    return [*command, "--out", folder / "model.safetensors"], folder / "model.safetensors"


def compile_(desk: Desk, folder: Path) -> tuple[Command, Path]:
    desk.request.getfixturevalue("compiler")
    desk.request.getfixturevalue("monkeypatch").setenv("XDG_CACHE_HOME", str(folder))
    return ["compile"], library_path()


COMMANDS: dict[str, Writing] = {
    one.__name__.strip("_").replace("_", " "): one
    for one in (
        *(preset, init, scan, prepare, judge, loss_network, train, synthesize),
        *(remake, styles, evaluate, report),
        *(report_of_the_grid, table, study_make, study_serve, study_tally, import_, compile_),
        *(export, shrink),
    )
}
