"""How far the rows rolled while nobody could see them.

A list that was covered, or of which frames are missing, goes on meanwhile. What stands there
afterwards is held against what was seen last: all lines vote on how far the roll went, since a
line alone may look like another one, for people say the same again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shizi.live.see.reading.vote import nearest

_ALIKE, _OTHER = 0.85, 0.5
"""Likeness of two texts from which they speak for being one line, and below which against it."""

_SLACK = 0.5
"""Share of a line's height within which two are in one place."""


class Stand(NamedTuple):
    """Where a line stands, or would stand if the rows had not rolled unseen.

    Attributes:
        top: pixels of the frame.
        height: pixels.
        said: what it says, in one way or several.
        rolls: it is known to roll with the others.
    """

    top: float
    height: float
    said: tuple[str, ...]
    rolls: bool


def unseen_roll(known: Sequence[Stand], seen: Sequence[Stand]) -> float | None:
    """Tell how far the rows rolled up unseen, pixels; None where nothing seen was known.

    Args:
        known: what was seen before.
        seen: what is seen now, and appeared at once.
    """
    like = [[nearest(k.said, s.said) for s in seen] for k in known]
    best, most = None, 0
    for k, stood in enumerate(known):
        for s, stands in enumerate(seen):
            roll = stood.top - stands.top
            if like[k][s] < _ALIKE or roll < -_SLACK * stood.height:
                continue  # another text; or rows would have come down
            votes = _votes(known, seen, like, roll)
            if votes > most and (votes > 1 or stood.rolls):
                best, most = roll, votes
    return best


def _votes(
    known: Sequence[Stand], seen: Sequence[Stand], like: Sequence[Sequence[float]], roll: float
) -> int:
    """Lines that speak for a roll, less those that speak against it."""
    votes = 0
    for s, stands in enumerate(seen):
        there = [
            like[k][s] for k, stood in enumerate(known)
            if abs(stood.top - roll - stands.top) < _SLACK * stood.height
        ]  # fmt: skip
        if there:
            votes += (max(there) >= _ALIKE) - (max(there) < _OTHER)
    return votes
