"""Styles as they are named on the command line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ccfpse
from ccfpse.errors import CcfpseError
from ccfpse.model import Model
from ccfpse.styleoptions import WORDS, read_style
from ccfpse.styles import NamedStyle, interpolated
from ccfpse_cli import completion
from tests.hostile.recipes import VECTORS

MakeModel = Callable[..., Path]


@pytest.fixture
def model(make_model: MakeModel) -> Model:
    return ccfpse.load(make_model(style=True))


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two photos."""
    for name in ("a", "b"):
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (40, 60, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    return [tmp_path / "a.png", tmp_path / "b.png"]


def read(model: Model, *given: str | Path, share: float | None = None) -> NamedStyle:
    style = read_style(model, [str(one) for one in given], share)
    assert isinstance(style, NamedStyle)
    return style


def test_words_stay_words(model: Model) -> None:
    assert [read_style(model, [word], None) for word in ("prior", "mean", "own")] == ["prior", "mean", "own"]


def test_the_shell_offers_the_same_words() -> None:
    assert completion.STYLES == WORDS


def test_a_photo_and_its_vector_are_the_same_style(model: Model, photos: list[Path], tmp_path: Path) -> None:
    vector = model.encode_style(Image.open(photos[0]))
    np.save(tmp_path / "kept.npy", vector)
    by_photo, by_file = read(model, photos[0]), read(model, tmp_path / "kept.npy")
    assert (by_photo.text, by_file.text) == ("photo a.png", "vector kept.npy")
    for style in (by_photo, by_file):
        np.testing.assert_array_equal(style.vector, vector)


def test_two_with_a_share_are_what_lies_between_them(model: Model, photos: list[Path]) -> None:
    a, b = (model.encode_style(Image.open(photo)) for photo in photos)
    style = read(model, *photos, share=0.3)
    assert style.text == "0.3 from photo a.png to photo b.png"
    np.testing.assert_array_equal(style.vector, interpolated(a, b, 0.3))
    np.testing.assert_allclose(read(model, "mean", photos[0], share=0.5).vector, a / 2, rtol=1e-5)


TOLD = {
    "archive": "holds an archive",
    "another length": r"holds float64 \(8,\); a style of 256 numbers is needed",
    "text": "a style of 256 numbers is needed",
    "infinite numbers": "not finite",
    "numbers too large for the type": "not finite",
    "larger than any style": "cannot be read",
}


@pytest.mark.parametrize("name", VECTORS)
def test_files_that_hold_no_style_are_refused(name: str, model: Model, tmp_path: Path) -> None:
    (tmp_path / "bad.npy").write_bytes(VECTORS[name])
    with pytest.raises(CcfpseError, match=f"bad.npy: .*{TOLD.get(name, 'no file of a style')}"):
        read(model, tmp_path / "bad.npy")


@pytest.mark.parametrize(
    ("given", "share", "words"),
    [
        (["mean", "mean"], None, "twice with --share"),
        (["mean"], 0.5, "twice with --share"),
        (["mean"] * 3, 0.5, "twice with --share"),
        ([], None, "twice with --share"),
        (["prior", "mean"], 0.5, "style prior differs from layout to layout"),
        (["mean", "own"], 0.5, "style own differs from layout to layout"),
        (["mean", "mean"], 1.5, "from 0 to 1"),
        (["mean", "lost.jpg"], 0.5, "lost.jpg: the photo cannot be read"),
        (["lost.npy"], None, "lost.npy: the style cannot be read"),
    ],
)
def test_styles_that_mean_nothing_are_refused(
    given: list[str], share: float | None, words: str, model: Model
) -> None:
    with pytest.raises(CcfpseError, match=words):
        read_style(model, given, share)


def test_a_model_without_style_says_so_before_it_looks_for_a_file(make_model: MakeModel) -> None:
    with pytest.raises(CcfpseError, match="trained without a style; leave the style at prior"):
        read_style(ccfpse.load(make_model()), ["lost.jpg"], None)
