"""Which way up a picture is: its longest lines vote (:mod:`shizi.orientation`), and what they say
must make sense.

Text that is legible stands upright and text that is not does not; where the vote leaves a doubt,
the picture is read upside down or from other sides too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shizi.detection import Detector
from shizi.geometry import area, intersection, map_back, rotate90, sides
from shizi.orientation import bearing
from shizi.page import Image, Quads
from shizi.reader.whole import once
from shizi.recognition import Reading, Recognizer, shared

Vote = Callable[[Image, Quads], tuple[int, float]]
"""Proposes an angle, degrees clockwise, by an image and its lines, and says how sure it is."""

SAMPLE = 6
"""Lines, the longest ones, by which an angle is judged."""

SENSE = 0.85
"""Mean score of the sample from which on it makes sense."""

STACKED = 0.8
"""The same of columns cut into characters, which are stretched to squares and read worse."""

AGREED = 0.8
"""Share of the votes from which on a sample that makes some sense leaves no doubt."""

SOME = 0.6
"""Mean score of the sample from which on, with such a vote, it makes enough sense."""

DOUBT = 0.97
"""Mean score of the sample below which, without such a vote, a picture that stands is read upside
down too, for Latin text makes some sense. One that is to be turned is, where either is lacking:
SAMSUNG reads 9NNSWVS at 0.98, and SLOW DOWN is NMOA MOTS at 0.89 by a vote of 0.82."""

BETTER = 0.02
"""By how much more sense it must make upside down to be turned: figures such as 80 read well either
way."""

FEW = 4
"""Characters below which a sample says little."""

WORSE = 0.005
"""By how much a word that stands in a column may read worse than as a line, at most."""

SAME = 0.5
"""Share of a word's characters above which another reading of it says the same."""

UPRIGHT = 1.15
"""How much more legible than as it stands a picture must be from another side."""


