"""The pipeline of this folder, as DVC has it."""

import dataclasses
from pathlib import Path
from typing import Any

from ccfpse.errors import CcfpseError
from ccfpse.opening import read_regular
from ccfpse.yamltext import parse_yaml


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dvc:
    """The pipeline of the folder."""

    initialised: bool
    stages: tuple[str, ...]
    """Of `dvc.yaml`."""
    never_run: tuple[str, ...]
    """Of these: `dvc.lock` has no result."""


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


def _stages(path: Path) -> list[str]:
    """Names of stages, none in a file that is missing or damaged: DVC says what is wrong with it."""
    try:
        content: Any = parse_yaml(read_regular(path), str(path))
    except (OSError, CcfpseError):
        return []
    stages = content.get("stages") if isinstance(content, dict) else None
    return [str(name) for name in stages] if isinstance(stages, dict) else []
