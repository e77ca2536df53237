"""Pauses grow up to the longest and begin anew when all is well."""

from __future__ import annotations

from shizi.waits import Waits


def test_pauses_grow_to_the_longest_and_begin_anew() -> None:
    waits = Waits(0.5, 3.0)
    assert [waits.take() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    waits.reset()
    assert waits.take() == 0.5


def test_pauses_may_grow_faster() -> None:
    waits = Waits(2.0, 60.0, growth=4.0)
    assert [waits.take() for _ in range(4)] == [2.0, 8.0, 32.0, 60.0]
