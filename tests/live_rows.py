"""Rows as the seeing half of a live room gives them, for the tests of the meaning half."""

from __future__ import annotations

from shizi.live.event import Colour, Event, Gift, Kind, Row, Run
from shizi.page import Quad

COLOURS: tuple[Colour, ...] = ((255, 255, 255), (120, 210, 255), (250, 220, 90))
NOWHERE = Quad(((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0)))


def row(
    *runs: str,
    track: int = 1,
    revision: int = 0,
    time: float = 0.0,
    last: float | None = None,
    score: float = 1.0,
    closed: bool = False,
) -> Row:
    """A row whose runs alternate in colour."""
    coloured = tuple(Run(text, COLOURS[i % len(COLOURS)]) for i, text in enumerate(runs))
    end = time if last is None else last
    return Row(track, revision, time, end, coloured, score, NOWHERE, closed=closed)


def event(
    number: int,
    user: str,
    text: str = "",
    kind: Kind = "comment",
    time: float | None = None,
    gift: Gift | None = None,
    level: int | None = None,
    score: float = 1.0,
    revision: int = 0,
    closed: bool = True,
) -> Event:
    """An event; its time is its number unless given."""
    at = float(number) if time is None else time
    return Event(f"r-{number}", revision, at, kind, user, text, score, level, gift, closed)
