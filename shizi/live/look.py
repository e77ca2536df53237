"""How a line looked when it was read: whether another picture of it shows the same text.

Strokes in cells (:mod:`shizi.live.strokes`) tell cheaply that something changed; the pixels of
the single characters tell whether it was the text, or only what moves behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from shizi.live.boxes import Box
from shizi.live.scroll import AROUND, Floats
from shizi.page import Char, Image

_SAME, _BLANK = 0.7, 0.5
"""Likeness of a character, and of what follows the last one, from which it is the same: a codec
leaves 0.9, what moves behind it 0.7, another digit 0.6."""

_NOISE = 12.0
"""Contrast below which there is nothing to see, grey levels."""

_SLACK = 2
"""Pixels by which two pictures of one line may be shifted against each other."""


class View(NamedTuple):
    """A line's picture and what is just above and below it.

    Attributes:
        image: RGB (H, W, 3).
        top: row of the picture at which the line begins.
        low: row at which it ends.
    """

    image: Image
    top: int
    low: int

    @property
    def line(self) -> Image:
        """The line itself, RGB (low - top, W, 3)."""
        return self.image[self.top : self.low]


def view_of(image: Image, box: Box, usual: float) -> View:
    """Cut a line out, with room for a colon that was overlooked at its end.

    Args:
        image: RGB (H, W, 3).
        box: of the line, pixels.
        usual: height of lines, pixels: one that looks lower may go on below, or above.
    """
    tall = float(box[3] - box[1])
    x0, y0 = (max(0, round(float(v) - 0.06 * tall)) for v in box[:2])
    x1, y1 = round(float(box[2]) + 0.5 * tall), round(float(box[3]) + 0.06 * tall)
    more = round(0.12 * tall + max(0.0, usual - tall))
    y1, top = max(y1, y0 + 4), max(0, y0 - more)
    part = image[top : y1 + more, x0 : max(x1, x0 + 4)]
    return View(part.copy(), y0 - top, min(y1 - top, len(part)))


class Look(NamedTuple):
    """A line's strokes and where its characters are.

    Attributes:
        strokes: contrast to the surroundings, (h, w), grey levels.
        spans: first and last column of every letter and digit, and of what follows the last
            character, pixels (n, 2).
    """

    strokes: Floats
    spans: np.ndarray[tuple[int, int], np.dtype[np.intp]]

    def shows(self, line: Image) -> bool:
        """True when a later picture (h, w, 3) of the line shows the same text.

        Characters are held against each other one by one, after the two pictures were brought
        to lie upon each other, by 2ab / (a² + b²): likeness and strength at once (the structure
        term of SSIM; Wang et al., "Image quality assessment", IEEE TIP 2004).
        """
        now = _contrast(line)
        h, w = (min(a, b) for a, b in zip(now.shape, self.strokes.shape, strict=True))
        apart = np.abs(np.subtract(now.shape, self.strokes.shape))
        if apart[0] > 2 * _SLACK or apart[1] > 0.3 * h or min(h, w) <= 4 * _SLACK:
            return False
        a = self.strokes[_SLACK : h - _SLACK, _SLACK : w - _SLACK]
        fits = cv2.matchTemplate(now[:h, :w], a, cv2.TM_CCORR)
        dy, dx = np.unravel_index(int(fits.argmax()), fits.shape)
        b = now[dy : dy + a.shape[0], dx : dx + a.shape[1]]
        sums = np.zeros((2, a.shape[1] + 1))
        sums[0, 1:] = (2 * a * b).sum(0).cumsum()
        sums[1, 1:] = (a * a + b * b).sum(0).cumsum()
        first, last = np.clip(self.spans - _SLACK, 0, a.shape[1]).T
        wide = last > first
        both, all_ = sums[:, last[wide]] - sums[:, first[wide]]
        still = _NOISE**2 * a.shape[0] * (last - first)[wide]
        like = (both + still) / (all_ + still)
        least = np.where(np.arange(len(wide)) < len(wide) - 1, _SAME, _BLANK)[wide]
        return bool((like > least).all())


def look_of(line: Image, start: int, chars: Sequence[Char]) -> Look:
    """Remember how a line (h, w, 3) looks whose text begins at a column, pixels."""
    wide = line.shape[1] - start
    edges = [(start + c.start * wide - 1, start + c.end * wide + 2) for c in chars]
    end = max((b for _, b in edges), default=None)
    edges = [edge for edge, c in zip(edges, chars, strict=True) if c.text.isalnum()]
    # Another digit may follow the last one; without any character all there is counts.
    rest = (float(start), line.shape[1]) if end is None else (end, end + 0.6 * len(line))
    return Look(_contrast(line), np.array([*edges, rest]).round().astype(np.intp))


def _contrast(line: Image) -> Floats:
    grey = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(grey - cv2.blur(grey, (AROUND, AROUND)), np.float32)
