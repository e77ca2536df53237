"""The badge before a nickname, filled or outlined: where it ends, and the level that is on it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.live.event import Colour, Run
from shizi.live.see.tracking.look import View
from shizi.page import Image
from shizi.recognition import Reading

_ALIKE = 55.0
"""Distance in RGB within which a pixel has the badge's colour, or half way to grey."""

_OPEN = 0.3
"""Share of a badge's width, above or below it, that may be filled with its colour."""

_TALL = 1.1
"""Most height of a badge, in that of the line."""

_VIVID = 60
"""Difference of the largest and the least of R, G and B from which a pixel has a colour."""

_RIM = 0.12
"""Width of an outline and of what a codec makes of it, in heights of the line, at most."""

_STROKES, _FAINT = (0.45, 0.3, 0.2), 12.0
"""How far strokes stand out at least, as a share of the clearest ones, tried in turn, and in grey
levels."""

_AROUND = 0.8
"""Side of the surroundings of strokes, in heights of the line."""

_FIRST = 0.6
"""Share of what an outline encloses within which an icon ends."""

_SIDE, _INSIDE = 0.9, 0.6
"""Least share of the straight part of each side that an outline covers, and most of what it
encloses."""

_MOST = 3
"""Badges that a line begins with at most."""

_OTHER, _THICK, _GAP, _SQUARE = 60, 0.16, 0.1, 1.4
"""Difference of colour from which a pixel is no paper; width of the rim of an icon, and of what is
blank behind it, in heights of the line; and of an icon, in its heights, at most."""

_MEDAL, _EDGE = 1.8, 0.85
"""How far behind the word of a medal the frame around its number ends at most, in heights of the
line, and share of its height that has the medal's colour there."""

_WORD, _LEVEL = re.compile(r"[\u4e00-\u9fffA-Za-z]"), re.compile("等?级|[LlUu]?[Vv]?[.,]?")
"""What is read of a star or a gem may be one character."""

_SURE = 0.45
"""Least mean score of the digits of a level."""


class Badge(NamedTuple):
    """What stands at the start of a line.

    Attributes:
        end: column of the line at which the text after it begins, pixels.
        colour: its own.
        inside: RGB (h, w, 3), what is written in an outline, made clear; None for a filled one,
            and behind one: what is on them is read with the line.
    """

    end: int
    colour: Colour
    inside: Image | None = None


def badges_of(view: View) -> tuple[Badge, ...]:
    """The badges at the start of a line, from left to right: a level, a fan club, an icon."""
    found: list[Badge] = []
    while len(found) < _MOST:
        start = found[-1].end if found else 0
        badge = _badge_of(view._replace(image=view.image[:, start:]))
        if badge is None:
            break
        inside = badge.inside if all(b.inside is not None for b in found) else None
        found.append(badge._replace(end=badge.end + start, inside=inside))
    return tuple(found)


def _badge_of(view: View) -> Badge | None:
    """The badge at the start of a line; None without one."""
    if outlined := _outlined(view):
        return outlined
    end = _filled_end(view) or _icon_end(view)
    return Badge(end, _median(view.line[:, :end].reshape(-1, 3))) if end else None


