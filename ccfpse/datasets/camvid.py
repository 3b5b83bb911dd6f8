"""CamVid in the layout of SegNet: list files, and photos and label maps in folders of their own."""

from pathlib import PurePosixPath

from ccfpse.datasets.raw import BadFile, RawSample, RawSplit, bad_file
from ccfpse.datasets.source import RawFile, SourceTree
from ccfpse.errors import DataError

EXPECTED = "the list file {split}.txt with the folders {split}/ and {split}annot/"


def find(tree: SourceTree, split: str) -> RawSplit:
    """The pairs that `train.txt` or `val.txt` lists; there are no instance maps.

    The list files were written on another machine: of their absolute paths only the file's name counts.
    """
    listing = tree.file(f"{split}.txt")
    if listing is None:
        return RawSplit((), ())
    images, labels = (_by_file_name(tree, folder) for folder in (split, f"{split}annot"))
    samples: dict[str, RawSample] = {}
    bad: list[BadFile] = []
    for number, line in enumerate(_lines(listing), start=1):
        names = [PurePosixPath(path).name for path in line.split()]
        where = f"is listed in line {number} of {listing}, but"
        if len(names) != 2:
            bad.append(bad_file(listing, f"line {number} is not a photo and its label map: {line!r}"))
        elif names[0] not in images:
            bad.append(BadFile(names[0], f"{split}/{names[0]}: {where} is not there"))
        elif names[1] not in labels:
            bad.append(BadFile(names[1], f"{split}annot/{names[1]}: {where} is not there"))
        else:
            name = PurePosixPath(names[0]).stem
            samples[name] = RawSample(name, images[names[0]], labels[names[1]], None, None)
    return RawSplit(tuple(samples[name] for name in sorted(samples)), tuple(bad))


def _by_file_name(tree: SourceTree, folder: str) -> dict[str, RawFile]:
    return {PurePosixPath(path).name: file for path, file in tree.files(folder, (".png",)).items()}


def _lines(listing: RawFile) -> list[str]:
    try:
        text = listing.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{listing}: is not a text file") from error
    return [line for line in text.splitlines() if line.strip()]
