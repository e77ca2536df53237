"""Which way up a picture is: what its longest lines say decides.

The classifier's vote is only a proposal, for text that is legible stands upright and text that
is not does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shizi.detection import Detector
from shizi.geometry import area, intersection, map_back, rotate90, sides
from shizi.page import Image, Quads
from shizi.recognition import Reading, Recognizer

Vote = Callable[[Image], tuple[int, float]]
"""Proposes an angle, degrees clockwise, and says how sure it is, 0 to 1."""

SAMPLE = 6
"""Lines, the longest ones, by which an angle is judged."""

SENSE = 0.85
"""Mean score of the sample above which an angle is believed at once."""


@dataclass(frozen=True)
class Side:
    """An image looked at from one side.

    Attributes:
        angle: degrees clockwise by which the content would then stand rotated.
        score: how sure that is, 0 to 1.
        quads: lines found, pixels of the image made upright by that angle, shape (N, 4, 2).
        sample: what the longest of them say, by index.
        chars: legible characters in the sample, each weighed by how legible it is.
        sure: the sample makes so much sense that no other side needs a look.
    """

    angle: int
    score: float
    quads: Quads
    sample: dict[int, Reading]
    chars: float
    sure: bool


class Upright:
    """Finds out which way up pictures are, and their lines that way up. Immutable.

    Args:
        detector: finds lines.
        recognizer: reads them.
        orientation: says which side to look at after the first.
    """

    def __init__(self, detector: Detector, recognizer: Recognizer, orientation: Vote) -> None:
        self._detector = detector
        self._recognizer = recognizer
        self._orientation = orientation

    def __call__(self, image: Image) -> Side:
        """Return the side from which an image is upright.

        An angle is believed when the longest lines found there make sense. Upright is tried
        first; then the classifier says which side to look at next. If none makes sense at
        once, the one that reads best is taken.
        """
        sides = [self._look(image, 0, 0.0)]  # most pages are upright
        if not sides[0].sure:
            voted, score = self._orientation(image)
            for angle in dict.fromkeys(a % 360 for a in (voted, 180, 90, 270)):
                if angle and not sides[-1].sure:
                    sides.append(self._look(image, angle, score if angle == voted else 0.0))
        if sides[-1].sure:
            return self._downwards(image, sides[-1])
        # The most legible; where nothing is, the picture stands as it is.
        best = max(sides, key=lambda side: (side.chars, side.angle == 0))
        return self._downwards(image, best)

    def _downwards(self, image: Image, side: Side) -> Side:
        """Look again, from the side, where the text runs downwards.

        A column on its side reads as well as a line, so a turned picture is not believed to
        hold lines before their characters have been tried upright, one under the other.
        """
        angle, sample = side.angle, side.sample.values()
        columns = (r for r in sample if r.vertical and not r.sideways and not r.text.isascii())
        down = sum(len(r.text) for r in columns)
        if 2 * down <= sum(len(r.text) for r in sample):
            lines = [i for i, r in side.sample.items() if len(r.text) > 3 and not r.vertical]
            tried = side.quads[lines[:2]] if angle else side.quads[:0]
            if _sense(self._recognizer.read_columns(rotate90(image, angle), tried)) < SENSE:
                return side
            angle = (angle - 90) % 360
        quads = self._columns(rotate90(image, angle))
        return replace(side, angle=angle, quads=quads, sample={})

    def _columns(self, upright: Image) -> Quads:
        """Find the lines (N, 4, 2) of a picture whose text mostly runs downwards.

        The detector's slices cannot follow a column unless it lies on its side. What stands
        beside the columns, a title or a page number, is found as usual.
        """
        height, width = upright.shape[:2]
        lying, _ = self._detector(rotate90(upright, 90))
        along, across = sides(lying)
        columns = np.roll(map_back(lying[along > 1.5 * across], 90, width, height), 1, axis=1)
        others, _ = self._detector(upright)
        along, across = sides(others)
        others = others[across < 1.5 * along]  # else a piece of a column
        covered = np.array([sum(intersection(q, c) for c in columns) for q in others])
        return np.concatenate([columns, others[covered <= 0.5 * area(others)]])

    def _look(self, image: Image, angle: int, score: float) -> Side:
        upright = rotate90(image, angle)
        quads, _ = self._detector(upright)
        longest = np.argsort(-np.max(sides(quads), axis=0), kind="stable")[:SAMPLE]
        readings = self._recognizer(upright, quads[longest])
        sample = dict(zip(longest.tolist(), readings, strict=True))
        sense, total = _sense(readings), sum(len(r.text) for r in readings)
        legible = sum(len(r.text) * max(0.0, r.score - 0.5) for r in readings if not r.sideways)
        return Side(angle, max(score, sense), quads, sample, legible, sense > SENSE and total > 3)


def _sense(readings: Sequence[Reading]) -> float:
    """How much sense a sample makes, 0 to 1: its mean score, by which clutter weighs little.

    Text upside down reads as nonsense of low score; text on its side says so, and makes none.
    """
    weights = [len(r.text) * r.score for r in readings]
    upright = (w * r.score for w, r in zip(weights, readings, strict=True) if not r.sideways)
    return sum(upright) / max(1e-9, sum(weights))
