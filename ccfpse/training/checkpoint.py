"""Where an unfinished run lives, and the full state from which it goes on.

Partial work stands beside the output, never inside, under a key of everything that decides the
result; DVC may delete the output before a run and the run still goes on.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from ccfpse.config import Settings, plain
from ccfpse.errors import ModelFileError
from ccfpse.files import code_checksum, replacing

FORMAT = 1
_CODE = ("layout.py", "losses.py", "models", "ops", "training")
"""The part of this package that decides what a training step computes."""


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The folder of one unfinished run."""

    path: Path

    @classmethod
    def of(cls, out: Path, settings: Settings, **inputs: str | None) -> "RunFolder":
        """The folder beside `out` for these settings, code, and inputs given by their checksums."""
        decisive = {
            "data": {
                "size": settings.data.size,
                "flip": settings.data.flip,
                "instances": settings.data.instances,
            },
            "model": plain(settings.model),
            "train": plain(settings.train),
            "code": code_checksum(*_CODE),
            "inputs": inputs,
        }
        key = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:12]
        return cls(out.with_name(f".{out.name}.partial-{key}"))

    @property
    def log(self) -> Path:
        """Folder of dvclive's series."""
        return self.path / "log"

    @property
    def strip(self) -> Path:
        """Folder of the pictures of the fixed strip of layouts."""
        return self.path / "strip"

    def checkpoints(self) -> list[Path]:
        """Checkpoints, newest first."""
        return sorted(self.path.glob("step-*.pt"), reverse=True)

    def save(self, step: int, state: dict[str, Any], keep: int) -> None:
        """Writes the state after `step` steps, then removes all checkpoints but the newest `keep`."""
        # Into an open file: given a path, torch reports a full disk as an error of its own.
        with replacing(self.path / f"step-{step:09d}.pt") as temporary, temporary.open("wb") as file:
            torch.save({"format": FORMAT, "step": step, **state}, file)
        for old in self.checkpoints()[keep:]:
            old.unlink()

    def load_newest(self, warn: Callable[[str], None]) -> dict[str, Any] | None:
        """The newest state that can be read; None: there is no checkpoint.

        Raises:
            ModelFileError: there are checkpoints, but none can be read.
        """
        found = self.checkpoints()
        for path in found:
            try:
                state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
                if state["format"] == FORMAT:
                    return state
                warn(f"{path}: checkpoint of another format ({state['format']}); trying the one before")
            except (
                OSError,
                RuntimeError,
                EOFError,
                LookupError,
                TypeError,
                ValueError,
                UnpicklingError,
            ) as e:
                warn(f"{path}: damaged checkpoint ({type(e).__name__}); trying the one before")
        if found:
            raise ModelFileError(
                f"{self.path}: no checkpoint there can be read; remove the folder to start anew"
            )
        return None
