"""Runs: evaluations with names by which the page tells them apart."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ccfpse.errors import SettingsError
from ccfpse.report.evaluation import Evaluation, read_evaluation


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One evaluation under the name that the page shows."""

    name: str
    evaluation: Evaluation


def named_runs(given: Sequence[str]) -> list[Run]:
    """Reads the evaluations that a command names, each FOLDER or NAME=FOLDER.

    Without NAME a run is called as its folder is, with as many folders above it as tell it from others.

    Raises:
        SettingsError: a name or a folder comes twice, or a name is empty.
        DataError: an evaluation is missing or damaged.
    """
    pairs = [_split(one) for one in given]
    folders = [folder.resolve() for _, folder in pairs]
    for folder in folders:
        if folders.count(folder) > 1:
            raise SettingsError(f"{folder.name}: is named twice; name every evaluation once")
    short = _distinct([folder for (name, _), folder in zip(pairs, folders, strict=True) if name is None])
    names = [
        name if name is not None else short[folder] for (name, _), folder in zip(pairs, folders, strict=True)
    ]
    for name in names:
        if not name.strip():
            raise SettingsError("a name before = is empty; give NAME=FOLDER")
        if names.count(name) > 1:
            raise SettingsError(f"two runs are called {name}; tell them apart with NAME=FOLDER")
    return [Run(name, read_evaluation(folder)) for name, (_, folder) in zip(names, pairs, strict=True)]


def _split(given: str) -> tuple[str | None, Path]:
    """A folder may have = in its own name."""
    name, equals, folder = given.partition("=")
    return (None, Path(given)) if not equals or Path(given).is_dir() else (name, Path(folder))


def _distinct(folders: Sequence[Path]) -> dict[Path, str]:
    """The last parts of each, as few as tell it from all others."""
    return {folder: _short(folder, [other for other in folders if other != folder]) for folder in folders}


def _short(folder: Path, others: Sequence[Path]) -> str:
    depth = 1
    while any(other.parts[-depth:] == folder.parts[-depth:] for other in others):
        depth += 1
    return "/".join(folder.parts[-depth:])
