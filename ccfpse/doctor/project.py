"""The project of this folder: settings, git and DVC."""

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

from ccfpse.errors import CcfpseError
from ccfpse.opening import read_regular
from ccfpse.yamltext import parse_yaml


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """The repository that the folder is in."""

    folder: str
    commit: str | None
    """None: nothing is committed yet."""
    changed_files: int
    """Changed or new since."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dvc:
    """The pipeline of the folder."""

    initialised: bool
    stages: tuple[str, ...]
    """Of `dvc.yaml`."""
    never_run: tuple[str, ...]
    """Of these: `dvc.lock` has no result."""


def find_git(folder: Path) -> Git | None:
    """None: no repository, or no git."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        return None
    changes = _git(folder, "status", "--porcelain") or ""
    return Git(
        folder=top,
        commit=_git(folder, "rev-parse", "--short", "--verify", "HEAD"),
        changed_files=len(changes.splitlines()),
    )


def find_dvc(folder: Path) -> Dvc | None:
    """None: the folder has no `dvc.yaml`."""
    if not (folder / "dvc.yaml").is_file():
        return None
    stages, ran = _stages(folder / "dvc.yaml"), _stages(folder / "dvc.lock")
    above = (folder.absolute(), *folder.absolute().parents)
    return Dvc(
        initialised=any((place / ".dvc").is_dir() for place in above),
        stages=tuple(stages),
        never_run=tuple(name for name in stages if name not in ran),
    )


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None: it refuses, or is not installed."""
    try:
        # Settings of a repository can name a program that watches it, which nobody asked to run.
        command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", *arguments]
        ended = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if ended.returncode else ended.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def _stages(path: Path) -> list[str]:
    """Names of stages, none in a file that is missing or damaged: DVC says what is wrong with it."""
    try:
        content: Any = parse_yaml(read_regular(path), str(path))
    except (OSError, CcfpseError):
        return []
    stages = content.get("stages") if isinstance(content, dict) else None
    return [str(name) for name in stages] if isinstance(stages, dict) else []
