"""How a line looked when it was read: whether another picture of it shows the same text.

Strokes in cells (:mod:`shizi.live.see.tracking.strokes`) tell cheaply that something changed; the
pixels of the single characters tell whether it was the text, or only what moves behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.live.frame import Box
from shizi.live.see.tracking.scroll import AROUND, Floats
from shizi.page import Char, Image

_LETTER, _DIGIT, _PAPER = 0.7, 0.85, 0.5
"""Likeness from which a letter, a digit and what follows the last character are the same: a codec
leaves 0.9, what moves behind it 0.7; another letter has less, a 6 for a 5 up to 0.8."""

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


class Imprint(NamedTuple):
    """A line's strokes and where its characters are.

    Attributes:
        strokes: contrast to the surroundings, (h, w), grey levels.
        spans: first and last column of every letter and digit, and of what follows the last
            character, pixels (n, 2).
        least: likeness of each from which it is the same, (n,).
    """

    strokes: Floats
    spans: NDArray[np.intp]
    least: Floats

    def shows(self, line: Image) -> bool:
        """True when a later picture (h, w, 3) of the line shows the same text.

        Characters are held against each other one by one, after the two pictures were brought
        to lie upon each other, by (2ab + c) / (a² + b² + c): the contrast and the structure term
        of SSIM at once, for what has a mean of 0 (Wang et al., "Image quality assessment", IEEE
        TIP 2004, section III.B).
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
        return bool(((both + still) / (all_ + still) > self.least[wide]).all())


def imprint_of(line: Image, start: int, chars: Sequence[Char]) -> Imprint:
    """Remember how a line (h, w, 3) looks whose text begins at a column, pixels."""
    wide = line.shape[1] - start
    edges = [(start + c.start * wide - 1, start + c.end * wide + 2) for c in chars]
    # Another digit may follow the last one; without any character all there is counts.
    end = max((b for _, b in edges), default=None)
    rest = (float(start), line.shape[1]) if end is None else (end, end + 0.6 * len(line))
    told = [
        (edge, c.text.isdigit()) for edge, c in zip(edges, chars, strict=True) if c.text.isalnum()
    ]
    spans = np.array([*(edge for edge, _ in told), rest]).round().astype(np.intp)
    least = [*(_DIGIT if digit else _LETTER for _, digit in told), _PAPER]
    return Imprint(_contrast(line), spans, np.array(least, np.float32))


def _contrast(line: Image) -> Floats:
    grey = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(grey - cv2.blur(grey, (AROUND, AROUND)), np.float32)