@dataclass(frozen=True)
class Side:
    """An image looked at from one side.

    Attributes:
        angle: degrees clockwise by which the content would then stand rotated.
        score: how sure that is, 0 to 1.
        quads: lines found, pixels of the image made upright by that angle, shape (N, 4, 2).
        sample: what the longest of them say, by index.
        legible: pixels of the sample's lines, each weighed by how legible it is.
        sure: the sample makes so much sense that no other side needs a look.
    """

    angle: int
    score: float
    quads: Quads
    sample: dict[int, Reading]
    legible: float
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

        An angle is believed when the longest lines found there make sense, and either the
        vote is clear or they make more sense than upside down. The angle voted for is tried
        first. If none makes sense at once, the one that reads best is taken.
        """
        found, _ = self._detector(image)
        voted, share = self._orientation(image, found)
        looks: list[Side] = []
        for angle in dict.fromkeys((voted, 0, 180, 90, 270)):
            quads = self._detector(rotate90(image, angle))[0] if angle else found
            looks.append(self._look(image, angle, quads, share if angle == voted else 0.0))
            sure = [side for side in looks if side.sure]
            # A column on its side reads as well as a line: without a clear vote both are seen.
            if sure and (share >= AGREED or sure[0].angle != 90 or len(looks) > 1):
                break
        # The most legible; where nothing is, the picture stands as it is.
        best = max(looks, key=lambda s: (s.legible * (1.0 if s.angle else UPRIGHT), -s.angle))
        best = sure[0] if sure else best
        standing = [side for side in looks if not side.angle and side.score > SENSE]
        if best.angle and standing:
            if _word(best):  # of which a character was seen from the other side, at most
                if _characters(standing[0]) >= _characters(best):
                    return standing[0]
            elif _lone([*best.sample.values()]):
                return standing[0]  # some characters read well on their side too
            elif best.angle == 90 and self._are_columns(image, best, 2):
                return standing[0]  # characters that stand alone, in rows and columns
        return self._downwards(image, best)

    def _are_columns(self, image: Image, side: Side, least: int) -> bool:
        """Say whether lines of this side, of so many characters, are columns of the next.

        A column on its side reads as well as a line.
        """
        lines = [i for i, r in side.sample.items() if len(r.text) >= least and not r.vertical]
        tried = side.quads[lines[:2]]
        columns = self._read_columns(image, side, lines[:2])
        return _sense(columns, sides(tried)[0]) >= STACKED

    def _read_columns(self, image: Image, side: Side, lines: Sequence[int]) -> list[Reading]:
        """Read some lines of a side as columns of the next."""
        upright, said = rotate90(image, side.angle), [side.sample[i].text for i in lines]
        return self._recognizer.read_columns(upright, side.quads[list(lines)], said)

    def _stands_in_column(self, image: Image, side: Side) -> bool:
        """Say whether the word that is all of this side is a column of the next.

        So few characters may read well either way: 王国 does. As what it is a word reads best.
        """
        tried = sorted(side.sample)
        flat = [side.sample[i] for i in tried]
        down = self._read_columns(image, side, tried)
        same = all(shared(a.text, b.text) > SAME for a, b in zip(flat, down, strict=True))
        length = sides(side.quads[tried])[0]
        return same and _sense(down, length) >= max(STACKED, _sense(flat, length) - WORSE)

    def _downwards(self, image: Image, side: Side) -> Side:
        """Look again, from the side, where the text runs downwards.

        A turned picture is not believed to hold lines before their characters have been tried
        upright, one under the other; Latin letters hardly ever stand so.
        """
        angle, sample = side.angle, side.sample.values()
        down = sum(len(r.text) for r in sample if r.vertical and not r.sideways and _han(r))
        # A character that stands alone may be of either.
        if 2 * down <= sum(len(r.text) if len(r.text) > 1 else 0.5 for r in sample):
            if not (angle and any(map(_han, sample))):
                return side
            if _word(side):
                columns = self._stands_in_column(image, side)
            else:
                columns = self._are_columns(image, side, 4)
            if not columns:
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

    def _look(self, image: Image, angle: int, quads: Quads, share: float) -> Side:
        upright = rotate90(image, angle)
        lengths = bearing(quads)  # (N,)
        order = np.argsort(-lengths, kind="stable")
        longest = order[:SAMPLE]
        readings = self._recognizer(upright, quads[longest])
        if _divided(readings):  # the heads of a table may lie, and be longer than what stands
            more = order[SAMPLE : 3 * SAMPLE]
            readings = readings + self._recognizer(upright, quads[more])
            longest = order[: 3 * SAMPLE]
        told = once(quads[longest], readings)
        longest, readings = longest[told], [r for r, t in zip(readings, told, strict=True) if t]
        sense = _sense(readings, lengths[longest])
        agreed = share >= AGREED and not (angle and sum(len(r.text) for r in readings) == 1)
        sure = sense > SOME if agreed else sense > SENSE and not _lone(readings)
        doubts = [sense < DOUBT, not agreed]  # to be turned, a picture must leave none
        if sure and (any(doubts) if angle else all(doubts)):
            turned = self._recognizer(upright, np.roll(quads[longest], 2, axis=1))
            sure = _sense(turned, lengths[longest]) < sense + (0 if angle else BETTER)
        sample = dict(zip(longest.tolist(), readings, strict=True))
        legible = _legible(readings, lengths[longest])
        return Side(angle, max(share, sense), quads, sample, legible, sure)


def _sense(readings: Sequence[Reading], lengths: NDArray[np.floating[Any]]) -> float:
    """How much sense a sample makes, 0 to 1: its mean score, by which clutter weighs little.

    Text upside down reads as nonsense of low score. Text on its side says so; where it is
    longer than what stands upright, and no less often, the sample makes none: a chart has long
    labels at its sides.

    Args:
        readings: of the N lines.
        lengths: of the lines, pixels, (N,).
    """
    weights = np.array([r.score if r.text else 0.0 for r in readings]) * lengths
    upright = np.array(_standing(readings), dtype=bool)
    total = float(weights[upright].sum())
    lying = (weights[~upright] > 0).sum()
    if not total or (2 * total < weights.sum() and lying >= (weights[upright] > 0).sum()):
        return 0.0
    scores = np.array([r.score for r in readings])
    return float((weights * scores)[upright].sum()) / total


def _lone(readings: Sequence[Reading]) -> bool:
    """Say whether a sample is too short, or what stands in it mostly characters that stand alone.

    These say little: a character on its side, as in a column that was laid down, is known too.
    """
    texts = [r.text for r, stands in zip(readings, _standing(readings), strict=True) if stands]
    alone = 2 * sum(len(text) == 1 for text in texts) > sum(map(len, texts))
    return alone or sum(len(r.text) for r in readings) < FEW


def _word(side: Side) -> bool:
    """Say whether all that is seen from a side is a Chinese word of few characters."""
    said = [r for r in side.sample.values() if r.text]
    few = all(map(_han, said)) and _characters(side) < FEW
    return few and any(len(r.text) > 1 for r in said)


def _characters(side: Side) -> int:
    return sum(len(r.text) for r in side.sample.values())


def _legible(readings: Sequence[Reading], lengths: NDArray[np.floating[Any]]) -> float:
    """How many pixels of the lines are legible, each weighed by how legible it is.

    Args:
        readings: of the N lines.
        lengths: of the lines, pixels, (N,).
    """
    alone = 0.5 if len(readings) > 1 else 1.0
    weights = [alone if len(r.text) == 1 else 1.0 for r in readings]
    scores = np.array([max(0.0, r.score - 0.5) for r in readings])
    return float((np.array(weights) * scores * lengths)[np.array(_standing(readings), bool)].sum())


def _standing(readings: Sequence[Reading]) -> list[bool]:
    """Say which lines stand upright.

    A short Latin line on its side may seem to be a column; where others lie, so does it.
    """
    lie = any(r.sideways and not _han(r) for r in readings)
    return [not r.sideways and not (lie and r.vertical and not _han(r)) for r in readings]


def _divided(readings: Sequence[Reading]) -> bool:
    """Say whether about as many legible lines lie as stand."""
    stands = [
        s
        for r, s in zip(readings, _standing(readings), strict=True)
        if r.score > SENSE and len(r.text) > 1
    ]
    return 1 < sum(stands) < len(stands) - 1


def _han(reading: Reading) -> bool:
    """Say whether a text may run downwards: Latin letters hardly ever do."""
    return 2 * sum(c.isascii() for c in reading.text) < len(reading.text)