def _icon_end(view: View) -> int:
    """Where a solid icon or a medal before the text on plain paper ends, pixels; 0 without one.

    An icon's rim is wider than the strokes of any character, a medal is longer than any; and
    something is blank behind it.
    """
    h = view.low - view.top
    part = view.image[:, : 5 * h].astype(np.int16)  # (H, c, 3)
    paper = np.median(part.reshape(-1, 3), axis=0)
    other = np.abs(part - paper).max(2) > _OTHER  # (H, c)
    columns = np.flatnonzero(other.any(0))
    if not len(columns) or columns[0] > h // 2:
        return 0
    first = int(columns[0])
    blank = np.flatnonzero(~other[:, first:].any(0))
    if not len(blank):
        return 0
    end = first + int(blank[0])
    rows = np.flatnonzero(other[:, first:end].any(1))
    box = other[rows[0] : rows[-1] + 1, first:end]  # (a, b)
    after = np.flatnonzero(other[:, end:].any(0))
    fits = 0.6 * h < len(box) < 1.5 * h and (shape := box.shape[1] / len(box)) > 0.7
    if not fits or not len(after) or after[0] < max(2, _GAP * h):
        return 0
    rim = max(2, round(_THICK * h)) if shape < _SQUARE else 1
    return end + max(1, h // 12) if _rimmed(box, rim) else 0


def _rimmed(box: NDArray[np.bool_], rim: int) -> bool:
    """True when a box (h, w) is filled along its sides, but for round corners."""
    h, w = box.shape
    across, down = box[:, w // 4 : w - w // 4], box[h // 4 : h - h // 4]
    sides = (across[:rim], across[-rim:], down[:, :rim], down[:, -rim:])
    return all(side.size and float(side.mean()) >= _SIDE for side in sides)


def _filled_end(view: View) -> int:
    """Where the filled badge at the start of a line ends, pixels; 0 without one.

    A badge is filled with one saturated colour, so above and below what stands on it there are
    unbroken runs of that colour over most of its width; the strokes of a nickname, however bold,
    end with their character. What lies behind the text goes on above it, below it or after it.
    """
    crop = view.line  # (h, w, 3)
    h = len(crop)
    part = crop[:, : 4 * h].astype(np.float32)  # (h, c, 3)
    early = part[h // 6 : h - h // 6, : round(1.4 * h)]
    vivid = early[early.max(2) - early.min(2) > _VIVID]  # (n, 3)
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
    end = _medal_end(same[rows[0] : rows[-1] + 1], end, h)
    filled = np.ptp(rows) > 0.4 * h and float(np.median(ends - starts)) > 0.6 * wide
    paper = same[h // 6 : h - h // 6, end + h // 6 : end + h]
    bounded = not paper.size or paper.mean() < 0.4
    begin = end + h // 12  # of the text
    fits = start < 0.6 * h and 0.9 * h < wide < 3.2 * h and begin < crop.shape[1]
    return begin if filled and bounded and fits and _closed(view, fill, start, start + wide) else 0


def _medal_end(same: NDArray[np.bool_], end: int, h: int) -> int:
    """Where a badge ends that goes on with a number in a frame of its colour, pixels.

    Args:
        same: where the line has the badge's colour, in the rows of the badge (n, c).
        end: of what is filled, pixels.
        h: height of the line, pixels.
    """
    first = end + round(0.4 * h)
    edge = np.flatnonzero(same[:, first : end + round(_MEDAL * h)].mean(0) >= _EDGE)
    return first + int(edge[-1]) + 1 if 0 < len(edge) <= max(2, _RIM * h) else end


def _outlined(view: View) -> Badge | None:
    """The badge at the start of a line that a stroke of one colour encloses.

    All that is joined to the stroke lies within it, so the box around that has the stroke for its
    four sides, and little of its colour inside. A character such as 口 is not so wide, and what
    moves behind the line goes on above it or below it.
    """
    h = view.low - view.top
    part = view.image[:, : 4 * h]  # (H, c, 3)
    strokes = _thin(np.ascontiguousarray(part), round(_AROUND * h) | 1)  # (H, c)
    clearest = float(np.quantile(strokes[:, : 2 * h], 0.97))
    for share in _STROKES:
        mask = (strokes > max(_FAINT, share * clearest)).astype(np.uint8)
        if found := _ringed(view, part, mask, h):
            return found
    return None


def _thin(part: Image, wide: int) -> NDArray[np.float32]:
    """How far thin things stand out from what is around them (H, W).

    Args:
        part: RGB (H, W, 3).
        wide: side of the surroundings, pixels, odd. Their median has the edge of what moves behind
            a line where that is.
    """
    around = cv2.medianBlur(part, wide).astype(np.float32)
    return np.asarray(np.linalg.norm(part - around, axis=2), np.float32)


def _ringed(view: View, part: Image, strokes: NDArray[np.uint8], h: int) -> Badge | None:
    """The badge whose outline is among strokes (H, c) of the start of a line, h pixels high."""
    _, _, boxes, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    rim = max(2, round(_RIM * h))
    for left, top, wide, tall, _ in sorted(map(tuple, boxes[1:]), key=lambda b: -b[2]):
        end = left + wide + max(1, h // 12)
        fits = left < 0.6 * h and 0.45 * h < tall and 1.2 * tall < wide < 3.2 * h
        inside = fits and top > 0 and top + tall < len(part) and end < view.image.shape[1]
        here = np.s_[top : top + tall, left : left + wide]
        if not inside or not _encloses(strokes[here], rim):
            continue
        colours = part[here][strokes[here] > 0].astype(np.float32)  # (n, 3)
        if np.median(colours.max(1) - colours.min(1)) > _VIVID / 2:
            icon = _icon(strokes[here][rim:-rim, rim:-rim], rim)
            picture = part[here][rim - 1 : tall - rim + 1, rim + icon : -rim]
            return Badge(end, _median(colours), _clear(picture))
    return None


def _icon(mask: NDArray[np.uint8], rim: int) -> int:
    """Columns at the start of what an outline encloses (h, w) that a star or a gem takes.

    It is solid, while what is written is of strokes.
    """
    solid = np.flatnonzero(cv2.erode(mask, np.ones((rim, rim), np.uint8)).any(0))
    end = int(solid[-1]) + rim if len(solid) else 0
    return end if end < _FIRST * mask.shape[1] else 0


def _clear(picture: Image) -> Image:
    """A picture (h, w, 3) in grey, along the line on which its colours differ most, at full range.

    A coloured digit may be as bright as what is behind it.
    """
    pixels = picture.reshape(-1, 3).astype(np.float64)
    _, axes = np.linalg.eigh(np.cov(pixels.T))
    axis = axes[:, -1] * np.sign(axes[:, -1].sum() or 1.0)  # bright stays bright
    grey = pixels @ axis  # (h * w,)
    low, high = np.quantile(grey, (0.02, 0.98))
    grey = np.clip((grey - low) / max(1.0, high - low) * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey.reshape(*picture.shape[:2], 1), 3, axis=2)


def _encloses(mask: NDArray[np.uint8], rim: int) -> bool:
    """True when the sides of a box (h, w) are covered, but for round corners, and not the rest."""
    h, w = mask.shape
    across, down = mask[:, h // 2 : w - h // 2], mask[h // 3 : h - h // 3]
    sides = (across[:rim], across[-rim:], down[:, :rim].T, down[:, -rim:].T)  # (rim, n) each
    covered = all(side.size and float(side.mean(1).max()) >= _SIDE for side in sides)
    return covered and float(mask[rim : h - rim, rim : w - rim].mean()) < _INSIDE


def _filled(part: NDArray[np.float32], fill: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a picture (h, w, 3) has a colour (3,), as (h, w)."""
    most = min(_ALIKE, float(np.ptp(fill)) / 2)
    return np.asarray(np.linalg.norm(part - fill, axis=2) < most)


def _closed(view: View, fill: NDArray[np.float32], start: int, end: int) -> bool:
    """True when a badge's colour ends above it and below it."""
    same = _filled(view.image[:, start:end].astype(np.float32), fill)  # (H, end - start)
    solid = same[view.top : view.low].mean(0) > 0.4
    share = same[:, solid].mean(1) if solid.any() else np.zeros(len(same))  # (H,)
    if (share > _OPEN).sum() > _TALL * (view.low - view.top):
        return False  # a banner
    beside = (share[: view.top], share[view.low :])
    return all(not len(rows) or float(rows.min()) < _OPEN for rows in beside)


def _longest(same: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the longest unbroken run of every row (h, w) begins and ends, (h,) each."""
    at = np.arange(same.shape[1])
    gap = np.maximum.accumulate(np.where(same, -1, at), axis=1)  # the latest column outside
    run = at - gap  # (h, w): length of the run that goes on there
    ends = run.argmax(1) + 1
    return ends - run.max(1), ends


def badge_run(reading: Reading, colour: Colour) -> tuple[Run, ...]:
    """The number on a badge, in the badge's colour; nothing where it has none that is sure.

    One with a word on it is of something else than a level, such as a fan club.
    """
    digits = [char for char in reading.chars if char.text.isdigit()]
    if not digits or len(_WORD.findall(_LEVEL.sub("", reading.text))) > 1:
        return ()
    sure = sum(char.score for char in digits) / len(digits) >= _SURE
    return (Run("".join(char.text for char in digits), colour),) if sure else ()


def _median(pixels: NDArray[Any]) -> Colour:
    """Of pixels (n, 3)."""
    r, g, b = (int(v) for v in np.median(pixels, axis=0))
    return r, g, b
