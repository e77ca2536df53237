"""Scores of lines: counted against what was right, and fitted to it."""

from __future__ import annotations

import numpy as np
import pytest

from shizi.errors import DataError
from shizi.evaluate.calibration import Judged, calibrate, reliability
from shizi.page import SLOPE, SURPRISE, certainty


def believed(count: int, trust: float = 1.0) -> list[Judged]:
    """Lines of which as many are right as their scores say, or as a power of these."""
    rng = np.random.default_rng(5)
    chars = np.exp(-np.exp(rng.normal(-2.0, 2.0, count)))
    return [(s := certainty([c]), bool(rng.random() < s**trust)) for c in chars.tolist()]


def test_every_line_is_in_one_bin() -> None:
    judged = [(0.0, False), (0.5, True), (0.51, True), (0.95, False), (0.951, True), (1.0, True)]
    bins = reliability(judged)
    assert [b.lines for b in bins] == [2, 1, 0, 1, 2]
    assert [b.wrong for b in bins] == [1, 0, 0, 1, 0]
    assert bins[0].share_wrong == 0.5
    assert bins[2].share_wrong == 0
    assert bins[-1].score == pytest.approx(0.9755)


def test_scores_that_are_right_are_left_as_they_are() -> None:
    surprise, slope = calibrate([believed(20000)])
    assert surprise == pytest.approx(SURPRISE, rel=0.15)
    assert slope == pytest.approx(SLOPE, rel=0.1)


def test_scores_that_promise_too_much_are_lowered() -> None:
    surprise, _ = calibrate([believed(5000, trust=3.0)])
    assert surprise < 0.5 * SURPRISE


def test_every_set_counts_alike() -> None:
    few, many = believed(500), believed(5000, trust=3.0)
    assert calibrate([few, many]) == pytest.approx(calibrate([few, many * 3]))
    assert calibrate([few + many])[0] < calibrate([few, many])[0]


def test_there_is_nothing_to_fit_where_all_is_right() -> None:
    with pytest.raises(DataError, match="some lines"):
        calibrate([[(0.9, True), (0.99, True)]])
