"""Where a run lives, and which earlier work it goes on from.

The state of a run stands beside its output, never inside, under a key of everything that decides
the result: DVC may delete the output before a run and the run still goes on. It stays when the run
is done, so that a longer one can go on from it.
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from ccfpse.config import Settings, plain
from ccfpse.errors import ModelFileError, TrainingError
from ccfpse.files import code_checksum, write_json
from ccfpse.training.checkpoint import checkpoints, read_checkpoint, step_of

_CODE = ("layout.py", "losses.py", "models", "ops", "training")
"""The part of this package that decides what a training step computes."""
_RECORD = "run.json"


@dataclasses.dataclass(frozen=True)
class Course:
    """The settings in which a run may differ from the one it goes on from."""

    steps: int
    decay_start: int
    learning_rate_generator: float
    learning_rate_discriminator: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The course that these settings ask for."""
        return cls(**{field.name: getattr(settings.train, field.name) for field in dataclasses.fields(cls)})

    def equals_until(self, step: int, other: "Course") -> bool:
        """Whether both have the same learning rates in each of the first `step` steps."""
        return self == other or (
            self.learning_rate_generator == other.learning_rate_generator
            and self.learning_rate_discriminator == other.learning_rate_discriminator
            and step <= min(self.decay_start, other.decay_start)
        )


@dataclasses.dataclass(frozen=True)
class Start:
    """The state that a run goes on from."""

    state: dict[str, Any]
    folder: Path
    """Where it lies, with the log and the strip that lead to it."""
    extends: tuple[dict[str, Any], ...]
    """Courses that the run had before, each with the step ``until`` which it had it."""

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
            "code": code_checksum(*_CODE),
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
        """Makes the folder, and clears away what a killed process left in it."""
        self.path.mkdir(parents=True, exist_ok=True)
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
            ModelFileError: there are own checkpoints, but none can be read.
            TrainingError: it extends, and there is nothing to extend.
        """
        own = checkpoints(self.path)
        for path in own:
            if (found := _read(path, say)) is not None:
                return Start(found, self.path, tuple(found["extends"]))
        if own:
            raise ModelFileError(
                f"{self.path}: no checkpoint there can be read; remove the folder to start anew"
            )
        return self._elsewhere(say)

    def adopt(self, start: Start, last_logged: int) -> None:
        """Takes over log and strip of another run up to a step."""
        if start.folder == self.path:
            return
        for part in (self.log, self.strip):
            shutil.rmtree(part, ignore_errors=True)
            if (start.folder / part.name).is_dir():
                shutil.copytree(start.folder / part.name, part)
        for picture in self.strip.glob("step-*.png"):
            if int(picture.stem.removeprefix("step-")) > last_logged:
                picture.unlink()

    def way_out(self) -> str:
        """What to do where figures of the run are not finite."""
        rates = "lower train.learning_rate_generator and train.learning_rate_discriminator"
        last = next(iter(checkpoints(self.path)), None)
        if last is None:
            return f"there is no checkpoint yet: {rates} and start again"
        return f"{rates} and go on from the last good checkpoint, {last}, with `ccfpse train --extend`"

    def _elsewhere(self, say: Callable[[str], None]) -> Start | None:
        others = sorted(
            ((step_of(path), path, course) for course, path in self._others()), key=lambda found: found[0]
        )
        for step, path, course in reversed(others):
            same = self.course.equals_until(step, course)
            if not (same or self.extends) or (found := _read(path, say)) is None:
                continue
            before = tuple(found["extends"])
            if not same:
                before = (*before, {**dataclasses.asdict(course), "until": step})
            say(f"going on from the run in {path.parent}, train.steps {course.steps}, after step {step}")
            return Start(found, path.parent, before)
        if self.extends:
            raise TrainingError(
                f"{self.path.parent}: there is no run to extend, that is with a checkpoint before step "
                f"{self.course.steps} and all settings but train.steps, decay_start and learning rates as "
                "they are; leave out --extend"
            )
        if others:
            step, path, course = others[-1]
            say(
                f"starting anew: the run in {path.parent} stands after step {step}, but on the way there had "
                "other learning rates than this one; `ccfpse train --extend` would go on from it"
            )
        return None

    def _others(self) -> Iterator[tuple[Course, Path]]:
        """Checkpoints of other runs of the same lineage that stand before this one's end."""
        for folder in self.path.parent.glob(f".{self.out_name}.partial-*"):
            record = _record(folder)
            if folder == self.path or record.get("lineage") != self.lineage:
                continue
            if record["extends"] and not self.extends:
                continue
            course = Course(**record["course"])
            for path in checkpoints(folder):
                if step_of(path) < self.course.steps:
                    yield course, path


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
        record: dict[str, Any] = json.loads((folder / _RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record


def _read(path: Path, say: Callable[[str], None]) -> dict[str, Any] | None:
    try:
        return read_checkpoint(path)
    except ModelFileError as error:
        say(f"{error}; trying the one before")
        return None


def _checksum(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
