"""`ccfpse init`: from folders of photos and label maps to a project that `dvc repro` runs."""

import dataclasses
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from ccfpse.config import Settings, plain
from ccfpse.datasets.raw import BadFile
from ccfpse.errors import DataError, OutputError
from ccfpse.files import adding
from ccfpse.modelfile import ModelFile, load_model
from ccfpse.outputlock import output_lock
from ccfpse.projects.choices import FEW, Choices, Reasoned, choose
from ccfpse.projects.coding import Guess, guess
from ccfpse.projects.contents import contents
from ccfpse.projects.folders import Folders, Paired, pair
from ccfpse.projects.machine import Machine, this_machine
from ccfpse.projects.maps import Looked, look

Progress = Callable[[int, int], None]
_MAY_BE_THERE = (".git", ".lock", ".tmp")
"""In the folder of a new project: a repository without files yet; our own lock and temporary folder."""


@dataclasses.dataclass(frozen=True, slots=True)
class Started:
    """A project that was written, and what was found on the way."""

    project: Path
    paired: Paired
    looked: int
    """Pairs that were opened and are good."""
    opened: int
    guess: Guess
    choices: Choices
    machine: Machine
    settings: Settings
    suspicious: tuple[str, ...]
    """Sentences, each about a file."""
    advice: tuple[str, ...]
    """Sentences about what to expect."""


def start(
    project: Path,
    given: Folders,
    model: Path | None,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> Started:
    """Looks at the folders and writes the project, whole or not at all.

    Args:
        project: folder that is not there yet or is empty (a `.git` may be in it).
        given: folders of photos and maps.
        model: model file to start training from, whose networks the settings then have.
        progress: called with a description; shows (pairs done, pairs in all) while the block runs.

    Raises:
        OutputError: `project` holds something, is in use, or cannot be written.
        DataError: nothing pairs up, or no pair or no class can be used.
        ModelFileError: `model` cannot be read.
    """
    with output_lock(project):
        _refuse_used(project)
        start_from = None if model is None else load_model(model)
        paired = pair(given)
        machine = this_machine()
        with progress("label maps") as update:
            looked, problems = look(paired.samples, machine.cores, update)
        if not looked:
            raise _nothing_good(problems)
        guessed = guess(looked, seen_all=len(looked) + len(problems) == len(paired.samples))
        choices = _choices(paired, looked, machine, model, start_from)
        files, settings = contents(project, paired, guessed, choices)
        with adding(project) as temporary:
            for name, text in files.items():
                (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                (temporary / name).write_text(text, "utf-8", newline="\n")
    return Started(
        project,
        paired,
        len(looked),
        len(looked) + len(problems),
        guessed,
        choices,
        machine,
        settings,
        tuple(_problems(paired.bad) + problems + list(guessed.suspicious) + _small(looked, settings)),
        tuple(_advice(paired, guessed, start_from)),
    )


def _nothing_good(problems: list[str]) -> DataError:
    first, *others = problems
    return DataError(f"no pair can be used: {first}", *others[:10])


def _refuse_used(project: Path) -> None:
    if project.is_symlink() or (project.exists() and not project.is_dir()):
        raise OutputError(f"{project}: is not a folder; choose another name for the project")
    if project.is_dir() and (there := {f.name for f in project.iterdir()} - set(_MAY_BE_THERE)):
        raise OutputError(
            f"{project}: holds {min(there)!r}{' and more' if len(there) > 1 else ''}; "
            "a project begins in a new or an empty folder"
        )


def _choices(
    paired: Paired, looked: list[Looked], machine: Machine, model: Path | None, start_from: ModelFile | None
) -> Choices:
    n_train, sizes = len(paired.splits["train"].samples), [one.size for one in looked]
    if model is None or start_from is None:
        return choose(n_train, sizes, machine, doublings=5)
    choices = choose(n_train, sizes, machine, start_from.model.doublings, start_from.model.width)
    taken = {f"model.{key}": Reasoned(value, "") for key, value in plain(start_from.model).items()}
    why = "classes of this model file are taken over by name; section model has its networks"
    taken["train.init"] = Reasoned(os.path.abspath(model), why)  # noqa: PTH100 - links keep their names
    return dataclasses.replace(choices, settings=choices.settings | taken)


def _problems(bad: list[BadFile]) -> list[str]:
    return [one.problem for one in bad]


def _small(looked: list[Looked], settings: Settings) -> list[str]:
    height, width = settings.data.size
    small = [one for one in looked if one.size[0] < height // 2 or one.size[1] < width // 2]
    return [
        f"{one.name}: is {one.size[1]}x{one.size[0]} pixels (width x height), far less than the network makes"
        for one in small
    ]


def _advice(paired: Paired, guessed: Guess, start_from: ModelFile | None) -> list[str]:
    n_train = len(paired.splits["train"].samples)
    said = [f"{folder} is neither trained nor validated on" for folder in paired.left_out]
    if guessed.known_as is None and guessed.coding == "ids" and 0 in guessed.pixels:
        said.append("0 is a class as any other; if it means unlabelled, give it ignore: true in classes.yaml")
    if n_train < FEW:
        said.append(
            f"{n_train} training photos are few: expect colours and textures in their places, blurred, and "
            "new layouts to look like pieces of these photos; the judge, trained on as few, is a weak one"
        )
    if start_from is not None:
        known = {one.name.casefold() for one in start_from.class_table.classes}
        matched = sum(one.name.casefold() in known for one in guessed.table.classes)
        said.append(
            f"{matched} of {guessed.table.n_classes} classes have a name that the model file knows; "
            "name others in classes.yaml as it does, where they are the same"
        )
    elif n_train < FEW:
        said.append(
            "a model file of similar classes as a start is worth more than more steps: "
            "`ccfpse init … --start-from MODEL` takes it, and classes are matched by name"
        )
    return said
