"""Lines of one pitch: code, terminals and receipts, whose characters stand in a grid.

There a blank is as wide as a letter, so a line may look cut where it is not, and a sign such as |
may stand so slim between two blanks that none is seen. But all lines say how wide a character is,
and so how many blanks stand between two of them. Lines of proportional letters agree on nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shizi.geometry import level, sides
from shizi.page import Char, Quads
from shizi.recognition import CHINESE, EMPTY, Reading

Float = NDArray[np.float64]

LETTERS = 5
"""Characters of a line that says something about the pitch, at least."""

AGREE = 0.025
"""By how much the pitches of lines differ that have one, at most, as a share."""

OFF = 0.16
"""Mean deviation of its characters from their places in the grid, in pitches, at most."""

LEAST = 3
"""Lines that agree, at least."""

MOST = 12
"""Lines that are asked, the longest ones."""

GUESSES = 2
"""Lines whose own pitch is tried."""

SHARE = 0.6
"""Share of the lines that must agree."""

SIGNS = frozenset("|&:?=<>+-*/%^~")
"""Signs beside which blanks may be overlooked; a point or a comma stands close to its number."""

BLANK = 0.3
"""By how much a blank may differ from a whole pitch."""

LIKE = 1.3
"""Ratio of the heights of what is one line, at most."""


def gridded(quads: Quads, readings: Sequence[Reading]) -> tuple[Quads, list[Reading]]:
    """Join the pieces of lines that stand in a grid, and tell their blanks by it.

    Args:
        quads: lines of an upright picture, (N, 4, 2).
        readings: what the N lines say.

    Returns:
        Quads (M, 4, 2) and readings, as they were where the lines have no common pitch.
    """
    pitch = _pitch(quads, readings)
    if not pitch:
        return quads, list(readings)
    places, said = list(quads), [_blanks(q, r, pitch) for q, r in zip(quads, readings, strict=True)]
    right, middle = quads[:, 1:3, 0].mean(1), quads[..., 1].mean(1)  # (N,)
    for j in np.argsort(quads[:, 0, 0], kind="stable").tolist():
        gap = np.abs(places[j][[0, 3], 0].mean() - right)
        beside = (gap < 2 * pitch) & (np.abs(middle - middle[j]) < pitch)
        for i in np.flatnonzero(beside).tolist():
            if i == j or not (said[i].text and said[j].text):
                continue
            blanks = _between(places[i], said[i], places[j], said[j], pitch)
            near = min(abs(blanks), abs(blanks - 1)) < BLANK
            if near and _in_one_row(places[i], places[j]):
                joined = _joined(places[i], said[i], places[j], said[j], blank=blanks > 0.5)
                places[i], said[i] = joined
                said[j] = EMPTY
                right[i] = right[j]
    kept = [i for i, r in enumerate(said) if r.text or not readings[i].text]
    return np.asarray([places[i] for i in kept], np.float32), [said[i] for i in kept]


def _pitch(quads: Quads, readings: Sequence[Reading]) -> float:
    """Width of a character, pixels, on which most of the lines agree; 0 where there is none."""
    lines = []
    for quad, reading in zip(quads, readings, strict=True):
        signs = [c for c in reading.chars if not c.text.isspace()]
        plain = all(c.text.isascii() for c in signs) and not reading.vertical
        if len(signs) >= LETTERS and plain:
            lines.append(_middles(quad, signs))
    lines = sorted(lines, key=len, reverse=True)[:MOST]
    if len(lines) < LEAST:
        return 0.0
    for middles in lines[:GUESSES]:
        steps = np.diff(middles)
        first = float(np.median(steps[steps <= 1.5 * np.median(steps)]))
        fits = [_fitted(other, first) for other in lines] if first > 1 else []
        if not any(off < OFF for _, off in fits):
            continue
        close = np.array([p for p, off in fits if off < OFF])
        agree = close[np.abs(close - np.median(close)) < AGREE * np.median(close)]
        if len(agree) >= max(LEAST, SHARE * len(lines)):
            return float(np.median(agree))
    return 0.0


def _middles(quad: NDArray[np.float32], chars: Sequence[Char]) -> Float:
    """Where the middles of characters stand along a line (4, 2), pixels, (n,)."""
    (width,) = sides(quad[None])[0]
    return np.array([(c.start + c.end) / 2 for c in chars]) * float(width)


def _fitted(middles: Float, pitch: float) -> tuple[float, float]:
    """The pitch near one given that middles (n,) fit best, and how far they are off, in pitches."""
    off = np.inf
    for _ in range(2):
        places = np.cumsum(np.r_[0, np.maximum(1, np.round(np.diff(middles) / pitch))])
        x, y = places - places.mean(), middles - middles.mean()
        pitch = float(x @ y / (x @ x))
        if pitch < 1:
            return 0.0, np.inf
        off = float(np.sqrt(np.mean((y - pitch * x) ** 2))) / pitch
    return pitch, off


def _wide(char: Char) -> float:
    return 2.0 if char.text >= CHINESE else 1.0


def _blanks(quad: NDArray[np.float32], reading: Reading, pitch: float) -> Reading:
    """Put blanks beside the signs of a reading where the grid has room for them."""
    if reading.vertical or len(reading.chars) < 2:
        return reading
    middles = _middles(quad, reading.chars) / pitch
    chars = [reading.chars[0]]
    for n, (one, other) in enumerate(pairwise(reading.chars)):
        room = middles[n + 1] - middles[n] - (_wide(one) + _wide(other)) / 2
        if (
            room > 1 - BLANK
            and (one.text in SIGNS or other.text in SIGNS)
            and " "
            not in (
                one.text,
                other.text,
            )
        ):
            chars.append(Char(" ", min(one.score, other.score), one.end, other.start))
        chars.append(other)
    return reading._replace(text="".join(c.text for c in chars), chars=tuple(chars))


def _in_one_row(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Say whether two lines (4, 2) are level and as high."""
    low, high = np.sort(np.concatenate([sides(one[None])[1], sides(other[None])[1]]))
    return bool(high < LIKE * low and level(one[None], other[None])[0, 0])


def _between(
    one: NDArray[np.float32],
    first: Reading,
    other: NDArray[np.float32],
    second: Reading,
    pitch: float,
) -> float:
    """How many characters there is room for between two lines."""
    last, start = first.chars[-1], second.chars[0]
    a = float(one[[0, 3], 0].mean() + _middles(one, [last])[0])
    b = float(other[[0, 3], 0].mean() + _middles(other, [start])[0])
    return (b - a) / pitch - (_wide(last) + _wide(start)) / 2


def _joined(
    one: NDArray[np.float32],
    first: Reading,
    other: NDArray[np.float32],
    second: Reading,
    *,
    blank: bool,
) -> tuple[NDArray[np.float32], Reading]:
    """One line (4, 2) of two, the left one first, with what it says."""
    quad = np.stack([one[0], other[1], other[2], one[3]])
    a, b, whole = (float(sides(q[None])[0][0]) for q in (one, other, quad))
    before = [replace(c, start=c.start * a / whole, end=c.end * a / whole) for c in first.chars]
    at = 1 - b / whole
    after = [
        replace(c, start=at + c.start * b / whole, end=at + c.end * b / whole) for c in second.chars
    ]
    space = [Char(" ", min(before[-1].score, after[0].score), before[-1].end, after[0].start)]
    chars = (*before, *(space if blank else ()), *after)
    score = sum(c.score for c in chars) / len(chars)
    return quad, first._replace(text="".join(c.text for c in chars), score=score, chars=chars)
