"""The files of a new project, from what was found and chosen."""

import os
from pathlib import Path

from ccfpse.classfiles import parse_class_yaml
from ccfpse.config import Settings, preset_text
from ccfpse.projects.choices import Choices, Reasoned
from ccfpse.projects.coding import Guess
from ccfpse.projects.folders import Folders, Paired
from ccfpse.projects.stages import pipelines
from ccfpse.projects.texts import class_text, with_values
from ccfpse.strict import build
from ccfpse.yamltext import parse_yaml

CLASSES = "classes.yaml"
MODEL = "outputs/training/model.safetensors"
"""What a project trains."""

DVC_CONFIG = """\
[core]
    analytics = false
    check_update = false
[cache]
    type = "reflink,hardlink,copy"
"""
_WITHOUT_GIT = """\
# There was no git around this project. After `git init`, remove this: dvc config --local --unset core.no_scm
[core]
    no_scm = true
"""
_DVC_GITIGNORE = "/config.local\n/tmp\n/cache\n"
_DVCIGNORE = "# Never part of a stage's source or data\n__pycache__/\n*.pyc\n.DS_Store\nThumbs.db\n"
_GITIGNORE = """\
# What the pipeline makes: DVC keeps it
/outputs/

# What `dvc plots show` writes
/dvc_plots/
"""
_HEAD = """\
# Settings of the pipeline: `dvc repro` runs what a change touches. `ccfpse init` chose those values that have
# a reason above them, from the photos it found; change any. Every value the pipeline uses stands here.
"""
_FEWEST_VAL, _MOST_VAL = 6, 500


def contents(
    project: Path, paired: Paired, guess: Guess, choices: Choices
) -> tuple[dict[str, str], Settings]:
    """Text of every file, by its path in the project, and the settings in it.

    Raises:
        SettingsError: values that go with each other nowhere, such as those of a model file to start from.
    """
    values = choices.settings | _data_values(project, paired, guess) | _path_values()
    text = _HEAD + "\n" + preset_text("custom").partition("\n\n")[2]
    params = with_values(text, values)
    settings = build(Settings, parse_yaml(params.encode(), "params.yaml"))
    classes = class_text(guess.table, _class_head(guess))
    parse_class_yaml(classes.encode(), Path(CLASSES))
    files = {
        "params.yaml": params,
        CLASSES: classes,
        **pipelines(),
        ".gitignore": _GITIGNORE,
        ".dvcignore": _DVCIGNORE,
        ".dvc/config": DVC_CONFIG,
        ".dvc/.gitignore": _DVC_GITIGNORE,
    }
    if not _is_in_git(project):
        files[".dvc/config.local"] = _WITHOUT_GIT
    return files, settings


def sources(project: Path, paired: Paired) -> tuple[str, dict[str, Folders]]:
    """`data.source`, and the folders of the splits below it, as the settings call them.

    The source is the folder around all of them where there is nothing else in it, and otherwise that of the
    training photos: a list of everything in it is made whenever the pipeline runs.
    """
    real = {split: one.each(_absolute) for split, one in paired.folders.items()}
    given = [folder for one in real.values() for folder in one.all()]
    around = Path(os.path.commonpath(given))
    top = around if _holds_only(around, given) else real["train"].images
    below = {
        split: one.each(lambda folder: Path(os.path.relpath(folder, top))) for split, one in real.items()
    }
    here = _absolute(project)
    # Data beside the project moves with it; other data stays where it is.
    return (os.path.relpath(top, here) if top.is_relative_to(here.parent) else str(top)), below


def _data_values(project: Path, paired: Paired, guess: Guess) -> dict[str, Reasoned]:
    source, folders = sources(project, paired)
    train = folders["train"]
    n_train = len(paired.splits["train"].samples)
    with_instances = train.instances is not None
    said = {
        "data.source": Reasoned(source, "the folders below are looked up from here"),
        "data.instances": Reasoned(with_instances, _INSTANCES[with_instances]),
        "data.custom.classes": Reasoned(f"./{CLASSES}", "./: beside this file"),
        "data.custom.coding": Reasoned(guess.coding, "\n".join(guess.reasons)),
        "data.custom.train.images": Reasoned(str(train.images), f"{n_train} pairs"),
        "data.custom.train.labels": Reasoned(str(train.labels), ""),
        "data.custom.train.instances": Reasoned(train.instances and str(train.instances), ""),
    }
    if (val := folders.get("val")) is not None:
        whole = {
            "images": str(val.images),
            "labels": str(val.labels),
            "instances": val.instances and str(val.instances),
        }
        said["data.custom.val"] = Reasoned(whole, f"{len(paired.splits['val'].samples)} pairs")
    else:
        count = min(max(_FEWEST_VAL, n_train // 10), _MOST_VAL, n_train // 2)
        share = float(f"{max(count, 1) / n_train:.2g}")
        said["data.custom.validation_share"] = Reasoned(
            share, "no folders of validation photos were found: such a share is kept aside, chosen by name"
        )
    return said


_INSTANCES = {
    True: "borders between objects are a channel of the layout",
    False: "true adds borders between objects to the layout; needs instance maps",
}


def _path_values() -> dict[str, Reasoned]:
    names = (
        "prepared",
        "judge",
        "loss_network",
        "training",
        "synthesized",
        "evaluation",
        "report",
        "compare",
    )
    values = {f"paths.{name}": Reasoned(f"outputs/{name}", "") for name in names}
    return values | {"paths.raw_list": Reasoned("outputs/raw.json", "")}


def _class_head(guess: Guess) -> list[str]:
    key = "id: the value in label maps" if guess.coding == "ids" else "color: the colour in label maps"
    return [
        "The classes, in the order of the layout's channels; names and colours are yours to change.",
        f"{key}; instances: objects are told apart; ignore: don't care (no class).",
        *(f"Found: {reason}." for reason in guess.reasons),
        "A class that is missing here is named, with its number of pixels, by `dvc repro prepare`.",
    ]


def _holds_only(around: Path, given: list[Path]) -> bool:
    """Whether all folders in `around` are on the way to given ones."""
    if around in given:
        return len(given) == 1
    try:
        below = [f for f in around.iterdir() if f.is_dir() and not f.name.startswith(".")]
    except OSError:
        return False
    for folder in below:
        inside = [one for one in given if one.is_relative_to(folder)]
        if not inside or (folder not in given and not _holds_only(folder, inside)):
            return False
    return True


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - links keep their names


def _is_in_git(project: Path) -> bool:
    here = _absolute(project)
    return any((folder / ".git").exists() for folder in (here, *here.parents))
