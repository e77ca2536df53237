"""Text-line detection: CTPN slices, joined into quads (Tian et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.crop import is_tall
from shizi.detection.beside import guessed, in_line, roomy
from shizi.detection.canvas import cover, extend, resize
from shizi.detection.columns import cells, in_row, lying, stack
from shizi.detection.ends import completed
from shizi.detection.filling import with_filling
from shizi.detection.missed import (
    LARGE,
    LARGE_SCORE,
    SHRINK,
    merge,
    one_line,
    second_looks,
    shrunk,
    whole_mark,
    within_strip,
)
from shizi.detection.options import DetectionOptions
from shizi.detection.sheets import lay
from shizi.detection.slices import build_quads
from shizi.detection.strokes import (
    LYING,
    STEEP,
    Patch,
    densest,
    new,
    slant,
    stroke_mask,
    unexplained,
)
from shizi.engine import Session
from shizi.geometry import distinct, order_quad, sides
from shizi.nets.spec import CTPNSpec, VGGCTPNSpec
from shizi.page import Image, Quads, check_image
from shizi.weights import Net

__all__ = ["DetectionOptions", "Detector"]

Float = NDArray[np.float32]

GOOD_HEIGHT = 15.0
"""Text height that a second look is scaled to, pixels."""

DENSE = 0.5
"""Share of unexplained strokes from which on small print is looked for."""

SHRUNK = 0.5
"""Scale below which small print may have become illegible."""

PROBE = 512
"""Side of the square in which small print is looked for, pixels."""


class Detector:
    """Finds text lines. Immutable; safe from many threads."""

    def __init__(
        self,
        session: Session,
        options: DetectionOptions | None = None,
        spec: CTPNSpec | VGGCTPNSpec = CTPNSpec(),
    ) -> None:
        self.options = options or DetectionOptions()
        self._session = session
        self._spec = spec

    @classmethod
    def of(cls, net: Net, options: DetectionOptions | None = None) -> Detector:
        """Make a detector of a network."""
        assert isinstance(net.spec, CTPNSpec | VGGCTPNSpec)
        return cls(net.session, options, net.spec)

    def __call__(self, image: Image) -> tuple[Quads, Float]:
        """Return quads (N, 4, 2) in pixels of the image and scores (N,), 0 to 1.

        The picture is looked at once at a moderate size, and again, larger, where the text
        turns out to be too small for that. Strokes that no line explains get a look of their
        own: see :meth:`_missed`.

        Raises:
            ImageError: the picture is not RGB, uint8 (H, W, 3).
        """
        check_image(image)
        o = self.options
        h, w = image.shape[:2]
        scale = min((o.pixels / (h * w)) ** 0.5, o.enlarge)
        canvas = cover(round(h * scale), round(w * scale), o.most_pixels)
        if len(canvas.tops) == 1:  # more of it costs nothing
            scale = min(canvas.height / h, canvas.width / w, o.enlarge)
        scaled = resize(image, scale)
        quads, scores = self._at(scaled)
        if len(quads):
            usual = float(np.quantile(np.minimum(*sides(quads)), 0.3))
            larger = min(scale * GOOD_HEIGHT / usual, o.enlarge)
            if usual < o.least_height and larger > 1.2 * scale:
                again = resize(image, larger)
                quads, scores = self._at(again)
                quads *= np.float32(scaled.shape[1] / again.shape[1])
        quads, scores = self._missed(image, scaled, quads, scores)
        quads, scores = with_filling(scaled, quads, scores)
        quads = completed(stroke_mask(cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY)), quads)
        return quads * np.array([w / scaled.shape[1], h / scaled.shape[0]], np.float32), scores

    def _at(self, scaled: Image) -> tuple[Quads, Float]:
        """Look at a picture as it is, in horizontal strips where it is large."""
        height, width = scaled.shape[:2]
        canvas = cover(height, width, self.options.most_pixels)
        middles = [(a + b + canvas.height) / 2 for a, b in pairwise(canvas.tops)]
        cores = pairwise([-np.inf, *middles, np.inf])  # the rows that each strip speaks for
        cuts = [
            extend(scaled[top : top + canvas.height], canvas.height, canvas.width)
            for top in canvas.tops
        ]
        looks = self._session.each(cuts, lambda o: build_quads(o, self._spec, self.options))
        quads, scores = [], []
        for top, (first, last), (found, score) in zip(canvas.tops, cores, looks, strict=True):
            found[..., 1] += top
            middle = found[..., 1].mean(1)
            mine = (middle >= first) & (middle < last)
            quads.append(found[mine])
            scores.append(score[mine])
        placed, certain = np.concatenate(quads), np.concatenate(scores)
        kept = distinct(placed, certain)  # two strips may each have seen a tall line
        return stack(placed[kept], certain[kept])

    def _missed(
        self, image: Image, scaled: Image, quads: Quads, scores: Float
    ) -> tuple[Quads, Float]:
        """Add lines where strokes are that no line explains.

        Args:
            image: the picture.
            scaled: the same at the scale that it was looked at.
            quads: lines found there (N, 4, 2), pixels of ``scaled``.
            scores: (N,).
        """
        width, height = sides(quads)
        wide = (width >= 1.5 * height) & (slant(quads) < STEEP)
        known = (wide & ~lying(quads)) | cells(quads)
        left = unexplained(scaled, quads[known], quads[known | in_row(quads)], quads)
        if left.share > DENSE and (scale := self._small_print(image, scaled)):
            larger = resize(image, scale)
            fine, certain = self._at(larger)
            quads = np.concatenate([quads, fine * np.float32(scaled.shape[1] / larger.shape[1])])
            scores = np.concatenate([scores, certain])
            kept = distinct(quads, scores)
            return quads[kept], scores[kept]
        quads, scores = guessed(quads, scores, left.beside)
        patches = second_looks(image, scaled, left, self.options.enlarge)
        if left.largest > LARGE:
            patches.append(shrunk(scaled))
        if not patches:
            return quads, scores
        for patch, (found, certain) in zip(patches, self._each(patches), strict=True):
            lines = found
            if patch.line and len(found):
                lines = one_line(found if patch.alone else within_strip(patch, found, quads))
            if not patch.line:
                large = (np.minimum(*sides(found)) > LARGE / SHRINK) & (certain > LARGE_SCORE)
                lines, certain = found[large], certain[large]
            for line in patch.back(lines):
                score, line = float(certain.mean()), _directed(line)
                if patch.alone:
                    line = whole_mark(line, patch)
                if patch.alone and is_tall(*np.ptp(line, 0)[::-1]):
                    line = roomy(line[None])[0]  # a 1 is no column
                quads, scores = merge(quads, scores, line, score)
        unseen = new(left.marks, quads)  # what stands in line with others
        return guessed(quads, scores, roomy(unseen[in_line(unseen, quads)]))

    def _each(self, patches: Sequence[Patch]) -> list[tuple[Quads, Float]]:
        """Look at patches, and return the quads (N, 4, 2) and scores (N,) of each in its pixels."""
        seen: dict[int, tuple[Quads, Float]] = {}
        for sheet in lay(patches):
            found, certain = self._at(sheet.picture)
            middle = found.mean(1)  # (F, 2)
            for i, corner in zip(sheet.patches, sheet.corners, strict=True):
                h, w = patches[i].picture.shape[:2]
                away = middle - np.array(corner, np.float32)
                inside = ((away >= 0) & (away < (w, h))).all(1)
                seen[i] = found[inside] - np.array(corner, np.float32), certain[inside]
        return [seen[i] for i in range(len(patches))]

    def _small_print(self, image: Image, scaled: Image) -> float:
        """Look where strokes are densest, at full size.

        Returns:
            The scale at which the print there, too small for the first look, has a good height;
            0 where there is none.
        """
        scale = scaled.shape[1] / image.shape[1]
        if scale > SHRUNK:
            return 0.0
        x, y = (round(v / scale) for v in densest(scaled, round(PROBE * scale)))
        quads, _ = self._at(np.ascontiguousarray(image[y : y + PROBE, x : x + PROBE]))
        if len(quads) < 3:
            return 0.0
        return min(1.0, GOOD_HEIGHT / float(np.median(np.minimum(*sides(quads)))))


def _directed(line: Float) -> Float:
    """Begin a line (4, 2), whose first side runs right- or downwards, at its left top.

    What climbs or falls is read rightwards. What lies on its side may run either way: reading
    tells, by a crop that is higher than wide.
    """
    return order_quad(line) if slant(line[None])[0] > LYING else line
