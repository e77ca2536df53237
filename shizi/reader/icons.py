"""Icons before the entries of a menu, which look like O, D or 凸.

By itself a drawing of lines is like some character. But icons stand below each other, each before
a word, and what one of them resembles another does not.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shizi.geometry import alike, sides
from shizi.page import Char, Quads
from shizi.recognition import EMPTY, Reading

CERTAIN = 0.95
"""Score from which on a character is one."""

PICTURE = 0.7
"""Score below which it is none."""

LEAST = 3
"""Icons of a menu, at least."""

OFF = 0.35
"""How far they stand off the middle of their column, by their height, at most."""

BEFORE = 3.0
"""Blank between an icon and its word, by the icon's height, at most."""


def without_icons(quads: Quads, readings: Sequence[Reading]) -> list[Reading]:
    """Leave out what stands in a column of pictures, each before a word.

    Figures are no icons, and signs such as ☆ are what they are.

    Args:
        quads: lines of an upright picture, (N, 4, 2).
        readings: what the N lines say.
    """
    signs = [_first(r) for r in readings]
    some = [i for i, sign in enumerate(signs) if sign is not None]
    if len(some) < LEAST:
        return list(readings)
    place = np.array([_place(quads[i], readings[i]) for i in some], np.float32)  # (S, 2) x, height
    before = np.array([_before_word(i, quads, readings) for i in some], bool)
    out = list(readings)
    for n, i in enumerate(some):
        near = before & (np.abs(place[:, 0] - place[n, 0]) < OFF * place[n, 1])
        column = [signs[j] for j in np.array(some)[near & alike(place[n, 1:], place[:, 1])]]
        if before[n] and _pictures([s for s in column if s is not None]) and not _sure(signs[i]):
            rest = readings[i].chars[2:]
            out[i] = EMPTY
            if rest:
                score = sum(c.score for c in rest) / len(rest)
                out[i] = readings[i]._replace(text=readings[i].text[2:], score=score, chars=rest)
    return out


def _first(reading: Reading) -> Char | None:
    """The character that stands alone, or before a blank at the beginning of a line."""
    if reading.vertical:
        return None
    if len(reading.text) < 2:
        return reading.chars[0] if reading.text else Char("", 0.0, 0.0, 1.0)
    return reading.chars[0] if reading.text[1] == " " and len(reading.text) > 3 else None


def _place(quad: NDArray[np.float32], reading: Reading) -> tuple[float, float]:
    """Where a first character stands: the x of its middle, and its height."""
    char, height = _first(reading), float(sides(quad[None])[1][0])
    left, right = float(quad[[0, 3], 0].mean()), float(quad[[1, 2], 0].mean())
    middle = (char.start + char.end) / 2 if char else 0.5
    return left + middle * (right - left), height


def _before_word(index: int, quads: Quads, readings: Sequence[Reading]) -> bool:
    """Say whether a word follows."""
    if len(readings[index].text) > 1:
        return True
    (height,) = sides(quads[index : index + 1])[1]
    right, middle = quads[index, [1, 2], 0].mean(), quads[index, :, 1].mean()
    gap = quads[:, [0, 3], 0].mean(1) - right  # (N,)
    word = np.array([len(r.text) > 1 and r.score >= CERTAIN for r in readings], bool)
    level = np.abs(quads[..., 1].mean(1) - middle) < height / 2
    return bool((word & level & (gap > -height / 2) & (gap < BEFORE * height)).any())


def _pictures(column: Sequence[Char]) -> bool:
    """Say whether the characters of a column are icons: some are none, hardly any is certain."""
    same = len({c.text for c in column}) < len(column)
    none = [c.score < PICTURE or (c.text and unicodedata.category(c.text) == "So") for c in column]
    certain = sum(_sure(c) and not drawn for c, drawn in zip(column, none, strict=True))
    return len(column) >= LEAST and same and any(none) and 3 * certain <= len(column)


def _sure(char: Char | None) -> bool:
    """Say whether it is a character for certain, or a figure, or a sign that is what it is."""
    return char is None or (char.score >= CERTAIN or char.text.isnumeric())
