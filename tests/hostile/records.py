"""Records of this project's own kinds, changed by somebody who means no good."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile.spoiling import NO_FILES, Spoil, cut, put
from tests.hostile.texts import INFINITY, with_keys


def named(name: object) -> Spoil:
    return with_keys("splits", "val", "samples", "0", "name", value=name)


BAD_MANIFESTS: dict[str, Spoil] = {
    "another format": with_keys("format", value="1"),
    "a size that is not a number": with_keys("splits", "val", "size", value=[float("nan"), 64]),
    "an infinite size": with_keys("splits", "train", "size", value=[INFINITY, 64]),
    "a huge size": with_keys("splits", "train", "size", value=[2**70, 2**70]),
    "a size of text": with_keys("splits", "val", "size", value="ab"),
    "no validation": with_keys("splits", "val", value=...),
    "splits that are a list": with_keys("splits", value=[]),
    "samples that are a number": with_keys("splits", "val", "samples", value=7),
    "a name that leads out": named("../../outside"),
    "an absolute name": named("/tmp/outside"),
    "a name with a zero byte": named("a\0b"),
    "half a character for a name": named("\ud800"),
    "a name that is a number": named(7),
    "an empty name": named(""),
    "a name twice": named("town/b"),
    "a data set called by a list": with_keys("dataset", value=["a"]),
    "a data set that clears the screen": with_keys("dataset", value="\x1b[2J"),
    "a class that clears the screen": with_keys("class_table", "classes", "0", "name", value="\x1b[2J"),
    "a class with an infinite colour": with_keys(
        "class_table", "classes", "0", "color", value=[INFINITY, 0, 0]
    ),
    "no classes": with_keys("class_table", "classes", value=[]),
    "instances that are text": with_keys("instances", value="no"),
}
"""What is no manifest of a store."""


def array(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, **options)
    return buffer.getvalue()


def archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


class Runs:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.system, ("touch ran",)


def _array_header(text: str) -> bytes:
    padded = text.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\1\0" + len(padded).to_bytes(2, "little") + padded


OBJECTS = array(np.array([Runs()], dtype=object), allow_pickle=True)
BAD_STORES: dict[str, Spoil] = {
    "objects": put(OBJECTS),
    "an absurd shape": put(
        _array_header("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1152921504606846976, 64)}")
    ),
    "a shape below nought": put(
        _array_header("{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 32, 64)}")
    ),
    "a header that computes": put(_array_header("{'descr': __import__('os').system('touch ran')}")),
    "numbers of another type": put(array(np.zeros((2, 32, 64), np.float64))),
    "an archive of arrays": put(archive(a=np.zeros(3))),
    "another shape": put(array(np.zeros((2, 64, 32), np.uint8))),
    "a cut file": cut,
    "words": put(b"these are words"),
    "nothing": put(b""),
    "a folder": NO_FILES["folder"],
    "a dangling link": NO_FILES["dangling link"],
}
"""What is no array of a store."""

BAD_EVALUATIONS: dict[str, Spoil] = {
    "a score that is not a number": with_keys("miou", value=float("nan")),
    "an infinite distance": with_keys("fid", value=INFINITY),
    "a score of 400 digits": with_keys("accuracy", value=10**400),
    "a score of text": with_keys("miou", value="0.5"),
    "an infinite number of photos": with_keys("photos", value=INFINITY),
    "sources without names": with_keys("sources", value=[{"role": "prepared data"}]),
    "no sources": with_keys("sources", value=[]),
    "classes that are a number": with_keys("sources", "1", "classes_the_network_has_not", value=7),
    "figures that are a number": with_keys("figures", "0", "figures", value=7),
    "intervals that are a list": with_keys("intervals", value=[1]),
    "an interval without ends": with_keys("intervals", "miou", value={}),
    "an interval of text": with_keys("intervals", "miou", value={"low": "a", "high": "b"}),
    "no real photos": with_keys("real", value=None),
    "scores of classes that are a list": with_keys("iou", value=[1]),
    "a floor that is not a number": with_keys("judge_floor", value=float("nan")),
    "no word about the style": with_keys("style_of_the_photos_themselves", value=...),
}
"""What is no `metrics.json`."""


def rows(*lines: str) -> Spoil:
    header = "name,accuracy,miou,boundary_agreement,real_accuracy"
    return put("\n".join([header, *lines]).encode())


def drawn(**arrays: np.ndarray) -> Spoil:
    usual = {"photos": np.array("1 judge"), "score.miou": np.zeros(1000)}
    return put(archive(**usual | arrays))


BAD_ROWS: dict[str, dict[str, Spoil]] = {
    "images.csv": {
        "a figure that is not a number": rows("a,nan,0.3,,0.9"),
        "an infinite figure": rows("a,1e999,0.3,,0.9"),
        "a figure of text": rows("a,<script>,0.3,,0.9"),
        "a row cut short": rows("a,0.3"),
        "a field of a megabyte": rows("a" * 2**20 + ",0.3,,,"),
        "another header": put(b"a,b\n1,2\n"),
        "bytes that are no text": put(b"name\xff\n"),
        **{name: NO_FILES[name] for name in ("pipe", "device", "dangling link")},
    },
    "drawn.npz": {
        "objects": drawn(**{"score.miou": np.array([Runs()], dtype=object)}),
        "an array alone": put(array(np.zeros(3))),
        "an array of objects alone": put(OBJECTS),
        "a packed bomb": drawn(**{"score.miou": np.zeros(2**24)}),
        "words for figures": drawn(**{"score.miou": np.array(["a", "b"])}),
        "figures that are not numbers": drawn(**{"score.miou": np.full(1000, np.nan)}),
        "figures of a picture": drawn(**{"score.miou": np.zeros((10, 10))}),
        "an unknown kind": drawn(**{"secret.miou": np.zeros(10)}),
        "nothing": put(b""),
        "words": put(b"these are words"),
        **{name: NO_FILES[name] for name in ("pipe", "device")},
    },
}
"""Figures of photos, and of draws, by the file of an evaluation that should hold them."""


def answers(change: Any) -> Spoil:
    def do(path: Path) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return do


BAD_ANSWERS: dict[str, Spoil] = {
    "another study": with_keys("study", value="\x1b[2J" * 1000),
    "a rater with a path": with_keys("rater", value="../../../outside"),
    "a rater of HTML": with_keys("rater", value="<script>alert(1)</script>"),
    "seconds that are not a number": with_keys("answers", "0", "seconds", value=float("nan")),
    "infinite seconds": with_keys("answers", "0", "seconds", value=INFINITY),
    "seconds below nought": with_keys("answers", "0", "seconds", value=-1.0),
    "seconds of 400 digits": with_keys("answers", "0", "seconds", value=10**400),
    "a third choice": with_keys("answers", "0", "choice", value="both"),
    "an item nobody asks": with_keys("answers", "0", "item", value="\x1b[2J"),
    "an answer twice": answers(lambda c: c["answers"].append(c["answers"][0])),
    "an unknown key": with_keys("\x1b[2J" * 100, value=1),
    "half a character": with_keys("rater", value="\ud800"),
    "a revision of text": with_keys("revision", value="9"),
    "five megabytes": put(b" " * (5 << 20)),
}
"""What is no answers file."""
