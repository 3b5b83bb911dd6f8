"""ADE20K as distributed for scene parsing: `ADEChallengeData2016.zip`, or unpacked."""

from ccfpse.datasets.raw import RawSplit, match, stems
from ccfpse.datasets.source import SourceTree

EXPECTED = "images/{folder}/*.jpg with annotations/{folder}/*.png, unpacked or in ADEChallengeData2016.zip"
FOLDERS = {"train": "training", "val": "validation"}


def find(tree: SourceTree, split: str) -> RawSplit:
    """The official `train` or `val` split; there are no instance maps."""
    folder = FOLDERS[split]
    return match(
        stems(tree.files(f"images/{folder}", (".jpg",)), ".jpg"),
        stems(tree.files(f"annotations/{folder}", (".png",)), ".png"),
        None,
    )
