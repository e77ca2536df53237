"""Icons before the entries of a menu or above those of a bar, which look like O, D or 凸.

By itself a drawing of lines is like some character. But icons stand below or beside each other,
each before or above a word, and what one of them resembles another does not.
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
"""Blank between an icon and a word that follows, by the icon's height, at most."""

ABOVE = 1.0
"""The same of a word below it."""


def without_icons(quads: Quads, readings: Sequence[Reading]) -> list[Reading]:
    """Leave out what stands in a column or row of pictures, each before or above a word.

    Figures are no icons, and signs such as ☆ are what they are.

    Args:
        quads: lines of an upright picture, (N, 4, 2).
        readings: what the N lines say.
    """
    signs = [_first(r) for r in readings]
    some = [i for i, sign in enumerate(signs) if sign is not None]
    if len(some) < LEAST:
        return list(readings)
    places = np.array([_place(quads[i], readings[i]) for i in some], np.float32)  # (S, 3)
    height = places[:, 2]
    out = list(readings)
    longer = np.array([len(r.text) > 1 for r in readings], bool)
    words = quads[longer & np.array([r.score >= CERTAIN for r in readings], bool)]
    for axis, has_word in ((0, _before_word), (1, _above_word)):
        named = np.array([axis == 0 if longer[i] else has_word(quads[i], words) for i in some])
        for n, i in enumerate(some):
            near = named & (np.abs(places[:, axis] - places[n, axis]) < OFF * height[n])
            column = [signs[j] for j in np.array(some)[near & alike(height[n : n + 1], height)]]
            pictures = _pictures([s for s in column if s is not None])
            if named[n] and pictures and not _sure(signs[i]):
                out[i] = _without_first(readings[i])
    return out


def _without_first(reading: Reading) -> Reading:
    """What is left of a line without its first character and the blank after it."""
    rest = reading.chars[2:]
    if not rest:
        return EMPTY
    score = sum(c.score for c in rest) / len(rest)
    return reading._replace(text=reading.text[2:], score=score, chars=rest)


def _first(reading: Reading) -> Char | None:
    """The character that stands alone, or before a blank at the beginning of a line."""
    if reading.vertical:
        return None
    if len(reading.text) < 2:
        return reading.chars[0] if reading.text else Char("", 0.0, 0.0, 1.0)
    return reading.chars[0] if reading.text[1] == " " and len(reading.text) > 3 else None


def _place(quad: NDArray[np.float32], reading: Reading) -> tuple[float, float, float]:
    """Where a first character stands: its middle, and its height."""
    char, height = _first(reading), float(sides(quad[None])[1][0])
    left, right = float(quad[[0, 3], 0].mean()), float(quad[[1, 2], 0].mean())
    middle = (char.start + char.end) / 2 if char else 0.5
    return left + middle * (right - left), float(quad[:, 1].mean()), height


def _before_word(icon: NDArray[np.float32], words: Quads) -> bool:
    """Say whether one of the words (W, 4, 2) follows an icon (4, 2)."""
    (height,) = sides(icon[None])[1]
    right, middle = icon[[1, 2], 0].mean(), icon[:, 1].mean()
    gap = words[:, [0, 3], 0].mean(1) - right  # (W,)
    level = np.abs(words[..., 1].mean(1) - middle) < height / 2
    return bool((level & (gap > -height / 2) & (gap < BEFORE * height)).any())


def _above_word(icon: NDArray[np.float32], words: Quads) -> bool:
    """Say whether one of the words (W, 4, 2) stands below an icon (4, 2)."""
    (height,) = sides(icon[None])[1]
    gap = words[..., 1].min(1) - icon[:, 1].max()  # (W,)
    centred = np.abs(words[..., 0].mean(1) - icon[:, 0].mean()) < OFF * height
    return bool((centred & (gap > -OFF * height) & (gap < ABOVE * height)).any())


def _pictures(column: Sequence[Char]) -> bool:
    """Say whether the characters of a column are icons: some are none, hardly any is certain."""
    same = len({c.text for c in column}) < len(column)
    none = [c.score < PICTURE or (c.text and unicodedata.category(c.text) == "So") for c in column]
    certain = sum(_sure(c) and not drawn for c, drawn in zip(column, none, strict=True))
    return len(column) >= LEAST and same and any(none) and 3 * certain <= len(column)


def _sure(char: Char | None) -> bool:
    """Say whether it is a character for certain, or a figure, or a sign that is what it is."""
    return char is None or (char.score >= CERTAIN or char.text.isnumeric())
