"""Folders of photos, label maps and instance maps: what pairs up, and the split that is there already."""

import dataclasses
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ccfpse.datasets.custom import by_stem
from ccfpse.datasets.raw import BadFile, RawSample, RawSplit, match
from ccfpse.datasets.source import RawFile, SourceTree
from ccfpse.errors import DataError
from ccfpse.pictures import LABEL_SUFFIXES, PHOTO_SUFFIXES

_TRAIN_TO_VAL = (("training", "validation"), ("train", "val"), ("train", "validation"), ("train", "valid"))
"""Names that folders of training photos have, and those of their validation photos."""
_SPLIT = re.compile(
    r"(train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?|dev|eval)(?:[-_ ]?(?:set|split|[ab]|\d+))?"
)
"""Names of folders, in small letters, that hold a part of a data set, such as train2017 or testA."""


@dataclasses.dataclass(frozen=True, slots=True)
class Folders:
    """Where the pictures of one split lie."""

    images: Path
    labels: Path
    instances: Path | None

    def each(self, change: Callable[[Path], Path]) -> "Folders":
        """The same with every folder changed."""
        instances = None if self.instances is None else change(self.instances)
        return Folders(change(self.images), change(self.labels), instances)

    def all(self) -> list[Path]:
        """Those that are given."""
        return [self.images, self.labels, *([] if self.instances is None else [self.instances])]


@dataclasses.dataclass(frozen=True, slots=True)
class Paired:
    """Splits as they were found."""

    folders: dict[str, Folders]
    """`train`, and `val` where there are folders for it."""
    splits: dict[str, RawSplit]
    left_out: tuple[Path, ...]
    """Folders beside those of the splits, such as one of test photos."""

    @property
    def samples(self) -> list[RawSample]:
        """Of all splits."""
        return [sample for split in self.splits.values() for sample in split.samples]

    @property
    def bad(self) -> list[BadFile]:
        """Files without a partner, of all splits."""
        return [bad for split in self.splits.values() for bad in split.bad]


def pair(given: Folders) -> Paired:
    """Pairs photos with maps of the same path but for the suffix.

    Folders for validation are found by name: below the given ones (`images/train`, `images/val`) or beside
    them (`train/images` and `val/images`, `train_img` and `val_img`).

    Raises:
        DataError: a folder is missing, lies in another, or has no pictures; or nothing pairs up.
    """
    _check(given)
    folders = {"train": given}
    if (split := _below(given) or _beside(given)) is not None:
        folders = dict(zip(("train", "val"), split, strict=True))
    splits = {name: _match(found) for name, found in folders.items()}
    for name, found in splits.items():
        if not found.samples:
            raise DataError(_nothing_pairs(folders[name], found))
    if "val" not in splits and len(splits["train"].samples) < 2:
        raise DataError(f"{given.images}: has one pair; at least 2 are needed, one of them for validation")
    left_out = () if folders["train"] == given else _beside_splits(given.images, folders)
    return Paired(folders, splits, left_out)


def _check(given: Folders) -> None:
    for folder in given.all():
        if not folder.is_dir():
            raise DataError(f"{_shown(folder)}: is not a folder; name folders of pictures")
        try:
            str(folder).encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataError(f"{_shown(folder)}: has a name that is not UTF-8; rename it") from error
    real = [folder.resolve() for folder in given.all()]
    for one, named in zip(real, given.all(), strict=True):
        for other in real:
            if one is not other and other.is_relative_to(one):
                raise DataError(
                    f"{_shown(named)}: holds label maps or instance maps as well as photos; "
                    "give each kind a folder of its own"
                )


def _below(given: Folders) -> tuple[Folders, Folders] | None:
    """`train` and `val` as folders in each of the given ones.

    Raises:
        DataError: there are folders that are called as splits are, but not these two: photos that are to be
            kept from training would be trained on.
    """
    called = {
        child.name: matched[1]
        for child in sorted(given.images.iterdir())
        if child.is_dir() and (matched := _SPLIT.fullmatch(child.name.casefold()))
    }
    trained, validated = ([n for n, kind in called.items() if kind.startswith(k)] for k in ("train", "val"))
    if len(trained) == len(validated) == 1:
        found = [given.each(partial(_inside, name=name)) for name in (*trained, *validated)]
        if all(folder.is_dir() for split in found for folder in split.all()):
            return found[0], found[1]
    if called:
        raise DataError(
            f"{_shown(given.images)}: holds {', '.join(map(repr, called))}, but not one folder for training "
            "and one for validation that all folders given have; name the training photos' own folders, or "
            "call them train and val"
        )
    return None


def _beside_splits(images: Path, folders: dict[str, Folders]) -> tuple[Path, ...]:
    taken = {split.images for split in folders.values()}
    return tuple(sorted(child for child in images.iterdir() if child.is_dir() and child not in taken))


def _inside(folder: Path, name: str) -> Path:
    """What has that name in a folder, in whatever case."""
    if (folder / name).exists():
        return folder / name
    try:
        children = sorted(child for child in folder.iterdir() if child.name.casefold() == name.casefold())
    except OSError:  # it may be entered, but not listed
        children = []
    return children[0] if children else folder / name


def _beside(given: Folders) -> tuple[Folders, Folders] | None:
    """The given ones as `train`, and folders whose paths say `val` in that place."""
    for train, val in _TRAIN_TO_VAL:
        found = given.each(partial(_renamed, train=train, val=val))
        if not set(found.all()) & set(given.all()) and all(folder.is_dir() for folder in found.all()):
            return given, found
    return None


def _renamed(folder: Path, train: str, val: str) -> Path:
    """The path with `val` for `train` in its last name or the one above; the same where neither has it."""
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 - links keep their names
    for split in (whole, whole.parent):
        if train in split.name.casefold():
            renamed = _inside(split.parent, split.name.casefold().replace(train, val))
            return renamed / whole.relative_to(split)
    return folder


def _match(folders: Folders) -> RawSplit:
    images, bad = by_stem(_pictures(folders.images, PHOTO_SUFFIXES, "photos"))
    labels, more = by_stem(_pictures(folders.labels, LABEL_SUFFIXES, "label maps"))
    maps = None
    if folders.instances is not None:
        maps, again = by_stem(_pictures(folders.instances, LABEL_SUFFIXES, "instance maps"))
        more += again
    found = match(images, labels, maps)
    return RawSplit(found.samples, (*bad, *more, *found.bad))


def _pictures(folder: Path, suffixes: tuple[str, ...], what: str) -> dict[str, RawFile]:
    tree = SourceTree(folder, called=str(folder))
    if found := tree.files("", suffixes):
        return found
    advice = ""
    if suffixes == LABEL_SUFFIXES and tree.files("", PHOTO_SUFFIXES):
        advice = "; JPEG and WebP blur the borders of label maps, so give the PNG files they were made from"
    raise DataError(f"{_shown(folder)}: holds no {what} ({' '.join(suffixes)}){advice}")


def _nothing_pairs(folders: Folders, found: RawSplit) -> str:
    examples = [
        min((bad.name for bad in found.bad if str(folder) in bad.name), default=None)
        for folder in (folders.images, folders.labels)
    ]
    shown = " and ".join(example for example in examples if example)
    return (
        f"{_shown(folders.images)}: no photo has a label map of its name in {_shown(folders.labels)} "
        f"({shown}); give both the same name but for the suffix"
    )


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode()
