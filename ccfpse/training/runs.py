"""Where a run lives, and which earlier work it goes on from.

The state of a run stands beside its output, never inside, under a key of everything that decides
the result: DVC may delete the output before a run and the run still goes on. It stays when the run
is done, so that a longer one can go on from it.
"""

import dataclasses
import glob
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from ccfpse.config import Settings, plain
from ccfpse.errors import ModelFileError, TrainingError
from ccfpse.files import code_checksum, copy_folder, write_json, writing
from ccfpse.opening import read_text
from ccfpse.placing import flush, flush_all, refuse_strange
from ccfpse.training.checkpoint import checkpoints, read_checkpoint, remove_all_but, step_of
from ccfpse.training.course import Course

CODE = (
    *("labelspace.py", "layout.py", "layoutweights.py", "losses.py", "modelfile", "models", "native"),
    *("ops", "prepared.py", "running_statistics.py", "training"),
)
"""The part of this package that decides what a training step computes."""
_RECORD = "run.json"
_DAMAGED = "damaged-"
_FAILED = "not_finite"
"""Entry of the record: the run's figures stopped being finite after its last checkpoint."""


@dataclasses.dataclass(frozen=True)
class Start:
    """The state that a run goes on from."""

    state: dict[str, Any]
    checkpoint: Path
    """Where it lies; log and strip that lead to it are beside it."""
    extends: tuple[dict[str, Any], ...]
    """Courses that the run had before, each with the step ``until`` which it had it."""

    @property
    def folder(self) -> Path:
        """The run's, which may be an earlier one."""
        return self.checkpoint.parent

    @property
    def machines(self) -> tuple[dict[str, Any], ...]:
        """On what its steps were computed, see `machine.machine`."""
        return tuple(self.state["machines"])

    @property
    def step(self) -> int:
        """Steps that are done."""
        return int(self.state["step"])


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path
    out_name: str
    course: Course
    lineage: str
    """Checksum of everything else that decides the result."""
    extends: bool
    """Whether the run may go on from one with another course that began differently."""

    @classmethod
    def of(cls, out: Path, settings: Settings, extends: bool, **inputs: str | None) -> Self:
        """The folder beside `out` for these settings, this code, and inputs given by their checksums."""
        course = Course.of(settings)
        train = plain(settings.train)
        for name in dataclasses.asdict(course):
            del train[name]
        decisive = {
            "data": {
                "size": settings.data.size,
                "flip": settings.data.flip,
                "instances": settings.data.instances,
            },
            "model": plain(settings.model),
            "train": train,
            "code": code_checksum(*CODE),
            "inputs": inputs,
        }
        lineage = _checksum(decisive)
        key = _checksum([lineage, dataclasses.asdict(course), extends])[:12]
        return cls(out.with_name(f".{out.name}.partial-{key}"), out.name, course, lineage, extends)

    @property
    def log(self) -> Path:
        """Folder of dvclive's series."""
        return self.path / "log"

    @property
    def strip(self) -> Path:
        """Folder of the pictures of the fixed strip of layouts."""
        return self.path / "strip"

    def make(self) -> None:
        """Makes the folder, and clears away what a killed process left in it.

        Raises:
            OutputError: something is there that training does not make, see `refuse_strange`.
        """
        refuse_strange(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        flush(self.path.parent)
        for left in self.path.glob(".step-*.tmp.pt"):
            left.unlink()
        write_json(
            self.path / _RECORD,
            {
                "course": dataclasses.asdict(self.course),
                "lineage": self.lineage,
                "extends": self.extends,
            },
        )

    def start(self, say: Callable[[str], None]) -> Start | None:
        """What the run goes on from; None: it starts anew. Writes nothing.

        The newest checkpoint of its own; otherwise that of another run which equals this one up to
        there; otherwise, where it `extends`, the newest of any run of the same lineage.

        Args:
            say: gets a sentence on each checkpoint that is passed over.

        Raises:
            OutputError: in the folder of another run that it goes on from is something strange.
            ModelFileError: there are own checkpoints, but none can be read.
            TrainingError: it extends, and there is nothing to extend.
        """
        own = checkpoints(self.path)
        for path in own:
            if (found := _read(path, say)) is not None:
                return Start(found, path, tuple(found["extends"]))
        if own:
            raise ModelFileError(
                f"{self.path}: no checkpoint there can be read; remove the folder to start anew"
            )
        return self._elsewhere(say)

    def adopt(self, start: Start, last_logged: int) -> None:
        """Makes the folder that of a run which goes on from `start`, with log and strip up to a step."""
        if start.folder == self.path:
            # Damaged: kept as they are the newest, they would push out those that can be read.
            for path in checkpoints(self.path):
                if step_of(path) > start.step:
                    path.replace(path.with_name(_DAMAGED + path.name))
            return
        with writing(self.path):
            for part in (self.log, self.strip):
                shutil.rmtree(part, ignore_errors=True)
                if (start.folder / part.name).is_dir():
                    copy_folder(start.folder / part.name, part)
            for picture in self.strip.glob("step-*.png"):
                if int(picture.stem.removeprefix("step-")) > last_logged:
                    picture.unlink()
            for part in (self.log, self.strip):
                if part.is_dir():
                    flush_all(part)
        record = _record(start.folder)
        if record.pop(_FAILED, False):
            write_json(start.folder / _RECORD, record)

    def settle(self) -> None:
        """Leaves the last checkpoint alone, for a longer run; this one is done."""
        remove_all_but(self.path, 1)
        for path in self.path.glob(f"{_DAMAGED}*"):
            path.unlink()

    def way_out(self, start: Start | None) -> str:
        """What to do now that figures of the run are not finite; `ccfpse train --extend` will find the place.

        Args:
            start: what this process went on from. Its checkpoints are all written.
        """
        rates = "lower train.learning_rate_generator and train.learning_rate_discriminator"
        last = next(iter(checkpoints(self.path)), None if start is None else start.checkpoint)
        if last is None:
            return f"there is no checkpoint yet: {rates} and start again"
        write_json(last.parent / _RECORD, {**_record(last.parent), _FAILED: True})
        return f"{rates} and go on from the last good checkpoint, {last}, with `ccfpse train --extend`"

    def _elsewhere(self, say: Callable[[str], None]) -> Start | None:
        others = sorted(self._others(), key=lambda other: (self.extends and other.has_failed, other.step))
        for other in reversed(others):
            same = self.course.equals_until(other.step, other.course)
            if not (same or self.extends) or (found := _read(other.checkpoint, say)) is None:
                continue
            before = tuple(found["extends"])
            if not same:
                before = (*before, {**dataclasses.asdict(other.course), "until": other.step})
            folder, steps = other.checkpoint.parent, other.course.steps
            refuse_strange(folder)
            say(f"going on from the run in {folder}, train.steps {steps}, after step {other.step}")
            return Start(found, other.checkpoint, before)
        if self.extends:
            raise TrainingError(
                f"{self.path.parent}: there is no run to extend, that is with a checkpoint before step "
                f"{self.course.steps} and all settings but train.steps, decay_start and learning rates as "
                "they are; leave out --extend"
            )
        if others:
            last = others[-1]
            say(
                f"starting anew: the run in {last.checkpoint.parent} stands after step {last.step}, but had "
                "other learning rates on the way than this one; `ccfpse train --extend` would go on from it"
            )
        return None

    def _others(self) -> Iterator["_Other"]:
        """Checkpoints of other runs of the same lineage that stand before this one's end."""
        for folder in self.path.parent.glob(f".{glob.escape(self.out_name)}.partial-*"):
            record = _record(folder)
            if folder == self.path or record.get("lineage") != self.lineage:
                continue
            if record["extends"] and not self.extends:
                continue
            course, has_failed = Course(**record["course"]), bool(record.get(_FAILED))
            for path in checkpoints(folder):
                if step_of(path) < self.course.steps:
                    yield _Other(course, path, has_failed)


@dataclasses.dataclass(frozen=True)
class _Other:
    """A checkpoint of another run."""

    course: Course
    checkpoint: Path
    has_failed: bool
    """Figures of that run stopped being finite."""

    @property
    def step(self) -> int:
        return step_of(self.checkpoint)


def describe_run(folder: Path) -> str:
    """What is in the folder of a run."""
    steps = _record(folder).get("course", {}).get("steps")
    done = max(map(step_of, checkpoints(folder)), default=0)
    if done == steps:
        return f"last checkpoint of a finished training run, {steps} steps"
    return f"unfinished training run, {done} of {steps if steps else 'unknown'} steps"


def _record(folder: Path) -> dict[str, Any]:
    """What `make` wrote there; nothing where that cannot be read."""
    try:
        record = json.loads(read_text(folder / _RECORD))
        course = Course(**record["course"])
        if not all(isinstance(value, int | float) for value in dataclasses.astuple(course)):
            return {}
        return {**record, "extends": bool(record.get("extends"))}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # the last: brackets in brackets
        return {}


def _read(path: Path, say: Callable[[str], None]) -> dict[str, Any] | None:
    try:
        state = read_checkpoint(path)
        if state.get("step") != step_of(path) or not (
            _is_list(state.get("extends")) and _is_list(state.get("machines")) and state["machines"]
        ):
            raise ModelFileError(f"{path}: is a checkpoint of something else than this run")
        return state
    except ModelFileError as error:
        say(f"{error}; trying the one before")
        return None


def _is_list(found: object) -> bool:
    """Of entries with names."""
    return isinstance(found, list) and all(isinstance(entry, dict) for entry in found)


def _checksum(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
