"""Files of weights that lie, or would run what they hold."""

import io
import json
import os
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from tests.hostile.spoiling import NO_FILES, Spoil, cut, put


def raw_safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> Spoil:
    """A file with this header, which may declare another length."""
    return put(struct.pack("<Q", len(header) if length is None else length) + header + data)


def entries(**entries: object) -> bytes:
    return json.dumps(entries).encode()


def tensor(shape: list[int], offsets: list[int], kind: str = "F32") -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": offsets}


BAD_SAFETENSORS: dict[str, Spoil] = {
    "header of 2^60 bytes": raw_safetensors(b"{}", length=2**60),
    "header beyond the end": raw_safetensors(b"{}", length=1000),
    "header that is no JSON": raw_safetensors(b"{]"),
    "header of lists": raw_safetensors(b"[" * 100_000),
    "header without content": put(b"\0" * 8),
    "tensors that overlap": raw_safetensors(
        entries(a=tensor([1], [0, 4]), b=tensor([1], [2, 6])), data=b"\0" * 6
    ),
    "tensor beyond the end": raw_safetensors(entries(a=tensor([1], [0, 400])), data=b"\0" * 4),
    "tensor before the start": raw_safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}'),
    "tensor of an absurd shape": raw_safetensors(entries(a=tensor([2**62, 2**62], [0, 4])), data=b"\0" * 4),
    "tensor of another shape": raw_safetensors(entries(a=tensor([9], [0, 4])), data=b"\0" * 4),
    "tensor of an unknown type": raw_safetensors(entries(a=tensor([1], [0, 4], "F31")), data=b"\0" * 4),
    "tensor twice": raw_safetensors(
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        data=b"\0" * 8,
    ),
    "tensors of another program": put(save({"x": torch.zeros(1)})),
    "pickle": put(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR."),
    "cut in half": cut,
}
"""What is no model file: not even safetensors, or not ours."""


def rewritten(change: Callable[[dict[str, Any], dict[str, torch.Tensor]], object]) -> Spoil:
    """A model file whose header and weights are changed."""

    def do(path: Path) -> None:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["ccfpse"])
        weights = load_file(path)
        text = change(header, weights)
        if not isinstance(text, str):
            text = json.dumps(header)
        path.write_bytes(save(weights, metadata={"ccfpse": text}))

    return do


def header(*keys: str, value: object) -> Spoil:
    """A model file with another value in its header; `...` takes it away."""

    def change(content: dict[str, Any], _: Mapping[str, torch.Tensor]) -> None:
        *parents, last = keys
        section: Any = content
        for parent in parents:
            section = section[int(parent)] if isinstance(section, list) else section[parent]
        if value is ...:
            del section[last]
        else:
            section[last] = value

    return rewritten(change)


_FIRST = "generator.to_rgb.weight"
BAD_MODELS: dict[str, Spoil] = {
    "header of lists within lists": rewritten(lambda h, w: "[" * 100_000),
    "header of words": rewritten(lambda h, w: "words"),
    "infinite format": header("format", value=1e999),
    "format that is text": header("format", value="2"),
    "format of the future": header("format", value=10**30),
    "no classes": header("classes", "classes", value=[]),
    "class table that is a list": header("classes", value=[]),
    "class with an escape sequence": header("classes", "classes", "0", "name", value="\x1b[2J"),
    "class with a huge value": header("classes", "classes", "0", "raw", value=2**40),
    "class with an infinite value": header("classes", "classes", "0", "raw", value=1e999),
    "class with an infinite colour": header("classes", "classes", "0", "color", value=[1e999, 0, 0]),
    "table called nothing": header("classes", "name", value=None),
    "settings that are a list": header("settings", value=[1]),
    "sizes that are text": header("settings", "size", value=["32", "64"]),
    "size below nought": header("settings", "size", value=[-32, 64]),
    "huge size": header("settings", "size", value=[2**40, 2**40]),
    "size of three": header("settings", "size", value=[32, 32, 32]),
    "boundary that is text": header("settings", "has_boundary", value="no"),
    "huge width": header("settings", "model", "width", value=10**9),
    "width of text": header("settings", "model", "width", value="64"),
    "many doublings": header("settings", "model", "doublings", value=10**9),
    "unknown generator": header("settings", "model", "generator", value="\x1b[31mgan"),
    "no settings": header("settings", value=...),
    "no provenance": header("provenance", value=...),
    "missing weights": rewritten(lambda h, w: w.pop(_FIRST)),
    "unexpected weights": rewritten(lambda h, w: w.update({"generator.\x1b[2J": torch.zeros(1)})),
    "weights of another shape": rewritten(lambda h, w: w.update({_FIRST: torch.zeros(1, 1)})),
    "weights of whole numbers": rewritten(lambda h, w: w.update({_FIRST: w[_FIRST].long()})),
    "weights that are true or false": rewritten(lambda h, w: w.update({_FIRST: w[_FIRST] > 0})),
}
"""Safetensors that are no model."""


