import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpse.layoutfit import equal_batches, fit_to_multiple, fit_to_size

sides = st.integers(1, 90)


@given(sides, sides)
def test_a_fit_to_size_keeps_the_aspect_and_touches_two_edges(height: int, width: int) -> None:
    fit = fit_to_size((height, width), (32, 64))
    assert fit.window[0] == 32 or fit.window[1] == 64
    scale = min(32 / height, 64 / width)
    assert abs(fit.window[0] - height * scale) <= 1
    assert abs(fit.window[1] - width * scale) <= 1
    assert fit.apply(np.zeros((height, width), np.uint8), 7).shape == (32, 64)
    assert fit.undo(np.zeros((32, 64, 3), np.uint8)).shape == (height, width, 3)


@given(sides, sides)
def test_a_fit_to_multiples_gives_every_pixel_back(height: int, width: int) -> None:
    fit = fit_to_multiple((height, width), 32, 32)
    assert all(0 <= whole - side < 32 for side, whole in zip((height, width), fit.network_size, strict=True))
    values = np.random.default_rng(0).integers(0, 255, (height, width), dtype=np.uint8)
    padded = fit.apply(values, 7)
    np.testing.assert_array_equal(padded[:height, :width], values)
    np.testing.assert_array_equal(fit.undo(np.stack([padded] * 3, -1))[..., 0], values)


def test_what_fits_is_left_alone() -> None:
    values = np.arange(32 * 64).reshape(32, 64)
    for fit in (fit_to_size((32, 64), (32, 64)), fit_to_multiple((32, 64), 32, 32)):
        np.testing.assert_array_equal(fit.apply(values, 7), values)


def test_dont_care_or_the_nearest_edge_surrounds_a_label_map() -> None:
    ones = np.ones((32, 32), np.uint8)
    fit = fit_to_size((32, 32), (32, 64))
    around = np.ones((32, 64), bool)
    around[:, 16:48] = False
    np.testing.assert_array_equal(fit.apply(ones, 7) == 7, around)
    assert (fit.apply(ones, None) == 1).all()
    assert (fit_to_multiple((30, 30), 32, 32).apply(ones[:30, :30], 7) == 1).all()


def test_resizing_invents_no_labels_and_takes_the_nearest() -> None:
    values = np.array([[0, 9], [4, 2]], np.uint8)
    resized = fit_to_size((2, 2), (4, 4)).apply(values, None)
    np.testing.assert_array_equal(resized, values.repeat(2, 0).repeat(2, 1))


def test_halving_and_doubling_keeps_a_photo_in_its_place() -> None:
    fit = fit_to_size((64, 64), (32, 64))
    photo = np.zeros((32, 64, 3), np.uint8)
    photo[:16, 16:32] = 200  # upper left quarter of the window
    back = fit.undo(photo)
    assert (back[:28, :28] > 190).all()
    assert (back[36:] < 10).all()
    assert (back[:, 36:] < 10).all()


@pytest.mark.parametrize("most", [1, 2, 5])
def test_batches_hold_equal_sizes_and_everything_once(most: int) -> None:
    sizes = [(32, 32), (32, 64), (32, 32), (32, 32), (64, 32), (32, 64)]
    batches = equal_batches(sizes, most, usual=(64, 64))
    assert sorted(i for members in batches for i in members) == list(range(6))
    assert all(len({sizes[i] for i in members}) == 1 and len(members) <= most for members in batches)


def test_batches_of_large_sizes_are_smaller() -> None:
    sizes = [(64, 64)] * 4 + [(32, 32)] * 4 + [(256, 256)] * 2
    assert [len(members) for members in equal_batches(sizes, 4, usual=(32, 64))] == [2, 2, 4, 1, 1]
