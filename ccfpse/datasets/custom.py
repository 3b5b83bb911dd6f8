"""Your own photos: a folder of photos, a folder of label maps, perhaps one of instance maps."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ccfpse.datasets.raw import BadFile, RawSplit, bad_file, match
from ccfpse.datasets.source import RawFile, SourceTree
from ccfpse.errors import DataError
from ccfpse.pictures import LABEL_SUFFIXES, PHOTO_SUFFIXES
from ccfpse.sections import CustomData, CustomFolders


def find(tree: SourceTree, custom: CustomData, instances: bool) -> dict[str, RawSplit]:
    """Both splits; photos and maps belong together that have the same path without its suffix.

    Raises:
        DataError: a folder has no pictures, or there are too few photos to keep some aside.
    """
    found = _find(tree, custom.train, "train", instances)
    if custom.val is not None:
        return {"train": found, "val": _find(tree, custom.val, "val", instances)}
    if len(found.samples) < 2:
        raise DataError(
            f"{tree.root}: has {len(found.samples)} usable pairs in {custom.train.images}; "
            "at least 2 are needed to keep one aside for validation"
        )
    kept = kept_aside([sample.name for sample in found.samples], custom.validation_share)
    return {
        "train": RawSplit(tuple(s for s in found.samples if s.name not in kept), found.bad),
        "val": RawSplit(tuple(s for s in found.samples if s.name in kept), ()),
    }


def kept_aside(names: list[str], share: float) -> set[str]:
    """The names whose hashes are smallest: about `share` of them, at least one, never all.

    A name's chance does not depend on the others, so adding photos moves few of the old ones.
    """
    count = min(max(1, round(share * len(names))), len(names) - 1)
    return set(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:count])


def outside_trees(source: Path, custom: CustomData) -> dict[str, SourceTree]:
    """The folders that do not lie below the source, by how the settings call them."""
    splits = [custom.train] if custom.val is None else [custom.train, custom.val]
    folders = {f for s in splits for f in (s.images, s.labels, s.instances) if f is not None}
    return {f: _tree_outside(source, f) for f in sorted(folders) if _is_outside(f)}


def class_table_path(source: Path, custom: CustomData) -> Path:
    """The file of the class table; `./` begins a path in the working folder, where params.yaml lies."""
    if custom.classes.startswith("./"):
        return Path(custom.classes)
    return (source if source.is_dir() else source.parent) / custom.classes


def _find(tree: SourceTree, folders: CustomFolders, split: str, instances: bool) -> RawSplit:
    if instances and folders.instances is None:
        raise DataError(
            f"data.instances is true, but data.custom.{split}.instances is null; name the folder of the "
            "instance maps, or set data.instances to false"
        )
    images, doubles = by_stem(_pictures(tree, folders.images, PHOTO_SUFFIXES, f"{split}.images"))
    labels, more = by_stem(_pictures(tree, folders.labels, LABEL_SUFFIXES, f"{split}.labels"))
    maps = None
    if instances and folders.instances is not None:
        maps, again = by_stem(_pictures(tree, folders.instances, LABEL_SUFFIXES, f"{split}.instances"))
        more += again
    found = match(images, labels, maps)
    return RawSplit(found.samples, (*doubles, *more, *found.bad))


def _pictures(tree: SourceTree, folder: str, suffixes: tuple[str, ...], key: str) -> dict[str, RawFile]:
    if _is_outside(folder):
        found = _tree_outside(tree.root, folder).files("", suffixes)
    else:
        found = tree.files(PurePosixPath(folder).as_posix(), suffixes)
    if not found:
        kinds = " ".join(suffixes)
        raise DataError(f"{tree.root}: no pictures ({kinds}) in {folder}, which is data.custom.{key}")
    return found


def by_stem(files: Mapping[str, RawFile]) -> tuple[dict[str, RawFile], list[BadFile]]:
    """Files by their path without suffix; a second one of the same name is bad."""
    found: dict[str, RawFile] = {}
    bad: list[BadFile] = []
    for path, file in files.items():
        stem = PurePosixPath(path).with_suffix("").as_posix()
        if stem in found:
            bad.append(bad_file(file, f"has the same name as {found[stem]}; keep one of them"))
        found.setdefault(stem, file)
    return found, bad


def _is_outside(folder: str) -> bool:
    return PurePosixPath(folder).is_absolute() or ".." in PurePosixPath(folder).parts


def _tree_outside(source: Path, folder: str) -> SourceTree:
    return SourceTree(Path(os.path.normpath(source / folder)), called=folder)
