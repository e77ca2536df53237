"""Ticks and ends of an axis that were read as the end of its topmost number: 150 -, 201."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shizi.geometry import alike, sides
from shizi.page import Quads
from shizi.recognition import Reading

_NUMBER = re.compile(r"[-+−]?\d[\d.,]*%?")
_TICK = re.compile(r"[-–—_|lI1'\s]+")

FLUSH = 0.3
"""By how much the right ends of numbers differ, by their height, at most."""

OUT = 0.45
"""How far what was read with a tick sticks out beyond the others, by their height, at least."""


def without_ticks(quads: Quads, readings: Sequence[Reading]) -> list[Reading]:
    """Leave out the ends of numbers that stick out beyond two others which they stand above.

    Args:
        quads: lines of an upright picture, (N, 4, 2).
        readings: what the N lines say.
    """
    numbers = quads[np.array([bool(_NUMBER.fullmatch(r.text)) for r in readings], bool)]
    out = list(readings)
    for i, reading in enumerate(readings):
        if len(reading.text) < 2 or not reading.text[0].isdecimal() or reading.vertical:
            continue
        edge = _edge(quads[i], numbers)
        if edge is not None:
            kept = [c for c in reading.chars if (c.start + c.end) / 2 < edge]
            rest = "".join(c.text for c in reading.chars[len(kept) :])
            text = "".join(c.text for c in kept).rstrip()
            if rest and _TICK.fullmatch(rest) and _NUMBER.fullmatch(text):
                chars = tuple(kept[: len(text)])
                score = sum(c.score for c in chars) / len(chars)
                out[i] = reading._replace(text=text, score=score, chars=chars)
    return out


def _edge(quad: NDArray[np.float32], numbers: Quads) -> float | None:
    """Where two numbers (M, 4, 2) above or below a line end, as a share of its length."""
    (width,), (height,) = sides(quad[None])
    ends, left, right = numbers[:, 1:3, 0].mean(1), quad[[0, 3], 0].mean(), quad[1:3, 0].mean()
    over = alike(height, sides(numbers)[1]) & (numbers[:, [0, 3], 0].mean(1) > left - height)
    over &= (ends > left) & (ends < right - OUT * height)
    near = ends[over]
    flush = (np.abs(near - near[:, None]) < FLUSH * height).sum(1) > 1
    return float((near[flush].max() - left) / width) if flush.any() else None
