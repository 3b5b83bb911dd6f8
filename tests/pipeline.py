"""The pipeline of a copy of the project, with settings that take a minute."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

TINY: dict[str, dict[str, Any]] = {
    "data": {"sample": {"train": 4, "val": 2, "seed": 3}},
    "model": {"width": 4, "predictor_width": 4, "discriminator_width": 4},
    "loss_network": {"small": {"width": 4, "steps": 2, "batch": 2, "learning_rate": 0.002, "seed": 11}},
    "judge": {"enlarge": 1, "steps": 2, "batch": 2},
    "train": {"steps": 4, "decay_start": 2, "batch": 2},
    "evaluate": {"pictures": 2},
    "runtime": {"workers": 1, "strip_every": 20},
}


# The installed commands are found by name, as in an active environment.
ENVIRONMENT = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def run(project: Path, *command: str) -> str:
    """What the command prints."""
    ended = subprocess.run(
        command,
        cwd=project,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def change(project: Path, changes: dict[str, dict[str, Any]]) -> None:
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text("utf-8"))
    for section, values in changes.items():
        params[section] |= values
    path.write_text(yaml.safe_dump(params), "utf-8")
