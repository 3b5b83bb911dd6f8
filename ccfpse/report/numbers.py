"""Numbers as the page shows them: three significant digits, and intervals no finer than they are wide."""

import math

from ccfpse.evaluation.intervals import Interval

NOTHING = "\N{EN DASH}"
"""Shown where there is no number."""
MINUS = "\N{MINUS SIGN}"
"""As wide as a plus, unlike a hyphen."""


def number(value: float | None, *, signed: bool = False) -> str:
    """Three significant digits, such as 0.534, 54.3 or 1,480."""
    return NOTHING if value is None else _fixed(value, 2 - _exponent(value), signed=signed)


def score(value: float | None, *, signed: bool = False) -> str:
    """The same of a score from 0 to 1, whose fifth digit never matters."""
    return NOTHING if value is None else _fixed(value, min(2 - _exponent(value), 4), signed=signed)


def span(interval: Interval | None) -> str:
    """An interval, such as "0.51 to 0.56"; nothing where there is none.

    Its half-width has one digit or two: finer ones would say nothing, but for those that tell a bound from 0.
    """
    if interval is None:
        return ""
    low, high = interval.low, interval.high
    digits = -_exponent((high - low) / 2) if high > low else 2 - _exponent(high)
    nearest = min(abs(low), abs(high))
    if interval.excludes_zero and nearest > 0:
        digits = max(digits, min(-_exponent(nearest), digits + 3))
    return f"{_fixed(low, digits)} to {_fixed(high, digits)}"


def share(value: float) -> str:
    """A length in percent, for bars of scores from 0 to 1."""
    return f"{100 * min(max(value, 0), 1):.2f}%"


def _exponent(value: float) -> int:
    """Of ten, of the first significant digit."""
    return math.floor(math.log10(abs(value))) if value else 0


def _fixed(value: float, digits: int, *, signed: bool = False) -> str:
    rounded = round(value, digits) + 0.0  # + 0.0: no negative zero
    shown = f"{abs(rounded):,.{max(digits, 0)}f}"
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return sign + shown
