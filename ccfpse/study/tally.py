"""Counts the answers to a study: shares, intervals, agreement, attention checks."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from ccfpse.errors import DataError
from ccfpse.study.answers import Answers, read_answers
from ccfpse.study.key import Key

LEVEL = 0.95
_RESAMPLES = 10_000
FEWEST_RATERS = 5
"""Whose resampling says something about other raters."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How often a was preferred over b."""

    raters: int
    answers: int
    a: int
    """Of the answers."""
    share: float | None
    """a / answers; None: nobody answered."""
    interval: tuple[float, float] | None
    """Wilson's, as if every answer were independent of all others."""
    clustered: tuple[float, float] | None
    """Percentiles over layouts and raters drawn again with replacement; None: fewer than `FEWEST_RATERS`, or
    all answers alike, where that would claim more than is known."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rater:
    """One rater."""

    rater: str
    answered: int
    """Pairs."""
    share: float | None
    """Of a among them."""
    agreement: float | None
    """Mean over the other raters of the share of pairs, of those both answered, on which they agree."""
    checks: int
    """Attention checks answered."""
    failed: int
    """Of these: the photo that does not belong to the layout was picked."""
    median_seconds: float | None
    """Over all answers."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """All of a study."""

    study: str
    a: str
    b: str
    pairs: int
    """The study asks about."""
    everyone: Share
    attentive: Share
    """Of raters who saw a check and failed none."""
    agreement: float | None
    """Mean over all pairs of raters; None: no two answered the same pair."""
    raters: list[Rater]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return dataclasses.asdict(self)


def tally(key: Key, files: Sequence[Path]) -> Tally:
    """Counts answer files.

    Raises:
        DataError: a file is damaged, of another study, or of a rater whose answers were counted already.
    """
    found: dict[str, tuple[Path, Answers]] = {}
    for path in files:
        answers = read_answers(path, key)
        if answers.rater in found:
            other = found[answers.rater][0]
            raise DataError(f"{path}: is of the same rater as {other}; give the later export alone")
        found[answers.rater] = (path, answers)
    if not found:
        raise DataError("there are no answer files to count")
    everyone = [answers for _, answers in found.values()]
    raters = [_rater(key, answers, everyone) for answers in everyone]
    pairs = zip(everyone, raters, strict=True)
    attentive = [answers for answers, rater in pairs if rater.checks and not rater.failed]
    return Tally(
        study=key.study,
        a=key.a,
        b=key.b,
        pairs=len(key.pairs),
        everyone=_share(key, everyone),
        attentive=_share(key, attentive),
        agreement=_mean(
            [
                agreed
                for one, other in itertools.combinations(everyone, 2)
                if (agreed := _agreement(key, one, other)) is not None
            ]
        ),
        raters=raters,
    )


def _picked(key: Key, answers: Answers) -> dict[str, str]:
    """Item -> what was picked: a or b of a pair, right or wrong of a check."""
    return {answer.item: key.items[answer.item].chosen(answer.choice) for answer in answers.answers}


def _rater(key: Key, answers: Answers, everyone: list[Answers]) -> Rater:
    picked = list(_picked(key, answers).values())
    pairs = [choice for choice in picked if choice in ("a", "b")]
    agreements = [_agreement(key, answers, other) for other in everyone if other is not answers]
    return Rater(
        rater=answers.rater,
        answered=len(pairs),
        share=pairs.count("a") / len(pairs) if pairs else None,
        agreement=_mean([agreed for agreed in agreements if agreed is not None]),
        checks=len(picked) - len(pairs),
        failed=picked.count("wrong"),
        median_seconds=float(np.median([a.seconds for a in answers.answers])) if answers.answers else None,
    )


def _agreement(key: Key, one: Answers, other: Answers) -> float | None:
    """Share of the pairs both answered on which they agree; None: there are none."""
    first, second = _picked(key, one), _picked(key, other)
    both = [item for item in first if item in second and item in key.pairs]
    return sum(first[item] == second[item] for item in both) / len(both) if both else None


def _share(key: Key, raters: list[Answers]) -> Share:
    items = list(key.pairs)
    # 1: a, 0: b, NaN: not answered.
    votes = np.full((len(raters), len(items)), np.nan)
    for row, answers in enumerate(raters):
        picked = _picked(key, answers)
        for column, item in enumerate(items):
            if item in picked:
                votes[row, column] = picked[item] == "a"
    votes = votes[np.isfinite(votes).any(axis=1)]  # who answered no pair says nothing
    n, a = int(np.isfinite(votes).sum()), int(np.nansum(votes))
    if not n:
        return Share(raters=0, answers=0, a=0, share=None, interval=None, clustered=None)
    interval = binomtest(a, n).proportion_ci(LEVEL, method="wilson")
    return Share(
        raters=len(votes),
        answers=n,
        a=a,
        share=a / n,
        interval=(float(interval.low), float(interval.high)),
        clustered=_clustered(votes),
    )


def _clustered(votes: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float] | None:
    """Answers of one rater, and to one layout, resemble each other: both are drawn again as wholes."""
    n_raters, n_items = votes.shape
    if n_raters < FEWEST_RATERS or n_items < 2 or np.nanmin(votes) == np.nanmax(votes):
        return None
    random = np.random.default_rng(0)
    shares = []
    for _ in range(_RESAMPLES):
        drawn = votes[random.integers(n_raters, size=n_raters)][:, random.integers(n_items, size=n_items)]
        counted = np.isfinite(drawn)
        if counted.any():
            shares.append(float(np.nansum(drawn) / counted.sum()))
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
