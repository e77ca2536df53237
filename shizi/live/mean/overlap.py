"""Rows that were known already: what is on the screen when a stopped run goes on."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz

from shizi.live.event import Event
from shizi.live.lookalikes import fold

_SURE, _LEAST = 85.0, 60.0
"""Likeness in percent: above the first it speaks for one row, below the second it rules it out."""
_GAP = 10.0
"""What speaks against a row between others that was known and is not seen, or the reverse."""


def overlap(known: Sequence[Event], seen: Sequence[Event]) -> list[int | None]:
    """Tell which of the rows seen first were known.

    A comment area shows the latest rows in order, so what is known and still visible is an end
    of ``known`` and a beginning of ``seen``; here and there a row may have been read in one run
    only. The alignment is taken for which most speaks (Needleman and Wunsch 1970, with free
    ends: known rows that have scrolled away, and new ones below). Banners and notices keep no
    order: what is left over of them among the events not closed is taken for a row that reads
    alike; a comment keeps its order, and one left over has scrolled away.

    Args:
        known: events of the stopped run, in order.
        seen: events of the rows visible at once when the new run began, in order.

    Returns:
        For each row seen the index of its known event, None for a new one.
    """
    like = [[_likeness(k, s) for s in seen] for k in known]
    found = _aligned(like, len(known), len(seen))
    left = [k for k, event in enumerate(known) if k not in found and _loose(event)]
    for s, match in enumerate(found):
        best = max(left, key=lambda k: like[k][s], default=None) if match is None else None
        if best is not None and like[best][s] > _SURE:
            found[s] = best
            left.remove(best)
    return found


def _loose(event: Event) -> bool:
    """It keeps no place among the rows. A notice may stand there though a stop has closed it."""
    return event.kind == "notice" or (event.kind != "comment" and not event.closed)


def _aligned(like: Sequence[Sequence[float]], rows: int, columns: int) -> list[int | None]:
    # worth[k][s]: evidence of the best alignment of the first k known and the first s seen.
    worth = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    step: dict[tuple[int, int], tuple[int, int]] = {}
    for k in range(1, rows + 1):
        for s in range(1, columns + 1):
            likeness = like[k - 1][s - 1]
            pair = worth[k - 1][s - 1] + likeness - _SURE if likeness >= _LEAST else 0.0
            ways = {
                (k - 1, s - 1): pair,
                (k - 1, s): worth[k - 1][s] - _GAP,
                (k, s - 1): worth[k][s - 1] - _GAP,
            }
            best = max(ways, key=lambda way: ways[way])
            if ways[best] > 0:
                worth[k][s], step[k, s] = ways[best], best
    found: list[int | None] = [None] * columns
    k, s = rows, max(range(columns + 1), key=lambda s: worth[rows][s])
    while (k, s) in step:
        before = step[k, s]
        if before == (k - 1, s - 1):
            found[s - 1] = k - 1
        k, s = before
    return found


def _likeness(one: Event, two: Event) -> float:
    return float(fuzz.ratio(_words(one), _words(two)))


def _words(event: Event) -> str:
    return fold(f"{event.user}:{event.text}{event.gift.name if event.gift else ''}")
