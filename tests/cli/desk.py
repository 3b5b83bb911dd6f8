"""Where a command meets bad input, and what must be so afterwards."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from ccfpse_cli.main import app

Command = list[str | Path]


@dataclasses.dataclass
class Desk:
    """The working folder of a case, where everything good is made on demand."""

    folder: Path
    request: pytest.FixtureRequest

    @property
    def params(self) -> Path:
        """Settings, and the raw data that they name."""
        path: Path = self.request.getfixturevalue("params")
        return path

    @property
    def store(self) -> Path:
        path: Path = self.request.getfixturevalue("store")
        return path

    @property
    def labels(self) -> Path:
        """A folder with one good label map, `good.png`."""
        folder = self.folder / "labels"
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.full((32, 64), 10, np.uint8)).save(folder / "good.png")
        return folder

    def model(self, **changes: Any) -> Path:
        path: Path = self.request.getfixturevalue("make_model")(**changes)
        return path

    def edit(self, key: str, value: object) -> None:
        """Sets, adds or (with `...`) removes a key of the settings, dotted."""
        settings = yaml.safe_load(self.params.read_text())
        *parents, last = key.split(".")
        section = settings
        for parent in parents:
            section = section[parent]
        section[last] = value
        if value is ...:
            del section[last]
        self.params.write_text(yaml.safe_dump(settings))


def content(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder, but for locks, which a dead process does not hold."""
    return {
        f.relative_to(folder).as_posix(): f.read_bytes() if f.is_file() else None
        for f in folder.rglob("*")
        if f.name != "lock" and not (f.is_dir() and f.name.startswith("."))
    }


def check_refused(command: Command, words: str, folder: Path) -> None:
    """Runs a command in `folder`: one sentence that has the words, exit code 2, and nothing has changed."""
    before = content(folder)
    ended = CliRunner().invoke(app, [str(part) for part in command])
    assert ended.exit_code == 2, ended.output
    told = [line for line in ended.stderr.splitlines() if not re.match(r"[\w ]+: \d+/\d+, \d+ s", line)]
    assert len(told) == 1, ended.stderr
    assert told[0].startswith("error: ")
    assert re.search(words, told[0]), told[0]
    assert content(folder) == before
