"""Rows that were known already: what is on the screen when a stopped run goes on."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz

from shizi.live.event import Event
from shizi.live.fold import fold

_SURE, _LEAST = 85.0, 60.0
"""Likeness in percent: above the first it speaks for one row, below the second it rules it out."""


def overlap(known: Sequence[Event], seen: Sequence[Event]) -> int:
    """Return how many of the rows seen first are the last of those known.

    A comment area shows the latest rows in order, so what is known and still visible is an end
    of ``known`` and a beginning of ``seen``. Of all lengths the one is taken for which most
    speaks: many rows, each read alike.

    Args:
        known: events of the stopped run, in order.
        seen: events of the rows visible at once when the new run began, in order.
    """
    best, most = 0, 0.0
    for length in range(1, min(len(known), len(seen)) + 1):
        pairs = zip(known[-length:], seen[:length], strict=True)
        likeness = [_likeness(a, b) for a, b in pairs]
        evidence = sum(percent - _SURE for percent in likeness)
        if min(likeness) >= _LEAST and evidence > most:
            best, most = length, evidence
    return best


def _likeness(one: Event, two: Event) -> float:
    return float(fuzz.ratio(_words(one), _words(two)))


def _words(event: Event) -> str:
    return fold(f"{event.user}:{event.text}{event.gift.name if event.gift else ''}")
