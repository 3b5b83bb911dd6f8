import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ccfpse.errors import DataError
from ccfpse.labelimage import Coding, decode_labels, read_instance_image, read_label_image
from ccfpse.labelspace import ClassTable, LabelClass

SKY, ROAD, IGNORED = (70, 130, 180), (128, 64, 128), (1, 2, 3)
TABLE = ClassTable(
    name="two",
    classes=(LabelClass("sky", SKY, 7, False, True), LabelClass("road", ROAD, 300, False, True)),
    has_dont_care=True,
    dont_care_raw=(0,),
    dont_care_colors=(IGNORED,),
)
BYTES = ClassTable(
    name="bytes",
    classes=tuple(LabelClass(str(i), color, i, False, True) for i, color in enumerate((SKY, ROAD))),
    has_dont_care=False,
    dont_care_raw=(),
    dont_care_colors=(),
)


def saved(tmp_path: Path, picture: Image.Image, name: str = "map.png", **options: Any) -> Path:
    picture.save(tmp_path / name, **options)
    return tmp_path / name


def palette_picture(indices: list[list[int]], colors: list[tuple[int, int, int]]) -> Image.Image:
    picture = Image.fromarray(np.array(indices, np.uint8)).convert("P")
    picture.putdata(np.array(indices).ravel().tolist())
    picture.putpalette([part for color in colors for part in color])
    return picture


def test_sixteen_bit_values_are_ids(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(np.array([[7, 300], [0, 7]], np.uint16)))
    assert read_label_image(path, TABLE, "auto").tolist() == [[0, 1], [2, 0]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_are_classes(tmp_path: Path, mode: str) -> None:
    pixels = np.array([[SKY, ROAD], [IGNORED, ROAD]], np.uint8)
    path = saved(tmp_path, Image.fromarray(pixels).convert(mode))
    assert read_label_image(path, TABLE, "auto").tolist() == [[0, 1], [2, 1]]
    assert read_label_image(path, TABLE, "colors").tolist() == [[0, 1], [2, 1]]


def test_palette_indices_are_ids_where_the_table_has_them(tmp_path: Path) -> None:
    path = saved(tmp_path, palette_picture([[0, 1]], [ROAD, SKY]))
    assert read_label_image(path, BYTES, "auto").tolist() == [[0, 1]]
    assert read_label_image(path, BYTES, "colors").tolist() == [[1, 0]]


def test_palette_colours_count_where_the_indices_are_not_ids(tmp_path: Path) -> None:
    path = saved(tmp_path, palette_picture([[4, 3]], [(9, 9, 9)] * 3 + [ROAD, SKY]))
    assert read_label_image(path, BYTES, "auto").tolist() == [[0, 1]]
    with pytest.raises(DataError, match=r"value 3 \(1 pixel\), value 4 \(1 pixel\) are not"):
        read_label_image(path, BYTES, "ids")


def test_a_palette_of_neither_ids_nor_known_colours_names_the_ids(tmp_path: Path) -> None:
    path = saved(tmp_path, palette_picture([[0, 5]], [SKY] + [(9, 9, 9)] * 5))
    with pytest.raises(DataError, match=r"map\.png: value 5 \(1 pixel\) is not in the class table of bytes"):
        read_label_image(path, BYTES, "auto")


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_small_grey_pngs_hold_the_written_numbers(tmp_path: Path, bits: int) -> None:
    """Pillow stretches 2 and 4 bits to 0..255, and cannot write them: the file is made by hand."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = bytes([0, 0b01000000 if bits == 1 else 1 << (8 - 2 * bits)])  # pixels 0, 1
    header = struct.pack(">IIBBBBB", 2, 1, bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    path = tmp_path / "small.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    assert read_label_image(path, BYTES, "ids").tolist() == [[0, 1]]


def test_ids_in_three_equal_channels_are_read_when_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(np.array([[7, 0]], np.uint8)).convert("RGB"))
    assert read_label_image(path, TABLE, "ids").tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("picture", "coding", "message"),
    [
        (
            Image.new("L", (3, 2), 9),
            "auto",
            r"map\.png: value 9 \(6 pixels\) is not in the class table of two",
        ),
        (Image.new("RGB", (3, 2), (5, 5, 6)), "auto", r"map\.png: colour #050506 \(6 pixels\) is not"),
        (
            Image.new("RGB", (3, 2), SKY),
            "ids",
            r"map\.png: is a coloured picture where a map of ids is expected",
        ),
        (Image.new("L", (3, 2), 7), "colors", r"map\.png: colour #070707 \(6 pixels\) is not"),
    ],
)
def test_unknown_values_are_named_with_file_and_count(
    tmp_path: Path, picture: Image.Image, coding: Coding, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_label_image(saved(tmp_path, picture), TABLE, coding)


def test_fractions_are_no_ids(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("F", (2, 2), 0.5), "map.tif")
    with pytest.raises(DataError, match=r"map\.tif: holds fractions"):
        read_label_image(path, TABLE, "auto")


def test_arrays_are_label_maps_too() -> None:
    assert decode_labels(np.array([[7, 300]]), TABLE, "auto", "array").tolist() == [[0, 1]]
    assert decode_labels(np.array([[SKY, ROAD]], np.uint8), TABLE, "auto", "array").tolist() == [[0, 1]]
    with pytest.raises(DataError, match="array: is float64"):
        decode_labels(np.zeros((2, 2)), TABLE, "auto", "array")


def test_instance_maps_tell_objects_apart_by_value_or_colour(tmp_path: Path) -> None:
    wide = saved(tmp_path, Image.fromarray(np.array([[26001, 26]], np.uint16)), "wide.png")
    assert read_instance_image(wide).tolist() == [[26001, 26]]
    colored = saved(tmp_path, Image.fromarray(np.array([[SKY, ROAD]], np.uint8)), "colors.png")
    assert len(np.unique(read_instance_image(colored))) == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.png: the label map cannot be read"):
        read_label_image(tmp_path / "none.png", TABLE, "auto")
