"""The git repository around a folder."""

import dataclasses
import subprocess
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """The repository that the folder is in."""

    folder: str
    commit: str | None
    """None: nothing is committed yet."""
    changed_files: int | None
    """Changed or new since; None: git does not say."""


def find_git(folder: Path) -> Git | None:
    """None: no repository, or no git."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        return None
    changes = _git(folder, "status", "--porcelain")
    return Git(
        folder=top,
        commit=_git(folder, "rev-parse", "--short", "--verify", "HEAD"),
        changed_files=None if changes is None else len(changes.splitlines()),
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
