"""Whether scores can be believed: of the lines scored 0.9 nine in ten ought to be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shizi.certainty import Fit
from shizi.errors import DataError

Judged = tuple[float, bool]
"""The score of a line, and whether all of it was right."""

BINS = (0.0, 0.5, 0.8, 0.9, 0.95, 1.0)

_LEAST = 1e-4
"""Least surprise that is told from none."""

_STEPS = 100


@dataclass(frozen=True)
class Bin:
    """Lines whose scores lie in ``low < score <= high``.

    Attributes:
        low: excluded, but for 0.
        high: included.
        lines: how many there are.
        wrong: how many of them have an error.
        score: their mean score; 0 where there are none.
    """

    low: float
    high: float
    lines: int
    wrong: int
    score: float

    @property
    def share_wrong(self) -> float:
        """Share of the lines that have an error."""
        return self.wrong / max(1, self.lines)


def reliability(judged: Iterable[Judged], edges: Sequence[float] = BINS) -> list[Bin]:
    """Count right and wrong lines by their scores, between ``edges``."""
    pairs = list(judged)
    bins = []
    for low, high in pairwise(edges):
        inside = [(s, right) for s, right in pairs if low < s <= high or s == low == 0]
        mean = sum(s for s, _ in inside) / max(1, len(inside))
        bins.append(Bin(low, high, len(inside), sum(not right for _, right in inside), mean))
    return bins


def calibrate(sets: Sequence[Sequence[Judged]], made_by: Fit | None) -> Fit:
    """Fit what makes probabilities of whole lines to such lines; every set counts alike.

    Least logistic loss, by Newton's steps (iteratively reweighted least squares).

    Args:
        sets: lines, by set.
        made_by: the fit that made their scores.

    Raises:
        DataError: all lines are right, or all are wrong.
    """
    scores = np.array([s for judged in sets for s, _ in judged])  # (N,)
    right = np.array([r for judged in sets for _, r in judged], dtype=float)
    weights = np.concatenate([np.full(len(j), 1 / max(1, len(j))) for j in sets])
    if not 0 < right.sum() < len(right):
        raise DataError("to fit scores, some lines must be right and some wrong; take more sets")
    x = np.stack([np.ones(len(scores)), np.log(np.maximum(_surprise(scores, made_by), _LEAST))], 1)
    w = np.array([0.0, -1.0])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-x @ w))
        slope = x.T @ (weights * (right - p))
        bend = (x * (weights * p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(bend, slope)
        w += step / max(1.0, float(np.abs(step).max()))  # no step past where it still holds
    return Fit(float(np.exp(-w[0] / w[1])), float(-w[1]))


def _surprise(scores: NDArray[np.float64], made_by: Fit | None) -> NDArray[np.float64]:
    """What :func:`shizi.certainty.certainty` made the scores (N,) of."""
    p = np.clip(scores, 1e-9, 1 - 1e-12)
    found: NDArray[np.float64]
    if made_by is None:
        found = -np.log(p)
    else:
        found = made_by.surprise * ((1 - p) / p) ** (1 / made_by.slope)
    return found
