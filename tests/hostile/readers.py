"""Readers of files from strangers, as functions of the bytes of a file."""

import contextlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from safetensors.torch import save

from ccfpse.classfiles import parse_class_yaml
from ccfpse.datasets.source import SourceTree
from ccfpse.errors import CcfpseError
from ccfpse.labelimage import decode_label_image
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.modelfile import load_model
from ccfpse.pictures import decode_photo, decode_values
from ccfpse.sections import CCFPSE_SWITCHES
from ccfpse.study.answers import parse_answers
from ccfpse.study.key import Item, Key
from tests.hostile.archives import zipped

Read = Callable[[bytes], object]

TIFF_KINDS = ("tiff_lzw", "packbits", "tiff_deflate", "jpeg")
_COLORS = ((50, 100, 200), (100, 100, 200), (0, 0, 0))
TABLE = ClassTable(
    name="toy",
    classes=tuple(
        LabelClass(f"class {i}", color, i, has_instances=False, evaluated=True)
        for i, color in enumerate(_COLORS)
    ),
    has_dont_care=True,
    dont_care_raw=(255,),
    dont_care_colors=((255, 255, 255),),
)
KEY = Key(
    format=1,
    study="0" * 16,
    question="Which?",
    a="a",
    b="b",
    items={name: Item(layout=name, kind="pair", left="a", right="b") for name in ("x", "y")},
)


def read_model(content: bytes) -> None:
    """As a model file; what begins like JSON is its header alone."""
    if content.startswith(b"{"):
        content = save({}, metadata={"ccfpse": content.decode("utf-8", "replace")})
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        path = Path(folder, "model.safetensors")
        path.write_bytes(content)
        load_model(path)


def read_archive(content: bytes) -> None:
    """As an archive of pictures, all of which are unpacked."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        Path(folder, "a.zip").write_bytes(content)
        for file in SourceTree(Path(folder)).files("", (".png", ".jpg")).values():
            with contextlib.suppress(CcfpseError):
                file.read(2**20)


READERS: dict[str, tuple[Read, ...]] = {
    "labels": (
        lambda content: decode_label_image(content, "x", TABLE, "auto"),
        lambda content: decode_label_image(content, "x", TABLE, "ids"),
        lambda content: decode_label_image(content, "x", TABLE, "colors"),
        lambda content: decode_values(content, "x"),
        lambda content: decode_photo(content, "x"),
    ),
    "classes": (lambda content: parse_class_yaml(content, Path("classes.yaml")),),
    "model": (read_model,),
    "archive": (read_archive,),
    "answers": (lambda content: parse_answers(content, KEY, "x"),),
}


def read(reader: str, content: bytes) -> None:
    """Reads a file in all of a reader's ways; errors of our own are what it may raise, and are kept."""
    for way in READERS[reader]:
        with contextlib.suppress(CcfpseError):
            way(content)


def seeds(reader: str) -> list[bytes]:
    """Good files to begin with."""
    return _SEEDS[reader]()


def _memory() -> str | None:
    """A folder that no disk is behind, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _label_seeds() -> list[bytes]:
    ids = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8) % 3
    pictures = {
        "L": Image.fromarray(ids),
        "RGB": Image.fromarray(np.array(_COLORS, np.uint8)[ids]),
        "P": Image.fromarray(np.array(_COLORS, np.uint8)[ids]).quantize(4),
        "I;16": Image.fromarray(ids.astype(np.uint16)),
        "1": Image.fromarray(ids > 0),
        "RGBA": Image.fromarray(np.array(_COLORS, np.uint8)[ids]).convert("RGBA"),
    }
    found = []
    kinds: list[tuple[str, str, dict[str, object]]] = [
        *(("PNG", mode, {}) for mode in pictures),
        *(("PNG", "P", {"bits": bits}) for bits in (2, 4)),
        *(("TIFF", mode, {}) for mode in pictures),
        *(
            ("TIFF", "RGB", {"compression": kind})
            for kind in ("tiff_lzw", "packbits", "tiff_deflate", "jpeg")
        ),
        *(("BMP", mode, {}) for mode in ("L", "RGB", "P")),
        *(("PPM", mode, {}) for mode in ("L", "RGB", "1")),
        ("JPEG", "RGB", {"progressive": True}),
        ("WEBP", "RGB", {"lossless": True}),
    ]
    for kind, mode, options in kinds:
        buffer = io.BytesIO()
        pictures[mode].save(buffer, kind, **options)
        found.append(buffer.getvalue())
    return found


def _class_seeds() -> list[bytes]:
    entries = [
        {"name": "sky", "id": 1, "color": [1, 2, 3]},
        {"name": "a tree", "color": "#00ff00", "instances": True},
        {"name": "void", "id": 255, "ignore": True},
    ]
    tags = b"- {name: !!str a, id: !!int '0x10', color: !!seq [1, 0o2, 0b11]}\n- name: |\n    b\n  id: 1_0\n"
    return [yaml.safe_dump(entries).encode(), json.dumps(entries).encode(), tags]


def _model_seeds() -> list[bytes]:
    sizes = {"width": 1, "predictor_width": 1, "doublings": 5, "discriminator_width": 1}
    kinds = {"generator": "ccfpse", "discriminator": "fpse", "style": False}
    header = {
        "format": 2,
        "settings": {"model": kinds | sizes | CCFPSE_SWITCHES, "size": [32, 64], "has_boundary": True},
        "classes": TABLE.to_dict(),
        "provenance": {},
    }
    text = json.dumps(header)
    whole = save({"generator.to_rgb.weight": torch.zeros(3, 1, 3, 3)}, metadata={"ccfpse": text})
    return [text.encode(), whole]


def _archive_seeds() -> list[bytes]:
    members = (("maps/a.png", b"x" * 50), ("maps/b/c.jpg", b"\0" * 500), ("list.txt", b"a"))
    return [zipped(*members), zipped(*members, how=zipfile.ZIP_DEFLATED), zipped()]


def _answer_seeds() -> list[bytes]:
    answers = [{"item": item, "choice": "left", "seconds": 1.5} for item in KEY.items]
    content = {"format": 1, "study": KEY.study, "rater": "a" * 24, "revision": 2, "answers": answers}
    return [json.dumps(content).encode(), json.dumps(content | {"answers": []}, indent=1).encode()]


_SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "labels": _label_seeds,
    "classes": _class_seeds,
    "model": _model_seeds,
    "archive": _archive_seeds,
    "answers": _answer_seeds,
}
