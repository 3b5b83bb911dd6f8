"""Pictures of an evaluation, within the page itself."""

import base64
import dataclasses
import io
from pathlib import Path
from typing import Literal

from PIL import Image

from ccfpse.files import read_bytes
from ccfpse.pictures import decode_photo

_WIDEST = 1400
_QUALITY = 85


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a data URI, and its size in pixels."""

    uri: str
    width: int
    height: int


def embedded(path: Path, form: Literal["JPEG", "PNG"]) -> Picture:
    """A picture, no wider than a page needs, its pixels alone.

    Args:
        path: of the evaluation, or the grid.
        form: JPEG for photos, PNG for drawings.

    Raises:
        DataError: it is missing or damaged.
    """
    picture = decode_photo(read_bytes(path), str(path))
    if picture.width > _WIDEST:
        height = max(1, round(picture.height * _WIDEST / picture.width))
        picture = picture.resize((_WIDEST, height), Image.Resampling.LANCZOS)
    if form == "PNG":
        picture = picture.quantize(256, method=Image.Quantize.MEDIANCUT)
    file = io.BytesIO()
    picture.save(file, form, quality=_QUALITY, optimize=True)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Picture(f"data:image/{form.lower()};base64,{data}", picture.width, picture.height)
