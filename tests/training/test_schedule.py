import pytest

from ccfpse.training.schedule import rate_factor


@pytest.mark.parametrize(("step", "factor"), [(0, 1), (99, 1), (100, 1), (150, 0.5), (199, 0.01)])
def test_rates_stay_then_fall_in_a_line_to_zero(step: int, factor: float) -> None:
    assert rate_factor(step, steps=200, decay_start=100) == pytest.approx(factor)


def test_rates_never_fall_where_decay_starts_at_the_end() -> None:
    assert {rate_factor(step, 50, 50) for step in range(50)} == {1.0}
