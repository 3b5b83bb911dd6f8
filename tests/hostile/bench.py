"""Where malformed inputs are made: a working folder with copies of whatever good things they need."""

import os
import shutil
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from typer.testing import CliRunner

from ccfpse.config import preset_text
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.modelfile import load_model, save_model
from ccfpse_cli.main import app
from tests.report.evaluations import write_evaluation
from tests.study.answering import answer, encoded, prefers
from tests.study.photos import make_folders
from tests.tiny import model_file

SETTINGS = "params.yaml"
Command = list[str]

TABLE = ClassTable(
    name="toy",
    classes=tuple(
        LabelClass(f"class {i}", (50 * i, 100, 200), 10 * (i + 1), has_instances=i == 0, evaluated=True)
        for i in range(3)
    ),
    has_dont_care=True,
    dont_care_raw=(255,),
    dont_care_colors=((0, 0, 0),),
)


class Bench:
    """The working folder of one malformed input."""

    def __init__(self, shelf: Path, folder: Path) -> None:
        self._shelf = shelf
        self.folder = folder

    def take(self, *names: str) -> Path:
        """Copies good things here; returns the last one."""
        for name in names:
            if not (self.folder / name).exists():
                copy = shutil.copytree if (self._shelf / name).is_dir() else shutil.copy
                copy(self._shelf / name, self.folder / name)
        return self.folder / names[-1]

    def has(self, name: str) -> bool:
        """Whether there is such a good thing."""
        return (self._shelf / name).exists()

    def edit(self, key: str, value: object) -> None:
        """Sets a key of the settings, dotted."""
        path = self.take(SETTINGS)
        settings = yaml.safe_load(path.read_text())
        *parents, last = key.split(".")
        section = settings
        for parent in parents:
            section = section[parent]
        section[last] = value
        path.write_text(yaml.safe_dump(settings))


def fill_shelf(folder: Path) -> None:
    """Makes everything good once; the working folder is `folder` meanwhile."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        _fill()
    finally:
        os.chdir(before)


def _fill() -> None:
    _write_raw(Path("raw"))
    _write_settings(Path(SETTINGS))
    for command in (["prepare"], ["judge"], ["loss-network"]):
        assert CliRunner().invoke(app, command).exit_code == 0, command
    shutil.copytree("raw/val/images", "synthesized")
    Path("labels").mkdir()
    Image.fromarray(np.full((32, 64), 10, np.uint8)).save("labels/good.png")
    for style in (False, True):
        path = Path("style.safetensors" if style else "model.safetensors")
        path.write_bytes(model_file(TABLE, style=style))
    made = ["synthesize", "labels", "photos", "--model", "model.safetensors"]
    assert CliRunner().invoke(app, made).exit_code == 0
    save_model(Path("small.safetensors"), load_model(Path("model.safetensors")), "int8")
    write_evaluation(Path("evaluation"))
    write_evaluation(Path("second"), seed=1)
    folders = make_folders(Path("made"))
    key = folders.make()
    (folders.out / "answers").mkdir()
    for side in "ab":
        content = encoded(answer(key, side * 24, prefers(side)))
        (folders.out / f"answers/{side * 24}.json").write_bytes(content)
    for name in ("a", "b", "labels", "study"):
        (Path("made") / name).rename(f"study_{name}" if name != "study" else name)


def _write_raw(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("town/a", "town/b"):
            blocks = rng.integers(0, 3, (4, 8)).repeat(8, 0).repeat(8, 1)
            photo = rng.integers(0, 256, (32, 64, 3))
            for kind, pixels in (("images", photo), ("labels", 10 * (blocks + 1)), ("instances", blocks)):
                path = folder / split / kind / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(path)
    entries = [{"name": c.name, "id": c.raw, "color": list(c.color)} for c in TABLE.classes]
    entries.append({"name": "void", "id": 255, "ignore": True})
    (folder / "classes.yaml").write_text(yaml.safe_dump(entries))


def _write_settings(path: Path) -> None:
    settings = yaml.safe_load(preset_text("custom"))
    kinds = ("images", "labels", "instances")
    settings["data"] |= {"source": "raw", "size": [32, 64], "load_size": [32, 64], "instances": True}
    settings["data"]["custom"] |= {
        split: {kind: f"{split}/{kind}" for kind in kinds} for split in ("train", "val")
    }
    settings["model"] |= {"width": 2, "predictor_width": 4, "discriminator_width": 2}
    settings["train"] |= {"steps": 2, "decay_start": 1, "batch": 2}
    settings["judge"] |= {"enlarge": 1, "steps": 1, "batch": 2}
    settings["loss_network"]["small"] |= {"width": 2, "steps": 1, "batch": 2}
    settings["paths"] = {name: name for name in settings["paths"]}
    settings["runtime"] |= {"device": "cpu", "workers": 0}
    path.write_text(yaml.safe_dump(settings))
