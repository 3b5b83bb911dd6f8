"""The examples that commands' help texts end with, and what lies in a folder where they work."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.hostile.bench import Bench

TERMINAL = 80  # columns


def commands(group: Any = None, *names: str) -> Iterator[tuple[str, ...]]:
    """Every command, such as ("study", "make")."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        else:
            yield (*names, name)


def help_text(*command: str) -> str:
    """As a terminal of 80 columns shows it."""
    ended = CliRunner().invoke(app, [*command, "--help"], terminal_width=TERMINAL, env={"COLUMNS": "80"})
    assert ended.exit_code == 0, ended.output
    return ended.output


def examples(*command: str) -> list[list[str]]:
    """What the help of a command says to type, as arguments without `ccfpse`."""
    lines = [line.strip() for line in help_text(*command).splitlines()]
    assert "Example:" in lines, f"the help of {' '.join(command)} has no example"
    typed = [shlex.split(line) for line in lines[lines.index("Example:") + 1 :] if line]
    assert typed, f"the help of {' '.join(command)} has no example"
    for words in typed:
        assert words[: len(command) + 1] == ["ccfpse", *command], words
    return [words[1:] for words in typed]


def lay(bench: Bench, *names: str) -> None:
    """Good things under the names that the examples give them: `layouts` or `layouts=labels`."""
    for name in names:
        ours, _, shelf = name.partition("=")
        bench.take(shelf or ours)
        if shelf:
            (bench.folder / shelf).rename(bench.folder / ours)


_SETTINGS = "params.yaml"
_NEEDS: dict[str, tuple[str, ...]] = {
    "init": ("raw",),
    "scan": (_SETTINGS, "raw"),
    "prepare": (_SETTINGS, "raw"),
    "judge": (_SETTINGS, "prepared"),
    "loss-network": (_SETTINGS, "prepared"),
    "train": (_SETTINGS, "prepared", "loss_network"),
    "synthesize": ("layouts=labels", "model.safetensors"),
    "remake": ("photos", "layouts=labels", "model.safetensors"),
    "styles": ("layouts=labels", "model.safetensors=style.safetensors"),
    "paint": ("model.safetensors",),
    "evaluate": (_SETTINGS, "prepared", "judge", "synthesized"),
    "report": ("evaluation", "other=second"),
    "export": ("model.safetensors",),
    "shrink": ("model.safetensors",),
    "clean": (_SETTINGS,),
    "describe": (_SETTINGS, "raw"),
    "study make": ("ours=study_a", "theirs=study_b", "layouts=study_labels"),
    "study serve": ("study",),
    "study tally": ("study",),
}


def make_ready(bench: Bench, *command: str) -> None:
    """Whatever the examples of a command need; a command that is not known here gets an empty folder."""
    name = " ".join(command)
    lay(bench, *_NEEDS.get(name, ()))
    if name == "import":
        _publish(bench.folder / "200_net_G.pth")


def _publish(path: Path) -> None:
    """A published generator's entries with tiny weights: of ADE20K's 150 classes and don't care."""
    import json

    import torch

    from ccfpse.models import ConditionalGenerator
    from ccfpse.published_names import generator_names

    case = Path(__file__).parents[1] / "parity/cases/generator-coco-novae/case.json"
    names = generator_names(json.loads(case.read_text("utf-8"))["keys"]["G"])
    state = ConditionalGenerator(151, width=2, predictor_width=3, n_doublings=5).state_dict()
    torch.save({entry: state[ours] for entry, ours in names.items()}, path)


def environment(cache: Path) -> dict[str, str]:
    """Of a process that runs an example."""
    return {**os.environ, "XDG_CACHE_HOME": str(cache), "OMP_NUM_THREADS": "1"}
