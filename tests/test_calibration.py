"""Scores of lines: counted against what was right, and fitted to it."""

from __future__ import annotations

import numpy as np
import pytest

from shizi.certainty import Fit, certainty
from shizi.errors import DataError
from shizi.evaluate.calibration import Judged, calibrate, reliability

FIT = Fit(0.83, 0.84)


def believed(count: int, trust: float = 1.0, fit: Fit | None = FIT) -> list[Judged]:
    """Lines of which as many are right as their scores say, or as a power of these."""
    rng = np.random.default_rng(5)
    chars = np.exp(-np.exp(rng.normal(-2.0, 2.0, count)))
    return [(s := certainty([c], fit), bool(rng.random() < s**trust)) for c in chars.tolist()]


def test_every_line_is_in_one_bin() -> None:
    judged = [(0.0, False), (0.5, True), (0.51, True), (0.95, False), (0.951, True), (1.0, True)]
    bins = reliability(judged)
    assert [b.lines for b in bins] == [2, 1, 0, 1, 2]
    assert [b.wrong for b in bins] == [1, 0, 0, 1, 0]
    assert bins[0].share_wrong == 0.5
    assert bins[2].share_wrong == 0
    assert bins[-1].score == pytest.approx(0.9755)


def test_scores_that_are_right_are_left_as_they_are() -> None:
    fit = calibrate([believed(20000)], FIT)
    assert fit.surprise == pytest.approx(FIT.surprise, rel=0.15)
    assert fit.slope == pytest.approx(FIT.slope, rel=0.1)


def test_what_was_never_fitted_can_be() -> None:
    raw = believed(20000, fit=None)  # right as often as the products say
    fit = calibrate([raw], None)
    for product in (0.3, 0.5, 0.9):
        assert certainty([product], fit) == pytest.approx(product, abs=0.06)


def test_scores_that_promise_too_much_are_lowered() -> None:
    assert calibrate([believed(5000, trust=3.0)], FIT).surprise < 0.5 * FIT.surprise


def test_every_set_counts_alike() -> None:
    few, many = believed(500), believed(5000, trust=3.0)
    even = calibrate([few, many], FIT)
    assert calibrate([few, many * 3], FIT).surprise == pytest.approx(even.surprise)
    assert calibrate([few + many], FIT).surprise < even.surprise


def test_there_is_nothing_to_fit_where_all_is_right() -> None:
    with pytest.raises(DataError, match="some lines"):
        calibrate([[(0.9, True), (0.99, True)]], FIT)
