import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpse.errors import SettingsError
from ccfpse.styles import Style, interpolated, prior_style


def test_a_style_is_that_of_seed_and_name() -> None:
    style = prior_style(3, "town/a", 256)
    np.testing.assert_array_equal(style, prior_style(3, "town/a", 256))
    assert not np.array_equal(style, prior_style(4, "town/a", 256))
    assert not np.array_equal(style, prior_style(3, "town/b", 256))


def test_seed_and_name_do_not_run_together() -> None:
    assert not np.array_equal(prior_style(1, "1/a", 8), prior_style(11, "a", 8))


def test_styles_are_the_same_on_every_machine() -> None:
    # Drawn once; a change would change everybody's pictures.
    expected = [-0.5467455, -1.0869032, 0.5553579]
    np.testing.assert_allclose(prior_style(0, "0", 3), expected, atol=1e-6)


def test_styles_are_standard_normal() -> None:
    drawn = np.concatenate([prior_style(0, str(i), 256) for i in range(200)])
    assert np.isfinite(drawn).all()
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02
    assert abs((np.abs(drawn) < 0.6745).mean() - 0.5) < 0.01


some = settings(max_examples=25, deadline=None)


@functools.cache
def style(seed: int, dim: int = 256) -> Style:
    return prior_style(seed, "x", dim)


def length(vector: Style) -> float:
    return float(np.linalg.norm(vector.astype(np.float64)))


def test_the_way_between_two_styles_has_their_ends() -> None:
    np.testing.assert_array_equal(interpolated(style(0), style(1), 0), style(0))
    np.testing.assert_array_equal(interpolated(style(0), style(1), 1), style(1))


@some
@given(share=st.floats(0, 1), seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_the_way_is_the_same_from_both_ends(share: float, seeds: tuple[int, int]) -> None:
    a, b = map(style, seeds)
    np.testing.assert_allclose(interpolated(a, b, share), interpolated(b, a, 1 - share), atol=1e-4)


@some
@given(share=st.floats(0, 1), seed=st.integers(0, 99))
def test_all_of_the_way_is_as_long_as_styles_of_the_prior_are(share: float, seed: int) -> None:
    a, b = style(seed), style(seed + 100)
    between = length(interpolated(a, b, share))
    np.testing.assert_allclose(between, (1 - share) * length(a) + share * length(b), rtol=1e-5)
    assert 13 < between < 19  # √256 = 16; the straight way's middle has about 11


@some
@given(share=st.floats(0, 1))
def test_a_style_and_itself_have_only_it_between_them(share: float) -> None:
    np.testing.assert_allclose(interpolated(style(0), style(0), share), style(0), rtol=1e-5)


@some
@given(share=st.floats(0, 1), small=st.floats(0, 1e-4))
def test_the_way_to_the_mean_and_to_what_is_near_it_is_straight(share: float, small: float) -> None:
    a, near = style(0), (small * style(1)).astype(np.float32)
    np.testing.assert_allclose(interpolated(a, near, share), (1 - share) * a, atol=1e-2)
    np.testing.assert_array_equal(interpolated(near * 0, near * 0, share), near * 0)


@some
@given(first=st.floats(0, 1), second=st.floats(0, 1))
def test_who_goes_further_is_further_from_the_start(first: float, second: float) -> None:
    a, b = style(0), style(1)
    near, far = (interpolated(a, b, share) for share in sorted((first, second)))
    assert length(near - a) <= length(far - a) + 1e-4


def test_the_middle_between_opposite_styles_is_the_mean() -> None:
    np.testing.assert_array_equal(interpolated(style(0), -style(0), 0.5), 0 * style(0))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), float("inf")])
def test_there_is_nothing_beyond_the_ends(share: float) -> None:
    with pytest.raises(SettingsError, match="from 0 to 1"):
        interpolated(style(0), style(1), share)


def test_styles_of_two_models_have_nothing_between_them() -> None:
    with pytest.raises(SettingsError, match=r"\(256,\) and \(8,\)"):
        interpolated(style(0), style(1, 8), 0.5)
