"""Cityscapes as distributed: `leftImg8bit_trainvaltest.zip` and `gtFine_trainvaltest.zip`, or unpacked."""

from ccfpse.datasets.raw import RawSplit, match, stems
from ccfpse.datasets.source import SourceTree

EXPECTED = (
    "leftImg8bit/{split}/<city>/*_leftImg8bit.png with gtFine/{split}/<city>/*_gtFine_labelIds.png, "
    "unpacked or in leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip"
)


def find(tree: SourceTree, split: str, instances: bool) -> RawSplit:
    """The official `train` or `val` split; names are `<city>/<city>_<sequence>_<frame>`."""
    truth = tree.files(f"gtFine/{split}", (".png",))
    return match(
        stems(tree.files(f"leftImg8bit/{split}", (".png",)), "_leftImg8bit.png"),
        stems(truth, "_gtFine_labelIds.png"),
        stems(truth, "_gtFine_instanceIds.png") if instances else None,
    )
