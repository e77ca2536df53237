"""What strokes tell: whether a text changed in place."""

from __future__ import annotations

import numpy as np

from shizi.live.see.tracking.scroll import CELL, Floats

_CHANGED = 0.45
"""Share of a line's strokes in one place that differ when its text changed."""


def another(before: Floats, now: Floats) -> bool:
    """True when strokes (h, w) are those of another text, and not half hidden by something."""
    half = len(before) // 2
    parts = ((before, now), (before[:half], now[:half]), (before[half:], now[half:]))
    return all(_changed(a, b) for a, b in parts)


def _changed(before: Floats, now: Floats) -> bool:
    """True when the strokes of some place, about half a digit wide, differ."""
    wide = max(2, round(len(before) * 0.3 / CELL))
    count = before.shape[1] // wide
    if not count:
        return False
    a, b = (v[:, : count * wide].reshape(len(v), count, wide) for v in (before, now))
    most = np.maximum(a.sum((0, 2)), b.sum((0, 2)))  # (count,)
    solid = most > 0.4 * np.sort(most)[int(0.7 * (count - 1))]
    apart = np.abs(a - b).sum((0, 2))[solid] / most[solid]  # (n,)
    differs = apart > _CHANGED
    if not differs.any():
        return False
    # What is hidden, cut off or fading differs everywhere; a text keeps its beginning or, where
    # somebody else does the same, its end.
    head, tail = int(differs.argmax()), int(differs[::-1].argmax())
    n = len(differs)
    kept = tail >= 0.25 * n and float(apart[n - tail :].mean()) < 0.25
    return head >= 0.35 * n or kept
