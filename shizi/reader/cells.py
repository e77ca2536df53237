"""Cells of a table: those taken for a column of upright characters, and what neighbours vouch for.

Digits and letters one below the other look like a column of vertical text. They seldom are
one: where they stand far apart, or level with what is beside them, row by row, each is a line
by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from string import ascii_letters, digits

import numpy as np
from numpy.typing import NDArray

from shizi.geometry import alike, level, sides
from shizi.page import Char, Quads
from shizi.recognition import Reading

_STROKES = frozenset("—－-–ー―_")  # as which 一 is read where nothing stands beside it

_KINDS: tuple[tuple[frozenset[str], dict[str, str]], ...] = (
    (frozenset("一二三四五六七八九十"), dict.fromkeys(_STROKES, "一")),
    (frozenset(digits), {**dict.fromkeys("Oo〇○", "0"), **dict.fromkeys("lI|", "1")}),
    (frozenset(ascii_letters), {}),
)
"""Kinds of cells of one character, and as what else some of them are read."""

_NUMBER = re.compile(r"[-+]?\d[\d.,]+%?")

LEVEL = 0.5
"""Share of a column's characters that must stand level with others."""

LIKELY = 0.5
"""Least score of what neighbours vouch for."""

CERTAIN = 0.95
"""Score from which on a character is believed whatever stands beside it, unless it is a stroke."""

OFTEN = 3
"""Lone letters of one kind, none of which is certain, that are pictures."""

NEAR = 0.5
"""By how much of its size a cell may stand off the middle of its row or column."""


def part(quads: Quads, readings: Sequence[Reading]) -> tuple[Quads, list[Reading]]:
    """Part columns that are cells of a table into their cells.

    Args:
        quads: lines of an upright picture, (N, 4, 2).
        readings: what the N lines say.

    Returns:
        Quads (M, 4, 2) and readings, cells in place of their column.
    """
    cells = [_cells(quad, r) for quad, r in zip(quads, readings, strict=True)]
    places, single = [], []
    for i, (quad, reading) in enumerate(zip(quads, readings, strict=True)):
        others = [cell for j, cell in enumerate(cells) if j != i]
        if len(cells[i]) > 1 and (
            _apart(cells[i]) or _in_rows(cells[i], np.concatenate(others or [quads[:0]]))
        ):
            places += list(cells[i])
            single += [Reading(c.text, c.score, (_whole(c),)) for c in _seen(reading)]
        else:
            places.append(quad)
            single.append(reading)
    return np.asarray(places, np.float32).reshape(-1, 4, 2), single


def vouched(quads: Quads, readings: Sequence[Reading]) -> list[Reading]:
    """Believe doubtful cells of one character in a column or row of others of their kind.

    By itself a 一 looks like any dash, and a nought like an O: it is what the others are. The
    column comes first, for a row is seldom of one kind. A digit may also stand flush with two
    longer numbers, as the 0 of an axis does.

    Args:
        quads: lines of an upright picture, (N, 4, 2).
        readings: what the N lines say.
    """
    drawn = _drawn(readings)
    of_kind = [np.array([r.text in kind - drawn for r in readings], bool) for kind, _ in _KINDS]
    members = [quads[some] for some in of_kind]
    numbers = quads[np.array([bool(_NUMBER.fullmatch(r.text)) for r in readings], bool)]
    out = list(readings)
    for i, reading in enumerate(readings):
        sure = reading.score >= CERTAIN and reading.text not in _STROKES
        if len(reading.text) == 1 and reading.score >= LIKELY and not sure:
            text = _kindred(quads[i], reading.text, members)
            if reading.text in digits and _flush(quads[i], numbers):
                text = reading.text
            if text:
                (char,) = reading.chars
                # How sure the network was, its character still says.
                char = replace(char, text=text)
                out[i] = reading._replace(text=text, score=1.0, chars=(char,))
    return out


def _drawn(readings: Sequence[Reading]) -> set[str]:
    """Letters that are doubtful wherever they stand alone: the arrows of a menu are no V."""
    letters = [r for r in readings if r.text in _KINDS[-1][0]]
    often = {t for t, n in Counter(r.text for r in letters).items() if n >= OFTEN}
    return often - {r.text for r in letters if r.score >= CERTAIN}


def _kindred(quad: NDArray[np.float32], text: str, members: Sequence[Quads]) -> str:
    """As what a lone character is taken by those of each kind (M, 4, 2); nothing: by none."""
    size = np.concatenate(sides(quad[None]))  # (2,) width, height
    for axis in (0, 1):
        for (kind, looks), others in zip(_KINDS, members, strict=True):
            taken = looks.get(text, text)
            off = np.abs(others.mean(1) - quad.mean(0))[:, axis]  # (M,) from its column or row
            near = others[off < NEAR * size[axis]]
            if taken in kind and _in_line(quad, near, 2 + (text in kind)):
                return taken
    return ""


def _flush(quad: NDArray[np.float32], numbers: Quads) -> bool:
    """Say whether two of some numbers (M, 4, 2), as high, begin or end above or below it."""
    (height,) = sides(quad[None])[1]
    off = np.abs(numbers[:, :2, 0] - quad[:2, 0])  # (M, 2) of the left ends, and the right
    near = (off < NEAR * height) & alike(height, sides(numbers)[1])[:, None]
    return bool(near.sum(0).max(initial=0) >= 2)


def _in_line(quad: NDArray[np.float32], others: Quads, least: int) -> bool:
    """Say whether some of the others (M, 4, 2), of about its width, are in its row or column."""
    width, height = sides(quad[None])
    off = np.abs(others.mean(1) - quad.mean(0))  # (M, 2)
    like = alike(width, sides(others)[0])
    most = NEAR * np.maximum(height, sides(others)[1])
    row, column = off[:, 1] < most, off[:, 0] < NEAR * width
    return bool(max((like & row).sum(), (like & column).sum()) >= least)


def _cells(quad: NDArray[np.float32], reading: Reading) -> Quads:
    """Cut a column of digits or letters between them, (n, 4, 2); any other line is one cell."""
    text = "".join(reading.text.split())
    if not (reading.vertical and not reading.sideways and text.isascii() and text.isalnum()):
        return quad[None]
    middle = np.array([(c.start + c.end) / 2 for c in _seen(reading)])
    edges = np.concatenate([[0.0], (middle[1:] + middle[:-1]) / 2, [1.0]])[:, None]
    left, right = (quad[a] + edges * (quad[b] - quad[a]) for a, b in ((0, 3), (1, 2)))
    return np.stack([left[:-1], right[:-1], right[1:], left[1:]], 1).astype(np.float32)


def _apart(cells: Quads) -> bool:
    """Say whether cells (n, 4, 2) are much higher than the letters in them can be."""
    width, height = sides(cells)
    return bool(np.median(height) > 1.7 * np.median(width))


def _in_rows(cells: Quads, others: Quads) -> bool:
    """Say whether most of the cells (n, 4, 2) have one of the others (M, 4, 2) beside them."""
    return bool(level(cells, others).any(1).mean() >= LEVEL)


def _seen(reading: Reading) -> list[Char]:
    return [c for c in reading.chars if not c.text.isspace()]


def _whole(char: Char) -> Char:
    return Char(char.text, char.score, 0.0, 1.0)
