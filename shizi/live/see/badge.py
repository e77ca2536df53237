"""The filled badge before a nickname: where it ends, and the level that stands on it."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from shizi.live.event import Run
from shizi.live.see.look import View
from shizi.page import Image
from shizi.recognition import Reading

_ALIKE = 55.0
"""Distance in RGB within which a pixel has the badge's colour, or half way to grey."""

_OPEN = 0.3
"""Share of a badge's width, above or below it, that may be filled with its colour."""


def badge_end(view: View) -> int:
    """Where the filled badge at the start of a line ends, pixels; 0 without one.

    A badge is filled with one saturated colour, so above and below what stands on it there are
    unbroken runs of that colour over most of its width; the strokes of a nickname, however bold,
    end with their character. What lies behind the text goes on above it, below it or after it.
    """
    crop = view.line  # (h, w, 3)
    h = len(crop)
    part = crop[:, : 4 * h].astype(np.float32)  # (h, c, 3)
    early = part[h // 6 : h - h // 6, : round(1.4 * h)]
    vivid = early[early.max(2) - early.min(2) > 60]  # (n, 3)
    if len(vivid) < 0.15 * early.shape[0] * early.shape[1]:
        return 0
    fill = np.median(vivid, axis=0)  # (3,)
    same = _filled(part, fill)  # (h, c)
    starts, ends = _longest(same)  # (h,)
    rows = np.flatnonzero(ends - starts > 0.6 * h)
    if len(rows) < 4:
        return 0
    starts, ends = starts[rows], ends[rows]
    start, end = int(starts.min()), int(ends.max())
    wide = end - start
    filled = np.ptp(rows) > 0.4 * h and float(np.median(ends - starts)) > 0.6 * wide
    paper = same[h // 6 : h - h // 6, end + h // 6 : end + h]
    bounded = not paper.size or paper.mean() < 0.4
    begin = end + h // 12  # of the text
    fits = start < 0.6 * h and 0.9 * h < wide < 3.2 * h and begin < crop.shape[1]
    return begin if filled and bounded and fits and _closed(view, fill, start, end) else 0


def _filled(part: NDArray[np.float32], fill: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a picture (h, w, 3) has a colour (3,), as (h, w)."""
    most = min(_ALIKE, float(np.ptp(fill)) / 2)
    return np.asarray(np.linalg.norm(part - fill, axis=2) < most)


def _closed(view: View, fill: NDArray[np.float32], start: int, end: int) -> bool:
    """True when a badge's colour ends above it and below it."""
    same = _filled(view.image[:, start:end].astype(np.float32), fill)  # (H, end - start)
    solid = same[view.top : view.low].mean(0) > 0.4
    share = same[:, solid].mean(1) if solid.any() else np.zeros(len(same))  # (H,)
    beside = (share[: view.top], share[view.low :])
    return all(not len(rows) or float(rows.min()) < _OPEN for rows in beside)


def _longest(same: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the longest unbroken run of every row (h, w) begins and ends, (h,) each."""
    at = np.arange(same.shape[1])
    gap = np.maximum.accumulate(np.where(same, -1, at), axis=1)  # the latest column outside
    run = at - gap  # (h, w): length of the run that goes on there
    ends = run.argmax(1) + 1
    return ends - run.max(1), ends


def badge_run(reading: Reading, crop: Image) -> tuple[Run, ...]:
    """The number on a badge (h, w, 3), in the badge's own colour; nothing where it has none."""
    digits = "".join(re.findall(r"\d", reading.text))
    r, g, b = (int(v) for v in np.median(crop.reshape(-1, 3), axis=0))
    return (Run(digits, (r, g, b)),) if digits else ()
