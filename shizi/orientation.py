"""Page orientation: the longest lines vote by how far their characters stand turned.

What is made of the vote is said in :mod:`shizi.reader.upright`.

A line is scaled to one height, so the net need not know letters of any size, and a detector finds
lines from whichever side a page is looked at. What is taller than wide is laid down first: text
that runs downwards because the page is turned then stands upright or upside down like any
other, and characters that stand one under the other lie on their side.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.crop import cut, is_tall, lie_down
from shizi.engine import Session
from shizi.geometry import sides
from shizi.nets.logits import softmax
from shizi.nets.spec import OrientationSpec, VGGOrientationSpec
from shizi.page import GREY, Image, Quads
from shizi.weights import Net

LINES = 8
"""Lines, the longest ones, that vote."""

ASLANT = 0.6
"""Rise of a line by its run, or the other way round, from which on it may belong to either side."""


class Piece(NamedTuple):
    """The beginning of a line, and whether the line was laid down for it."""

    image: Image  # (height, width, 3)
    laid: bool


class OrientationClassifier:
    """Tells by how many degrees clockwise a picture's text stands rotated.

    Args:
        session: the network.
        spec: what it is made of.
    """

    def __init__(
        self,
        session: Session,
        spec: OrientationSpec | VGGOrientationSpec = OrientationSpec(),
    ) -> None:
        self._session = session
        self._spec = spec

    @classmethod
    def of(cls, net: Net) -> OrientationClassifier:
        """Make a classifier of a network."""
        assert isinstance(net.spec, OrientationSpec | VGGOrientationSpec)
        return cls(net.session, net.spec)

    def __call__(self, image: Image, quads: Quads) -> tuple[int, float]:
        """Return (angle, score) of an image whose lines were found at quads (N, 4, 2).

        The angle is 0, 90, 180 or 270; the score, 0 to 1, is the winner's share of the
        votes: 0 where no line was found, and then the angle is 0.
        """
        return self.vote(pieces(image, quads, self._spec))

    def vote(self, lines: list[Piece]) -> tuple[int, float]:
        """Return (angle, score), as above, of the lines of a picture."""
        if not lines:
            return 0, 0.0
        probs = softmax(np.stack(self._session([line.image for line in lines])))  # (N, 4)
        votes = sum(np.roll(p, line.laid) for p, line in zip(probs, lines, strict=True))
        best = int(np.argmax(votes))
        return 90 * best, float(votes[best]) / len(lines)


def pieces(image: Image, quads: Quads, spec: OrientationSpec | VGGOrientationSpec) -> list[Piece]:
    """Cut out the beginnings of the longest lines."""
    longest = np.argsort(-bearing(quads), kind="stable")[:LINES]
    return [piece(cut(image, quads[i]), spec) for i in longest]


def bearing(quads: Quads) -> NDArray[np.float32]:
    """How much lines (N, 4, 2) have to say about which way up a picture is: their lengths (N,).

    Lines that lie aslant, labels under the bars of a chart, say nothing unless all do.
    """
    across, down = quads[:, 1] - quads[:, 0], quads[:, 3] - quads[:, 0]  # (N, 2)
    length = np.maximum(*sides(quads))
    way = np.abs(np.where((length > sides(quads)[1])[:, None], across, down))
    aslant = way.min(1) > ASLANT * way.max(1)
    return np.asarray(np.where(aslant & ~aslant.all(), 0.0, length), np.float32)


def piece(crop: Image, spec: OrientationSpec | VGGOrientationSpec) -> Piece:
    """Scale the beginning of a line's crop (h, w, 3) to what the net is shown."""
    laid = is_tall(*crop.shape[:2])
    line = lie_down(crop) if laid else crop
    h = line.shape[0]
    line = line[:, : max(1, round(spec.width * h / spec.height))]
    width = min(spec.width, max(1, round(line.shape[1] * spec.height / h)))
    how = cv2.INTER_AREA if h > spec.height else cv2.INTER_LINEAR
    line = cv2.resize(line, (width, spec.height), interpolation=how)
    right = spec.width - width
    line = cv2.copyMakeBorder(line, 0, 0, 0, right, cv2.BORDER_CONSTANT, value=(GREY,) * 3)
    return Piece(np.ascontiguousarray(line, np.uint8), laid)
