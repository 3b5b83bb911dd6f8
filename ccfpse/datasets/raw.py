"""What every reader of a data set finds: photos with their label maps, and files that do not pair up."""

from collections.abc import Mapping
from dataclasses import dataclass

from ccfpse.datasets.source import RawFile
from ccfpse.labelspace import ClassTable


@dataclass(frozen=True, slots=True)
class RawSample:
    """A photo and what belongs to it."""

    name: str
    """Unique in its split, without suffix; sub-folders with slashes."""
    image: RawFile
    labels: RawFile
    instances: RawFile | None
    """Map whose values tell objects apart."""
    objects: str | None
    """COCO: outlines of the objects to be drawn over the labels, a JSON list of segmentations."""


@dataclass(frozen=True, slots=True, order=True)
class BadFile:
    """A file, or the files of a sample, that cannot be used."""

    name: str
    """Of the file, or of the sample's photo."""
    problem: str
    """A sentence that begins with the name of the file that is wrong."""


@dataclass(frozen=True, slots=True)
class RawSplit:
    """What was found for training or for validation."""

    samples: tuple[RawSample, ...]
    """Sorted by name."""
    bad: tuple[BadFile, ...]


@dataclass(frozen=True, slots=True)
class RawData:
    """A whole data set as it lies on the disk."""

    table: ClassTable
    splits: dict[str, RawSplit]
    """`train` and `val`."""


def bad_file(file: RawFile, problem: str) -> BadFile:
    """The record of a file that cannot be used; `problem` goes on after its name."""
    return BadFile(str(file), f"{file}: {problem}")


def stems(files: Mapping[str, RawFile], ending: str) -> dict[str, RawFile]:
    """Files whose path has the ending, by the path without it."""
    return {path.removesuffix(ending): file for path, file in files.items() if path.endswith(ending)}


def match(
    images: Mapping[str, RawFile],
    labels: Mapping[str, RawFile],
    instances: Mapping[str, RawFile] | None,
) -> RawSplit:
    """Pairs files of one name; what has no partner is bad.

    Args:
        images: photos by name.
        labels: label maps by name.
        instances: instance maps by name; None: not asked for.
    """
    samples: list[RawSample] = []
    bad: list[BadFile] = []
    for name in sorted({*images, *labels}):
        image, label = images.get(name), labels.get(name)
        if label is None:
            bad.append(bad_file(images[name], "has no label map of its name"))
        elif image is None:
            bad.append(bad_file(label, "has no photo of its name"))
        elif instances is not None and name not in instances:
            bad.append(bad_file(image, "has no instance map of its name, which data.instances asks for"))
        elif not _is_utf8(name):
            bad.append(bad_file(image, "has a name that is not UTF-8; rename it"))
        else:
            map_of_objects = None if instances is None else instances[name]
            samples.append(RawSample(name, image, label, map_of_objects, None))
    return RawSplit(tuple(samples), tuple(bad))


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