_SCALE = f"{_FIRST}.scale"


def _scales(change: Callable[[torch.Tensor], torch.Tensor]) -> Spoil:
    return rewritten(lambda h, w: w.update({_SCALE: change(w[_SCALE])}))


BAD_PACKED: dict[str, Spoil] = {
    "no scales": rewritten(lambda h, w: w.pop(_SCALE)),
    "scales of another shape": _scales(lambda s: s[:1]),
    "a scale for all": _scales(lambda s: s.flatten()[0]),
    "scales for every weight": rewritten(lambda h, w: w.update({_SCALE: w[_FIRST].float() + 200})),
    "scales of half precision": _scales(lambda s: s.half()),
    "scales that are whole numbers": _scales(lambda s: s.to(torch.int8)),
    "scales that are not numbers": _scales(lambda s: s * torch.nan),
    "infinite scales": _scales(lambda s: s / 0),
    "scales of nought": _scales(lambda s: s * 0),
    "scales below nought": _scales(lambda s: -s),
    "scales that make infinite weights": _scales(lambda s: torch.full_like(s, 3e38)),
    "scales without weights": rewritten(lambda h, w: w.update({_FIRST: w[_FIRST].float()})),
    "weights of another shape": rewritten(lambda h, w: w.update({_FIRST: w[_FIRST][:, :1].contiguous()})),
    "biases of 8 bits": rewritten(
        lambda h, w: w.update({"generator.to_rgb.bias": torch.zeros(3, dtype=torch.int8)})
    ),
}
"""Model files of 8 bits whose weights cannot be."""


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def packed(content: bytes) -> bytes:
    """The same zip archive, its files packed."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    return buffer.getvalue()


class Runs:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch ran",)


BAD_CHECKPOINTS: dict[str, Spoil] = {
    "program": put(saved({"a": Runs()})),
    "program in an old pickle": put(b"cos\nsystem\n(S'touch ran'\ntR."),
    "function by name": put(saved({"hook": os.system})),
    "packed bomb": put(packed(saved({"a": torch.zeros(2**20)}))),
    "few numbers shown as many": put(saved({"conv_img.weight": torch.zeros(1).expand(3, 10**6, 3, 3)})),
    "weights that are nowhere": put(saved({"conv_img.weight": torch.zeros(3, 64, 3, 3, device="meta")})),
    "sparse weights": put(saved({"conv_img.weight": torch.zeros(3, 3).to_sparse()})),
    "complex weights": put(saved({"conv_img.weight": torch.zeros(3, 3, dtype=torch.complex64)})),
    "weights without numbers": put(saved({"conv_img.weight": torch.zeros(3, 0, 3, 3)})),
    "a wide network told by one entry": put(
        saved({"conv_img.weight": torch.zeros(3, 50_000, 1, 1), "fc.weight": torch.zeros(2, 2)})
    ),
    "list": put(saved([torch.zeros(1)])),
    "names that are numbers": put(saved({1: torch.zeros(1)})),
    "names that clear the screen": put(saved({"\x1b[2J": torch.zeros(1)})),
    "cut": put(saved({"a": torch.zeros(1000)})[:-600]),
    "empty zip archive": put(b"PK\5\6" + b"\0" * 18),
    "words": put(b"these are words"),
    "nothing": put(b""),
    **NO_FILES,
}
"""What is no published checkpoint."""
