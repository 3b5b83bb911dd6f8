"""Raw data sets: from the files as they are distributed to named samples that can be opened.

`find_samples` looks; `reading.read_sample` opens, checks and fits one. Every data set has a module that
knows its layout; `source` makes folders and archives look alike; `sample` draws the embedded one.
"""

from pathlib import Path

from ccfpse.classfiles import load_class_table, read_class_yaml
from ccfpse.datasets import ade20k, camvid, cityscapes, coco_stuff, custom
from ccfpse.datasets.raw import RawData, RawSample, RawSplit
from ccfpse.datasets.source import SourceTree
from ccfpse.errors import DataError
from ccfpse.labelspace import ClassTable
from ccfpse.sections import DataSettings

__all__ = ["RawData", "RawSample", "class_table", "find_samples", "raw_files"]

SPLITS = ("train", "val")


def find_samples(data: DataSettings) -> RawData:
    """The samples of both splits, and the files that do not pair up; no picture is opened.

    Raises:
        DataError: no source, no samples where the data set keeps them, or no instance maps in this data set.
    """
    table = class_table(data)
    tree = SourceTree(Path(data.source))
    if data.custom is not None:
        return RawData(table, custom.find(tree, data.custom, data.instances))
    splits = {split: _find(data, tree, split) for split in SPLITS}
    for split, found in splits.items():
        if not found.samples and not found.bad:
            expected = _EXPECTED[data.dataset].format(split=split, folder=ade20k.FOLDERS[split])
            raise DataError(f"{data.source}: nothing of {data.dataset}'s {split} split; expected {expected}")
    return RawData(table, splits)


def class_table(data: DataSettings) -> ClassTable:
    """The class table of a data set.

    Raises:
        SettingsError: your own (`custom`) is not readable or refused.
    """
    if data.custom is not None:
        return read_class_yaml(custom.class_table_path(Path(data.source), data.custom))
    return load_class_table("cityscapes" if data.dataset == "sample" else data.dataset)


def raw_files(data: DataSettings) -> dict[str, Path]:
    """All files that `find_samples` may look at, archives as one, by name.

    Raises:
        DataError: no source.
    """
    source = Path(data.source)
    found = dict(SourceTree(source).on_disk)
    if data.custom is not None:
        found[data.custom.classes] = custom.class_table_path(source, data.custom)
        for folder, tree in custom.outside_trees(source, data.custom).items():
            found |= {f"{folder}/{name}": path for name, path in tree.on_disk.items()}
    return found


_EXPECTED = {
    "cityscapes": cityscapes.EXPECTED,
    "sample": cityscapes.EXPECTED,
    "coco-stuff": coco_stuff.EXPECTED,
    "ade20k": ade20k.EXPECTED,
    "camvid": camvid.EXPECTED,
}


def _find(data: DataSettings, tree: SourceTree, split: str) -> RawSplit:
    if data.dataset in ("cityscapes", "sample"):
        return cityscapes.find(tree, split, data.instances)
    if data.dataset == "coco-stuff":
        return coco_stuff.find(tree, split, data.instances)
    if data.instances:
        raise DataError(f"{data.dataset} has no instance maps; set data.instances to false")
    return ade20k.find(tree, split) if data.dataset == "ade20k" else camvid.find(tree, split)
