import numpy as np
import pytest
from PIL import Image

from ccfpse.datasets.fitting import changes_aspect, fit_map, fit_photo


def coordinates(height: int, width: int) -> np.ndarray:
    """A map that holds in every pixel the number of its place."""
    return np.arange(height * width).reshape(height, width)


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("source", [(30, 40), (40, 30), (20, 20), (7, 50)])
@pytest.mark.parametrize("size", [(16, 32), (20, 20)])
def test_every_way_gives_the_size(fit, source, size) -> None:  # type: ignore[no-untyped-def]
    assert fit_photo(Image.new("RGB", source[::-1]), size, fit).shape == (*size, 3)
    assert fit_map(coordinates(*source), size, fit, None).shape == size


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_photo_and_map_stay_aligned(fit) -> None:  # type: ignore[no-untyped-def]
    labels = np.zeros((60, 100), np.uint8)
    labels[10:40, 30:90] = 255
    photo = fit_photo(Image.fromarray(labels).convert("RGB"), (32, 32), fit)[..., 0]
    fitted = fit_map(labels, (32, 32), fit, None)
    assert ((photo > 127) == (fitted > 127)).mean() > 0.98


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_the_right_size_is_left_as_it_is(fit) -> None:  # type: ignore[no-untyped-def]
    labels = coordinates(16, 32)
    assert (fit_map(labels, (16, 32), fit, 0) == labels).all()
    pixels = np.random.default_rng(0).integers(0, 256, (16, 32, 3), np.uint8)
    assert (fit_photo(Image.fromarray(pixels), (16, 32), fit) == pixels).all()


def test_maps_keep_to_their_values() -> None:
    labels = np.random.default_rng(0).choice([3, 70000], (30, 41))
    assert set(np.unique(fit_map(labels, (17, 23), "stretch", None))) == {3, 70000}


def test_crop_keeps_the_middle() -> None:
    assert (fit_map(coordinates(10, 30), (10, 10), "crop", None) == coordinates(10, 30)[:, 10:20]).all()


def test_pad_surrounds_with_the_value_or_the_edge() -> None:
    labels = np.full((10, 20), 4)
    padded = fit_map(labels, (20, 20), "pad", 9)
    assert (padded[5:15] == 4).all()
    assert (padded[:5] == 9).all()
    assert (padded[15:] == 9).all()
    assert (fit_map(labels, (20, 20), "pad", None) == 4).all()
    pixels = np.broadcast_to(np.arange(10, dtype=np.uint8)[:, None, None], (10, 20, 3)).copy()
    photo = fit_photo(Image.fromarray(pixels), (20, 20), "pad")
    assert photo[:6].max() == 0
    assert photo[14:].min() == 9


@pytest.mark.parametrize(
    ("source", "changed"),
    [((1024, 2048), False), ((235, 512), False), ((230, 512), True), ((512, 512), True)],
)
def test_a_tenth_of_width_to_height_is_the_limit(source: tuple[int, int], changed: bool) -> None:
    assert changes_aspect(source, (256, 512)) is changed
