"""COCO-Stuff: `train2017`, `val2017`, `stuffthingmaps_trainval2017`, `annotations_trainval2017`, or flat.

The flat layout is what the paper's code makes of them: `train_img/`, `train_label/`, `train_inst/`.
"""

import dataclasses
import json
from collections import defaultdict
from typing import Any

from ccfpse.datasets.raw import RawSplit, match, stems
from ccfpse.datasets.source import RawFile, SourceTree
from ccfpse.errors import DataError

EXPECTED = (
    "{split}2017/*.jpg (photos) with {split}2017/*.png (stuffthingmaps), unpacked or in {split}2017.zip and "
    "stuffthingmaps_trainval2017.zip, or {split}_img/*.jpg with {split}_label/*.png"
)


def find(tree: SourceTree, split: str, instances: bool) -> RawSplit:
    """The official `train` or `val` split; without instance maps, objects are outlines to be drawn."""
    flat = stems(tree.files(f"{split}_img", (".jpg",)), ".jpg")
    if flat:
        maps = stems(tree.files(f"{split}_inst", (".png",)), ".png") if instances else None
        return match(flat, stems(tree.files(f"{split}_label", (".png",)), ".png"), maps)
    found = match(
        stems(tree.files(f"{split}2017", (".jpg",)), ".jpg"),
        stems(tree.files(f"{split}2017", (".png",)), ".png"),
        None,
    )
    if not instances or not found.samples:
        return found
    name = f"instances_{split}2017.json"
    listing = tree.file(f"annotations/{name}") or tree.file(name)
    if listing is None:
        raise DataError(
            f"{tree.root}: has no {name}, from which data.instances draws objects; "
            "add annotations_trainval2017.zip, or set data.instances to false"
        )
    outlines = _outlines(listing)
    nothing = json.dumps([])
    samples = (dataclasses.replace(s, objects=outlines.get(s.name, nothing)) for s in found.samples)
    return RawSplit(tuple(samples), found.bad)


def _outlines(listing: RawFile) -> dict[str, str]:
    """For every photo, the segmentations of its objects in the file's order, as a JSON list.

    Kept as text: COCO's 860,000 outlines need six times the memory as lists of numbers.
    """
    try:
        content = json.loads(listing.read(most=2**30))
        names = {image["id"]: str(image["file_name"]).removesuffix(".jpg") for image in content["images"]}
        grouped: defaultdict[str, list[Any]] = defaultdict(list)
        for annotation in content["annotations"]:
            grouped[names[annotation["image_id"]]].append(annotation["segmentation"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{listing}: is no list of COCO's instances ({error!r}); fetch it again") from error
    return {name: json.dumps(segmentations) for name, segmentations in grouped.items()}
