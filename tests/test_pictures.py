import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ccfpse.errors import DataError
from ccfpse.pictures import decode_photo, decode_values


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(mode: str = "RGB") -> Image.Image:
    values = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_photos_of_all_modes_become_rgb(mode: str) -> None:
    photo = decode_photo(encoded(gradient(mode)), "x.png")
    assert (photo.mode, photo.size) == ("RGB", (8, 6))


def test_cmyk_jpegs_become_rgb() -> None:
    assert decode_photo(encoded(gradient("CMYK"), "JPEG"), "x.jpg").mode == "RGB"


def test_sixteen_bits_of_grey_keep_their_range() -> None:
    wide = Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16))
    assert np.asarray(decode_photo(encoded(wide), "x.png"))[0, :, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_rotation_is_applied(orientation: int) -> None:
    upright = Image.new("RGB", (40, 24), "black")
    upright.paste((255, 255, 255), (0, 0, 20, 12))  # the upper left quarter
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode_photo(encoded(stored, "JPEG", exif=exif), "x.jpg")
    assert photo.size == upright.size
    assert np.abs(np.asarray(photo, int) - np.asarray(upright, int)).mean() < 4


def test_a_phone_picture_with_a_preview_is_one_photo() -> None:
    content = encoded(gradient(), "MPO", save_all=True, append_images=[gradient()])
    assert decode_photo(content, "x.jpg").size == (8, 6)


def test_instance_numbers_of_sixteen_bits_survive() -> None:
    values = np.array([[33001, 26], [0, 65535]], np.uint16)
    assert decode_values(encoded(Image.fromarray(values)), "x.png").tolist() == values.tolist()


def huge() -> bytes:
    """A PNG whose header declares 60,000 x 60,000 pixels."""
    content = bytearray(encoded(Image.new("L", (1, 1))))
    content[16:24] = struct.pack(">II", 60000, 60000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a picture"),
        (b"these are words", "is not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not a picture"),
        (encoded(gradient())[:-30], "is a damaged or truncated picture"),
        (encoded(gradient(), "JPEG")[:-40], "is a damaged or truncated picture"),
        (encoded(gradient(), save_all=True, append_images=[Image.new("RGB", (8, 6))]), "several pictures"),
        (huge(), "declares more than"),
    ],
    ids=["empty", "text", "program", "cut png", "cut jpeg", "animation", "huge"],
)
def test_what_is_no_single_whole_picture_is_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"^x: .*{message}"):
        decode_photo(content, "x")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM"])
def test_damaged_bytes_never_raise_anything_else(kind: str) -> None:
    whole = encoded(gradient(), kind)
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(0, 256)
        for decode in (decode_photo, decode_values):
            with contextlib.suppress(DataError):
                decode(bytes(damaged[: rng.integers(1, len(whole) + 1)]), "x")


def test_decoders_say_nothing_themselves(capfd: pytest.CaptureFixture[str]) -> None:
    whole = encoded(gradient(), "TIFF", compression="tiff_lzw")
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 4):
            damaged[place] = rng.integers(0, 256)
        with contextlib.suppress(DataError):
            decode_photo(bytes(damaged), "x")
    assert capfd.readouterr().err == ""  # libtiff's own words would be here
