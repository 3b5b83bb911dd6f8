"""Numbers as text."""

import pytest

from ccfpse.evaluation.intervals import Interval
from ccfpse.report.numbers import MINUS, NOTHING, number, score, share, span


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.53412, "0.534"),
        (54.321, "54.3"),
        (1476.5, "1,480"),
        (0, "0.00"),
        (0.000215, "0.000215"),
        (-0.05, f"{MINUS}0.0500"),
    ],
)
def test_three_significant_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_scores_have_four_decimals_at_most() -> None:
    assert [score(value) for value in (0.000215, 0.05791, -0.00953, -0.00001)] == [
        "0.0002",
        "0.0579",
        f"{MINUS}0.0095",
        "0.0000",
    ]
    assert score(0.0123, signed=True) == "+0.0123"


def test_what_is_not_there_is_a_dash() -> None:
    assert (number(None), score(None), span(None)) == (NOTHING, NOTHING, "")


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.5089, 0.5574, "0.51 to 0.56"),
        (0.6971, 0.7052, "0.697 to 0.705"),
        (0.593, 1.997, "0.6 to 2.0"),
        (51.2, 57.4, "51 to 57"),
        (-0.0004, 0.03, "0.00 to 0.03"),
        (0.5, 0.5, "0.500 to 0.500"),
    ],
)
def test_intervals_are_no_finer_than_they_are_wide(low: float, high: float, shown: str) -> None:
    assert span(Interval(low, high)) == shown


def test_a_bound_that_is_not_0_is_not_shown_as_0() -> None:
    assert span(Interval(0.0004, 0.03)) == "0.0004 to 0.0300"


def test_bars_stay_within_their_place() -> None:
    assert [share(value) for value in (-0.1, 0.5, 1.2)] == ["0.00%", "50.00%", "100.00%"]
