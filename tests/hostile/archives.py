"""Archives that would unpack elsewhere, to too much, or not at all; and lists that lie about photos."""

import io
import json
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import yaml
from PIL import Image

from ccfpse.config import preset_text
from tests.hostile.bench import SETTINGS, Bench, Command
from tests.hostile.spoiling import Spoil, cut, put


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def called(name: str) -> Spoil:
    return put(zipped((zipfile.ZipInfo(name), b"")))


def _link() -> bytes:
    info = zipfile.ZipInfo("train/images/link.png")
    info.external_attr = 0o120777 << 16
    return zipped((info, b"/etc/passwd"))


def _with_list_of(n_bytes: int) -> bytes:
    """An archive whose end says that its list of files is that long."""
    content = bytearray(zipped(("a.png", b"x")))
    struct.pack_into("<L", content, len(content) - 22 + 12, n_bytes)
    return bytes(content)


def _overlapping() -> bytes:
    """An archive that lists the same file a hundred times."""
    content = zipped(("train/images/00.png", b"x" * 1000))
    end = content.rfind(b"PK\5\6")
    start = content.find(b"PK\1\2")
    entry = content[start:end]
    entries = b"".join(entry.replace(b"/00.png", b"/%02d.png" % i) for i in range(100))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 100, 100, len(entries), start, 0)
    return content[:start] + entries + tail


BAD_ARCHIVES: dict[str, Spoil] = {
    "a name that leads out": called("../outside.png"),
    "a name that leads out further down": called("train/../../outside.png"),
    "an absolute name": called("/etc/outside.png"),
    "a name of another system": called("..\\outside.png"),
    "a name that is nothing": put(zipped(("a.png", b"")).replace(b"a.png", b"\0.png")),  # found by fuzzing
    "a link": put(_link()),
    "files that overlap": put(_overlapping()),
    "a list of a gigabyte": put(_with_list_of(2**30)),
    "a list that is not there": put(_with_list_of(5000)),
    "bzip2": put(zipped(("train/images/a.png", b"\0" * 2**20), how=zipfile.ZIP_BZIP2)),
    "lzma": put(zipped(("train/images/a.png", b"\0" * 2**20), how=zipfile.ZIP_LZMA)),
    "words": put(b"these are words"),
    "nothing": put(b""),
    "a cut file": lambda path: (put(zipped(("a.png", b"x" * 999)))(path), cut(path)),
}
"""What is no archive of a data set."""


def _settings(bench: Bench, dataset: str, instances: bool) -> None:
    settings = yaml.safe_load(preset_text(dataset))
    settings["data"] |= {"source": "data", "size": [32, 64], "load_size": [32, 64], "instances": instances}
    settings["model"] |= {"doublings": 5}
    settings["paths"] = {name: name for name in settings["paths"]}
    settings["runtime"] |= {"device": "cpu", "workers": 0}
    (bench.folder / SETTINGS).write_text(yaml.safe_dump(settings))


def make_coco(outlines: bytes) -> Callable[[Bench], Command]:
    """COCO with these outlines of the training photos' objects."""

    def make(bench: Bench) -> Command:
        _settings(bench, "coco-stuff", instances=True)
        for split in ("train2017", "val2017"):
            folder = bench.folder / "data" / split
            folder.mkdir(parents=True)
            Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(folder / "1.jpg")
            Image.fromarray(np.zeros((32, 64), np.uint8)).save(folder / "1.png")
        annotations = bench.folder / "data/annotations"
        annotations.mkdir()
        (annotations / "instances_val2017.json").write_bytes(instances([]))
        (annotations / "instances_train2017.json").write_bytes(outlines)
        return ["prepare"]

    return make


def instances(segmentation: object) -> bytes:
    content = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "annotations": [{"image_id": 1, "segmentation": segmentation}],
    }
    return json.dumps(content).encode()


BAD_OUTLINES: dict[str, tuple[bytes, str]] = {
    name: (content, "instances_train2017.json")
    for name, content in {
        "lists within lists": b"[" * 200_000,
        "a list": b"[]",
        "words": b"words",
        "images without names": b'{"images": [{"id": 1}], "annotations": []}',
        "images named by lists": b'{"images": [{"id": [], "file_name": "a"}], "annotations": []}',
        "objects of unknown photos": b'{"images": [], "annotations": [{"image_id": 1, "segmentation": []}]}',
    }.items()
} | {
    name: (instances(segmentation), "1.jpg")
    for name, segmentation in {
        "a polygon far away": [[0, 0, 1e9, 0, 1e9, 1e9]],
        "a polygon without end": [[0, 0, 1e999, 0, 9, 9]],
        "a polygon of two numbers": [[0, 0]],
        "run lengths beyond the photo": {"size": [32, 64], "counts": [0, 10**9]},
        "run lengths of fractions": {"size": [32, 64], "counts": [0.5, 2047.5]},
        "packed run lengths beyond the photo": {"size": [32, 64], "counts": "0oooooo0"},
        "packed run lengths cut off": {"size": [32, 64], "counts": "o"},
        "packed run lengths of other letters": {"size": [32, 64], "counts": "\x1b[2J"},
        "run lengths of another photo": {"size": [64, 32], "counts": [0, 2048]},
        "a number": 7,
    }.items()
}
"""What is no list of COCO's objects, and what the sentence names."""


def make_camvid(listing: bytes) -> Callable[[Bench], Command]:
    """CamVid with this list of training photos."""

    def make(bench: Bench) -> Command:
        _settings(bench, "camvid", instances=False)
        for folder in ("train", "trainannot", "val", "valannot"):
            (bench.folder / "data" / folder).mkdir(parents=True)
            shape = (32, 64) if folder.endswith("annot") else (32, 64, 3)
            Image.fromarray(np.zeros(shape, np.uint8)).save(bench.folder / "data" / folder / "a.png")
        (bench.folder / "data/val.txt").write_text("/x/val/a.png /x/valannot/a.png\n")
        (bench.folder / "data/train.txt").write_bytes(listing)
        return ["prepare"]

    return make


BAD_LISTS: dict[str, tuple[bytes, str]] = {
    "bytes that are no text": (b"\xff\xfe", "train.txt"),
    "a photo alone": (b"a.png\n", "train.txt"),
    "a name that clears the screen": (b"\x1b[2J.png a.png\n", "train.txt"),
    "a way out": (b"../../../etc/passwd ../..\n", "train.txt"),
    "nothing": (b"", "data"),
}
"""Lists of photos, and what the sentence names."""
