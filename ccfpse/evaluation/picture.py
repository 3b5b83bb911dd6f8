"""Rows of label | real | synthesized as one picture that a person can look at, with a legend."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ccfpse.evaluation.photos import Pixels
from ccfpse.files import replacing
from ccfpse.labelspace import ClassTable, Color, Ids
from ccfpse.pictures import encoded

_CELL = 400
_GAP = 8
_LINE = 24
_SWATCH = 14
_BACKGROUND = (255, 255, 255)
_INK = (20, 20, 20)


def write_picture(
    path: Path,
    columns: Mapping[str, Sequence[Pixels]],
    names: Mapping[str, Color],
    row_captions: Sequence[str] = (),
    cell: int = _CELL,
) -> None:
    """Writes captioned columns of pictures of one size, and below them which colour is which class.

    Args:
        path: PNG file to write.
        columns: caption to pictures, uint8 (H, W, 3), from top to bottom.
        names: of classes, to their colours.
        row_captions: a line of text above every row; none: without.
        cell: width that pictures are enlarged to, at most, by a whole factor.

    Raises:
        OutputError: the file cannot be written.
    """
    height, width = next(iter(columns.values()))[0].shape[:2]
    factor = max(1, cell // width)
    cell_height, cell_width = height * factor, width * factor
    n_rows = max(len(pictures) for pictures in columns.values())
    total_width = _GAP + len(columns) * (cell_width + _GAP)
    caption_height = _LINE if row_captions else 0
    row_height = caption_height + cell_height + _GAP
    grid_height = _LINE + n_rows * row_height
    font = ImageFont.load_default(size=15)
    places = _legend_places(list(names), font, total_width)
    legend_height = (places[-1][1] + _LINE if places else 0) + _GAP

    canvas = Image.new("RGB", (total_width, grid_height + legend_height), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for column, (caption, pictures) in enumerate(columns.items()):
        left = _GAP + column * (cell_width + _GAP)
        draw.text((left, 3), caption, _INK, font)
        for row, pixels in enumerate(pictures):
            # Nearest: what is shown are the network's own pixels.
            enlarged = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
            canvas.paste(Image.fromarray(enlarged), (left, _LINE + row * row_height + caption_height))
    for row, caption in enumerate(row_captions):
        draw.text((_GAP, _LINE + row * row_height + 3), caption, _INK, font)
    for (x, y), (name, color) in zip(places, names.items(), strict=True):
        top = grid_height + y
        draw.rectangle((x, top + 2, x + _SWATCH, top + 2 + _SWATCH), color, _INK)
        draw.text((x + _SWATCH + 5, top), name, _INK, font)
    with replacing(path) as temporary:
        temporary.write_bytes(encoded(canvas, "PNG"))


def legend(table: ClassTable, labels: Sequence[Ids]) -> dict[str, Color]:
    """Names and colours of the classes that occur in label maps."""
    colors = table.palette().tolist()
    return {table.names[i]: (colors[i][0], colors[i][1], colors[i][2]) for i in np.unique(labels).tolist()}


def evenly_spaced(n: int, wanted: int) -> list[int]:
    """At most `wanted` of the indices 0..n-1, the same whatever the photos look like."""
    return [round(i) for i in np.linspace(0, n - 1, min(n, wanted)).tolist()]


def _legend_places(
    names: list[str], font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[tuple[int, int]]:
    """Left and top of every entry, in lines no wider than the picture."""
    places = []
    x, y = _GAP, 0
    for name in names:
        entry = _SWATCH + 5 + int(font.getlength(name)) + 2 * _GAP
        if x > _GAP and x + entry > width:
            x, y = _GAP, y + _LINE
        places.append((x, y))
        x += entry
    return places
