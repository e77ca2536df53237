"""The schedule of a run: when it validates and saves, how long it lasts, how its rate begins."""

from __future__ import annotations

import math

import pytest

from shizi.train.loop.schedule import LoopOptions, due, rate, saving, seconds


def test_a_time_budget_brings_ten_validations() -> None:
    options = LoopOptions(time_budget="100s", validate_every=1000)
    asked = [s for s in range(1, 40) if due(s, 2.5 * (s - 1), 2.5 * s, options)]
    assert asked == list(range(4, 40, 4))
    assert not due(1, 0, 1e9, LoopOptions())
    assert due(500, 0, 1, LoopOptions())


def test_a_long_run_is_saved_every_five_minutes() -> None:
    saved = [t for t in range(10, 1000, 10) if saving(t - 10, t)]
    assert saved == [300, 600, 900]


def test_warming_up_takes_no_more_than_a_tenth() -> None:
    options = LoopOptions(lr=1.0, warmup=200)
    assert rate(19, 0.0, options) == pytest.approx(0.1)
    assert rate(19, 0.05, options) == pytest.approx(0.5, rel=0.02)
    assert rate(20, 0.1, options) > 0.97


@pytest.mark.parametrize(
    ("budget", "wanted"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("", math.inf)]
)
def test_time_budgets(budget: str, wanted: float) -> None:
    assert seconds(budget) == wanted
