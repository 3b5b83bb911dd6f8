"""What the page and the HTTP endpoints can do with a model, without HTTP."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccfpse.errors import DataError, SettingsError
from ccfpse.labelimage import decode_labels
from ccfpse.labelspace import ClassTable, Ids
from ccfpse.layoutfit import SizeChoice
from ccfpse.model import Model
from ccfpse.modelinputs import Coding, decoded_labels
from ccfpse.painting.layout import (
    Layout,
    check_vector,
    is_layout_file,
    parse_layout,
    reduced,
    to_json,
    with_objects,
)
from ccfpse.painting.samples import Offered, eraser, ground
from ccfpse.pictures import decode_photo, decode_picture, encoded, picture_values
from ccfpse.recipe import file_name, with_recipe
from ccfpse.styleoptions import between
from ccfpse.styles import NamedStyle

MOST_OPENED_PIXELS = 2**26
"""Of a label map that is opened or a photo that gives its style: those of large cameras."""
_MOST_DECODED_PIXELS = 2**22
"""Of a label map whose classes are looked up; it is reduced further afterwards."""
_LEAST_LIMIT = 2**18
_TIMES_THE_MODEL = 4  # it is slow beyond, and paints large areas flat
NAME = "painting"
"""Of a painted layout: it draws the prior's style together with the seed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StyleWish:
    """What style a photo is to have; nothing of it matters to a model without style."""

    style: str = "prior"
    """`prior`, `mean`, or a vector as a JSON list."""
    seed: int = 0
    """Of the prior."""
    style_to: str | None = None
    """The other end of an interpolation, in the same words."""
    seed_to: int = 0
    share: float = 0.0
    """Of the way from the first to the other."""


