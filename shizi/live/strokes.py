"""What strokes tell: where nobody has looked yet, and whether a text changed in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shizi.live.boxes import Box
from shizi.live.scroll import CELL, Floats


def unexplained(strokes: Floats, boxes: Sequence[Box], rim: float) -> tuple[int, int] | None:
    """The stripe (top, low) that holds all strokes that no known line explains, with some rim.

    The rim, in pixels, is for wrapped lines that are no more than a stroke or two. One stripe
    rather than several, for a runtime has to prepare for every new size of a picture.
    """
    inked = (strokes > 12).sum(1) >= 4  # (H,)
    for box in boxes:
        aside = 0.2 * (box[3] - box[1])
        inked[max(0, int(box[1] - aside)) : int(box[3] + aside) + 1] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(np.int8), [0]])))
    tall = edges[1::2] - edges[::2] >= 8
    if not tall.any():
        return None
    top, low = int(edges[::2][tall][0]), int(edges[1::2][tall][-1])
    most = max(16, round(rim))
    return max(0, top - most), min(len(strokes), low + most)


def changed(before: Floats, now: Floats, share: float) -> bool:
    """True when the strokes of some place, about half a digit wide, differ."""
    wide = max(2, round(len(before) * 0.3 / CELL))
    count = before.shape[1] // wide
    if not count:
        return False
    a, b = (v[:, : count * wide].reshape(len(v), count, wide) for v in (before, now))
    most = np.maximum(a.sum((0, 2)), b.sum((0, 2)))  # (count,)
    solid = most > 0.4 * np.sort(most)[int(0.7 * (count - 1))]
    apart = np.abs(a - b).sum((0, 2))[solid] / most[solid]  # (n,)
    differs = apart > share
    if not differs.any():
        return False
    # What is hidden, cut off or fading differs everywhere; a text keeps its beginning or, where
    # somebody else does the same, its end.
    head, tail = int(differs.argmax()), int(differs[::-1].argmax())
    n = len(differs)
    kept = tail >= 0.25 * n and float(apart[n - tail :].mean()) < 0.25
    return head >= 0.35 * n or kept
