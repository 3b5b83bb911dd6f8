"""How a photo was made, as text in its PNG file: enough to make it again, and nothing that tells more.

No path, no time, no name of a machine: the same command gives the same bytes. `ccfpse remake` reads it.
"""

import base64
import binascii
import dataclasses
import functools
import hashlib
import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ccfpse.device import Precision
from ccfpse.errors import DataError, SettingsError
from ccfpse.labelspace import Ids
from ccfpse.layoutfit import SizeChoice
from ccfpse.native.library import library
from ccfpse.native.place import library_path
from ccfpse.pictures import decode_picture, encoded
from ccfpse.sections import need
from ccfpse.strict import build, shorten, shown
from ccfpse.styles import Style

KEY = "ccfpse"
"""Keyword of the PNG text chunk (iTXt)."""
FORMAT = 1

_LONGEST = 2**16  # characters of a recipe
_LONGEST_NAME = 2**12
_CHECKSUM = re.compile("[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """What a photo's last digits depend on beside its recipe's other half: programs and processor."""

    ccfpse: str
    """Version of this package."""
    torch: str
    """Version, build included."""
    pillow: str
    """Version; it writes the file."""
    device: str
    """Kind: cpu, cuda or mps."""
    threads: int | None
    """Of PyTorch; None: not on the CPU."""
    kernels: str | None
    """Checksum of the compiled kernels' source, flags and processor; None: PyTorch alone."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one photo was made.

    Raises:
        SettingsError: values that no photo of ours has.
    """

    format: int
    model: str
    """File name of the model."""
    model_sha256: str
    """Of that file."""
    layout: str
    """Name of the layout: that of its file, relative and without suffix."""
    layout_sha256: str
    """As `layout_checksum` gives it."""
    style: str
    """`none` (of a model without style), `prior`, `mean`, `own`, or what `NamedStyle` calls it."""
    style_vector: str | None
    """For all but none, prior and mean: float32, little-endian, in base64."""
    seed: int
    """Of the prior's styles."""
    size: SizeChoice
    """As `Model.synthesize` has it."""
    precision: Precision
    maker: Maker

    def __post_init__(self) -> None:
        need(self.format == FORMAT, f"format is {shown(self.format)}; this ccfpse reads {FORMAT}")
        for name in ("model_sha256", "layout_sha256"):
            value = getattr(self, name)
            need(_CHECKSUM.fullmatch(value) is not None, f"{name} is {shown(value)}; it must be a SHA-256")
        for name in ("model", "layout", "style"):
            need(
                len(getattr(self, name)) <= _LONGEST_NAME, f"{name} is longer than {_LONGEST_NAME} characters"
            )
        need(0 <= self.seed < 2**63, f"seed is {shown(self.seed)}")
        self.vector()

    def vector(self) -> Style | None:
        """The style's vector, (style_dim,), where the recipe has one."""
        if self.style_vector is None:
            return None
        try:
            content = base64.b64decode(self.style_vector.encode("ascii"), validate=True)
            found: Style = np.frombuffer(content, "<f4").astype(np.float32)
        except (UnicodeEncodeError, binascii.Error, ValueError) as error:
            raise SettingsError("style_vector is not base64 of float32 numbers") from error
        need(bool(np.isfinite(found).all()), "style_vector holds numbers that are not finite")
        return found


@functools.cache
def _version() -> str:
    return metadata.version("ccfpse")


@functools.cache
def _kernels() -> str:
    return library_path().stem.removeprefix("kernels-")


def vector_text(style: Style) -> str:
    """A style as `Recipe.style_vector` holds it."""
    return base64.b64encode(np.ascontiguousarray(style, "<f4").tobytes()).decode("ascii")


def maker(device: torch.device) -> Maker:
    """What would make a photo now, on this device."""
    is_cpu = device.type == "cpu"
    has_kernels = is_cpu and library() is not None
    return Maker(
        ccfpse=_version(),
        torch=str(torch.__version__),
        pillow=PIL.__version__,
        device=device.type,
        threads=torch.get_num_threads() if is_cpu else None,
        kernels=_kernels() if has_kernels else None,
    )


def layout_checksum(labels: Ids, instances: npt.NDArray[Any] | None) -> str:
    """SHA-256 of what a layout says, whatever numbers or colours it was coded with.

    Args:
        labels: class ids of the model, (H, W).
        instances: numbers that tell objects apart, (H, W), counted in the order in which they appear; None:
            the model looks at no object boundaries.
    """
    digest = hashlib.sha256(f"{labels.shape[0]}x{labels.shape[1]}".encode())
    digest.update(np.ascontiguousarray(labels, np.uint8).data)
    if instances is not None:
        _, first, inverse = np.unique(instances, return_index=True, return_inverse=True)
        order = np.empty(len(first), "<u4")
        order[np.argsort(first)] = np.arange(len(first))
        digest.update(np.ascontiguousarray(order[inverse.reshape(-1)]).data)
    return digest.hexdigest()


def with_recipe(photo: Image.Image, recipe: Recipe) -> bytes:
    """A PNG file of a photo, with its recipe."""
    chunk = PngInfo()
    chunk.add_itxt(KEY, json.dumps(dataclasses.asdict(recipe), ensure_ascii=False, allow_nan=False))
    return encoded(photo, "PNG", pnginfo=chunk)


def read_recipe(content: bytes, name: str) -> Recipe:
    """The recipe in a picture's file.

    Args:
        content: of the file.
        name: of the file, for messages.

    Raises:
        DataError: it is no whole picture, or holds no recipe that this version can read.
    """
    picture = decode_picture(content, name)
    text = picture.info.get(KEY)
    if not isinstance(text, str):
        why = "" if picture.format == "PNG" else f"; it is a {picture.format}, and only PNG files hold one"
        raise DataError(
            f"{name}: holds no recipe of how it was made{why}; give a PNG that ccfpse synthesized"
        )
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"it is longer than {_LONGEST} characters")
        found = json.loads(text)
        version = found.get("format") if isinstance(found, dict) else None
        if type(version) is int and version > FORMAT:
            raise DataError(
                f"{name}: its recipe has format {shown(version)}, this ccfpse reads up to {FORMAT}; "
                "install a newer one"
            )
        return build(Recipe, found, "recipe")
    except (ValueError, RecursionError, SettingsError) as error:
        raise DataError(
            f"{name}: its recipe is damaged ({str(error)[:300]}); give a PNG as ccfpse synthesized it"
        ) from error


def differences(before: Maker, now: Maker) -> list[str]:
    """In what two makers differ, one phrase each; empty: in nothing that is recorded."""
    found = []
    for field in dataclasses.fields(Maker):
        a, b = getattr(before, field.name), getattr(now, field.name)
        if a == b:
            continue
        if field.name == "kernels":
            a, b = (f"compiled ({x})" if x else "not compiled" for x in (a, b))
        found.append(f"{field.name} {_told(a)} then, {_told(b)} now")
    return found


def _told(value: object) -> str:
    return "none" if value is None else shorten(str(value))


def file_name(path: Path) -> str:
    """A file's name as a recipe holds it: without its folders, and as text whatever its bytes are."""
    return path.name.encode("utf-8", "backslashreplace").decode("utf-8")[:_LONGEST_NAME]
