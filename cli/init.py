"""`ccfpse init`: a project for your own photos and label maps."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import errors_as_messages, progress, remark, say, say_table, warn

if TYPE_CHECKING:
    from ccfpse.projects.start import Started

_MOST_ROWS = 24
_MOST_SUSPICIOUS = 20


def init(
    project: Annotated[Path, typer.Argument(help="Folder of the new project.", show_default=False)],
    images: Annotated[Path, typer.Option(help="Folder of photos.", show_default=False)],
    labels: Annotated[
        Path, typer.Option(help="Folder of label maps with the photos' names.", show_default=False)
    ],
    instances: Annotated[
        Path | None,
        typer.Option(help="Folder of maps whose values tell objects apart.", show_default=False),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Model file to start training from; classes are matched by name.", show_default=False
        ),
    ] = None,
) -> None:
    """Look at your photos and label maps, and write a project that `dvc repro` trains on them.

    Example:
        ccfpse init my-project --images raw/train/images --labels raw/train/labels
    """
    with errors_as_messages():
        from ccfpse.projects.folders import Folders
        from ccfpse.projects.start import start

        _tell(start(project, Folders(images, labels, instances), start_from, progress))


def _tell(started: "Started") -> None:
    from ccfpse.git import find_git
    from ccfpse.projects.contents import MODEL

    guess, settings = started.guess, started.settings
    train, val = (started.paired.splits.get(split) for split in ("train", "val"))
    pairs = len(started.paired.samples)
    counts = f"{len(train.samples) if train else 0} pairs"
    counts += f" for training, {len(val.samples)} for validation" if val else ", some of them kept aside"
    say_table(
        f"{started.opened} of {pairs} pairs were opened, {started.looked} can be used",
        ("what", "found"),
        (
            ("pairs", counts),
            ("label maps", "; ".join(guess.reasons)),
            ("instance maps", "yes" if settings.data.instances else "none"),
            (
                "network",
                "{}x{} (height x width), photos fitted by {}".format(*settings.data.size, settings.data.fit),
            ),
            ("machine", str(started.machine)),
            ("training", _training(started)),
        ),
    )
    _tell_classes(started)
    if started.suspicious:
        shown = started.suspicious[:_MOST_SUSPICIOUS]
        more = len(started.suspicious) - len(shown)
        warn(f"{len(started.suspicious)} suspicious files:", *shown, *([f"and {more} more"] if more else []))
    for sentence in started.advice:
        remark(f"note: {sentence}")
    where = shlex.quote(str(started.project))
    say(f"wrote {started.project}; next:")
    say(f"  cd {where}")
    if (git := find_git(started.project)) and git.commit is None:  # training logs need one
        say("  git add . && git commit -m start")
    say("  dvc repro    # reads and checks every pair, trains, evaluates: outputs/report/index.html")
    say(f"  ccfpse paint {MODEL} --layouts {settings.paths.prepared}")


def _training(started: "Started") -> str:
    train = started.settings.train
    minutes = started.choices.minutes
    times = f"about {minutes} minutes" if minutes else "not timed for GPUs"
    return f"{train.steps} steps of {train.batch} photos, {times}; params.yaml says why"


def _tell_classes(started: "Started") -> None:
    from ccfpse.projects.texts import hexadecimal

    guess = started.guess
    total = sum(guess.pixels.values())
    rows = []
    for one in guess.table.classes:
        value = guess.values_of(one)
        rows.append((guess.pixels.get(value, 0), one, guess.maps.get(value, 0)))
    rows.sort(key=lambda row: -row[0])
    lines = [
        (
            one.name,
            "" if one.raw is None else str(one.raw),
            hexadecimal(one.color),
            f"{pixels / total:.2%}",
            str(maps),
        )
        for pixels, one, maps in rows
    ]
    left = total - sum(pixels for pixels, _, _ in rows)
    if guess.table.has_dont_care:
        lines = [*lines[:_MOST_ROWS], ("don't care", "", "", f"{left / total:.2%}", "")]
    else:
        lines = lines[:_MOST_ROWS]
    more = len(rows) - _MOST_ROWS
    title = f"{len(rows)} classes" + (f", the {_MOST_ROWS} largest" if more > 0 else "")
    say_table(title, ("class", "id", "colour", "pixels", "in maps"), lines)