class Studio:
    """A model, the layouts it offers, and its class table's coding."""

    def __init__(self, model: Model, layouts: Offered) -> None:
        """`model` is one from a file, which photos' recipes name."""
        self.model = model
        self.layouts = layouts
        self.most_pixels = max(_TIMES_THE_MODEL * model.size[0] * model.size[1], _LEAST_LIMIT)

    def warm_up(self) -> None:
        """Makes a photo of nothing, so that the first real one is no slower than others."""
        self.model.synthesize(np.zeros(self.model.size, np.uint8), coding="classes")

    def described(self) -> dict[str, Any]:
        """What a page has to know about the model."""
        table, model = self.model.class_table, self.model
        height, width = model.size
        things = [c.has_instances for c in table.classes] + [False] * table.has_dont_care
        colors = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in _colors(table).tolist()]
        return {
            "name": file_name(Path(model.name)),
            "sha256": model.sha256,
            "height": height,
            "width": width,
            "classes": [
                {"name": name, "color": color, "has_objects": has}
                for name, color, has in zip(table.names, colors, things, strict=True)
            ],
            "ground": ground(table),
            "eraser": eraser(table),
            "has_boundary": model.has_boundary,
            "style_dim": model.style_dim,
            "takes_photos": model.takes_photos,
            "layouts": len(self.layouts),
        }

    def photo(
        self,
        labels: bytes,
        instances: bytes | None = None,
        wish: StyleWish | None = None,
        coding: Coding = "auto",
        size: SizeChoice = "input",
    ) -> bytes:
        """The photo of a label map, as the content of a PNG file.

        Args:
            labels: content of a picture file, its values as `coding` says (see `Model.synthesize`).
            instances: content of the picture file with its instance numbers, or None.
            wish: the style.
            coding: of the label map.
            size: of the photo.

        Raises:
            DataError: pictures that are none, too large, or do not belong together.
            SettingsError: a style that the model cannot have.
        """
        ids = self._ids(labels, coding)
        numbers = None
        if instances is not None and self.model.has_boundary:
            numbers = picture_values(decode_picture(instances, "instances", self.most_pixels))
        wish = wish or StyleWish()
        style = self._style(wish)
        [photo] = self.model.synthesize(
            [ids],
            None if numbers is None else [numbers],
            style,
            wish.seed,
            names=[NAME],
            coding="classes",
            size=size,
        )
        assert isinstance(photo, Image.Image)
        checksum = self.model.layout_checksum(ids, numbers)
        recipe = self.model.recipe(checksum, layout=NAME, style=style, seed=wish.seed, size=size)
        return with_recipe(photo, recipe)

    def _style(self, wish: StyleWish) -> str | NamedStyle:
        """A style as `Model.synthesize` takes it.

        Raises:
            SettingsError: it is none that this model can have.
        """
        if wish.style_to is None or self.model.style_dim is None:
            return self._end(wish.style)
        ends = (wish.style, wish.seed), (wish.style_to, wish.seed_to)
        first, other = (self._named(text, seed) for text, seed in ends)
        return between(first, other, wish.share)

    def _end(self, text: str) -> str | NamedStyle:
        dim = self.model.style_dim
        if dim is None or not text.lstrip().startswith("["):
            return text
        try:
            return NamedStyle("vector", np.array(check_vector(json.loads(text), dim), np.float32))
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"the style cannot be used ({error})") from error

    def _named(self, text: str, seed: int) -> NamedStyle:
        end = self._end(text)
        found = self.model.styles(end, [NAME], seed)
        assert found is not None  # of models with style
        called = end.text if isinstance(end, NamedStyle) else f"prior {seed}" if end == "prior" else end
        return NamedStyle(called, found[0])

    def style_of(self, photo: bytes) -> list[float]:
        """The style of a photo from the bytes of its file, `style_dim` numbers.

        Raises:
            DataError: it is no photo.
            SettingsError, ModelFileError: the model takes no style from photos.
        """
        vector = self.model.encode_style(decode_photo(photo, "the photo", MOST_OPENED_PIXELS))
        return [float(value) for value in vector]

    def opened(self, content: bytes, name: str) -> dict[str, Any]:
        """A label map or layout file as the page takes it, reduced to the pixels of the model's size.

        Raises:
            DataError: it is neither, or holds classes that the model does not know.
        """
        if is_layout_file(content):
            layout = parse_layout(content, name, self.model.class_table, self.model.style_dim)
        else:
            picture = _smaller(decode_picture(content, name, MOST_OPENED_PIXELS), _MOST_DECODED_PIXELS)
            ids = decode_labels(picture, self.model.class_table, "auto", name)
            layout = with_objects(ids, None, self.model.class_table)
        height, width = self.model.size
        return self._json(reduced(layout, height * width))

    def offered(self, index: int) -> dict[str, Any]:
        """One of the layouts to begin with, as the page takes it.

        Raises:
            DataError: there is none of this number, or it cannot be read.
        """
        if not 0 <= index < len(self.layouts):
            raise DataError(f"there are layouts 0 to {len(self.layouts) - 1}, none is number {index}")
        return self._json(self.layouts.layout(index))

    def _json(self, layout: Layout) -> dict[str, Any]:
        return to_json(layout, self.model.class_table.names)

    def label_map(self, labels: bytes, kind: str) -> bytes:
        """A label map of class ids in the coding of the class table, as the content of a PNG file.

        Args:
            labels: content of a picture file with positions in the class table.
            kind: `ids`: its values, as grey of 8 bits, or 16 where that takes them; `colors`.

        Raises:
            DataError: no such picture, or a class that has no value.
        """
        ids = self._ids(labels, "classes")
        table = self.model.class_table
        picture = Image.fromarray(_colors(table)[ids] if kind == "colors" else _raw(ids, table))
        return encoded(picture, "PNG")

    def _ids(self, content: bytes, coding: Coding) -> Ids:
        picture = decode_picture(content, "labels", self.most_pixels)
        values = picture_values(picture) if coding == "classes" else picture
        return decoded_labels(values, self.model.class_table, coding, "labels")


def _smaller(picture: Image.Image, most: int) -> Image.Image:
    """The picture, or every so many of its rows and columns."""
    step = math.ceil(math.sqrt(picture.width * picture.height / most))
    height = math.ceil(picture.height / step)
    width = min(math.ceil(picture.width / step), most // height)
    return picture if step == 1 else picture.resize((width, height), Image.Resampling.NEAREST)


def _colors(table: ClassTable) -> npt.NDArray[np.uint8]:
    """Colours by id, with the one that label maps have for don't care."""
    colors = table.palette()
    if table.has_dont_care and table.dont_care_colors:
        colors[table.n_classes] = table.dont_care_colors[0]
    return colors


def _raw(ids: Ids, table: ClassTable) -> npt.NDArray[Any]:
    values = [c.raw for c in table.classes]
    if table.has_dont_care:
        values.append(table.dont_care_raw[0] if table.dont_care_raw else None)
    used = np.unique(ids).tolist()
    if missing := [table.names[i] for i in used if values[i] is None]:
        raise DataError(
            f"the class table of {table.name} has no value for {', '.join(missing[:3])}; save the colours"
        )
    lookup = np.array([0 if value is None else value for value in values], np.uint16)
    raw = lookup[ids]
    return raw if raw.max(initial=0) > 255 else raw.astype(np.uint8)
