import numpy as np

from ccfpse.styles import prior_style


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
