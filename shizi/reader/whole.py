"""What was read twice: parts of a character that was read whole, and lines within others.

Parts of a character are characters too: 林 stands in 禁.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shizi.detection.filling import PART
from shizi.geometry import area, intersection, quad_to_box, sides
from shizi.page import Quads
from shizi.recognition import Reading

SURE = 0.95
"""Least score of a character that explains its parts."""

LINE = 0.8
"""Least score of several characters that are a line, and no parts of one."""

WITHIN = 0.5
"""Share of its area from which on a line lies within another."""

LOWER = 0.67
"""Height of a line by that of what is no character but spans several such lines, at most."""

SQUAT = 2.0
"""Length of what is taken for a character, by its height, at most."""

SPANNED = 0.2
"""Share of its area of a line that is spanned, at least."""


def once(quads: Quads, readings: Sequence[Reading]) -> NDArray[np.bool_]:
    """Say which lines (N,) are to be told: what is read twice is told once.

    Parts of a character that was read whole go. Of two lines that say the same, one within the
    other, the surer stays; otherwise the one that says more, if it is legible.

    Args:
        quads: lines of an upright picture, (N, 4, 2).
        readings: what the N lines say.
    """
    kept = _no_parts(quads, readings)
    size = area(quads)  # (N,)
    texts = ["".join(r.text.split()) for r in readings]
    for inner, outer in _overlapping(quads):
        less, more = sorted((inner, outer), key=lambda i: (len(texts[i]), readings[i].score))
        twice = kept[less] and kept[more] and texts[less] and texts[less] in texts[more]
        twice = twice and (texts[less] == texts[more] or readings[more].score >= LINE)
        if twice and intersection(quads[inner], quads[outer]) >= WITHIN * size[inner]:
            kept[less] = False
    return kept


def _no_parts(quads: Quads, readings: Sequence[Reading]) -> NDArray[np.bool_]:
    """Say which lines (N,) are no parts of a character that was read whole.

    Where one of the parts is a legible line, it is the whole that goes: a block of text. So does
    what spans several such lines, or one if it is not legible itself. What is less than PART as
    high is a caption laid over it.
    """
    size, height = area(quads), np.minimum(*sides(quads))  # (N,)
    squat = np.maximum(*sides(quads)) < SQUAT * height
    kept = np.ones(len(quads), bool)
    legible = np.array([len(r.text) > 1 and r.score >= LINE for r in readings], bool)
    least = height[legible].min(initial=np.inf)
    for i in np.flatnonzero(squat & (height > least / LOWER)).tolist():
        lower = np.flatnonzero(legible & (height < LOWER * height[i])).tolist()
        spanned = (intersection(quads[i], quads[j]) > SPANNED * size[j] for j in lower)
        kept[i] = sum(spanned) < (2 if readings[i].score >= LINE else 1)
    for i, reading in enumerate(readings):
        if len(reading.text) != 1 or reading.score < SURE or not kept[i]:
            continue
        near = np.flatnonzero((size < size[i]) & (height > PART * height[i]))
        parts = [j for j in near.tolist() if intersection(quads[i], quads[j]) > size[j] / 2]
        if legible[parts].any():
            kept[i] = False
        else:
            kept[parts] = False
    return kept


_AT_ONCE = 128
"""Lines that are compared with all others at once: a page may hold ten thousand."""


def _overlapping(quads: Quads) -> list[tuple[int, int]]:
    """Pairs of N lines whose boxes share more than half of the smaller one, which comes first."""
    box = quad_to_box(quads).reshape(-1, 4)
    size = np.prod(box[:, 2:] - box[:, :2], axis=1)  # (N,)
    pairs: list[tuple[int, int]] = []
    for first in range(0, len(box), _AT_ONCE):
        some = box[first : first + _AT_ONCE, None]
        low, high = np.maximum(some[..., :2], box[:, :2]), np.minimum(some[..., 2:], box[:, 2:])
        shared = np.clip(high - low, 0, None).prod(-1)  # (n, N)
        own = size[first : first + _AT_ONCE, None]
        number = np.arange(first, first + len(some))[:, None]
        smaller = (own < size) | ((own == size) & (number < np.arange(len(box))))
        inner, outer = np.nonzero(smaller & (shared > own / 2))
        pairs += zip((inner + first).tolist(), outer.tolist(), strict=True)
    return pairs
