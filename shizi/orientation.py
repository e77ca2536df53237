"""Page orientation: tiles where strokes are dense, at two scales, vote.

A whole page shrunk to one small square shows no strokes; a few tiles at reading scale do.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.engine import Session
from shizi.nets.logits import softmax
from shizi.nets.spec import OrientationSpec, VGGOrientationSpec
from shizi.page import GREY, Image

TILE = 192
"""Side of a tile, pixels."""


TILES = 3
"""Tiles at each of the two scales."""

FINE, COARSE = 1280, 420
"""Long side of the picture at either scale, pixels: a page shows strokes at the finer one, a
sign at the coarser."""


class OrientationClassifier:
    """Tells by how many degrees clockwise a picture's text stands rotated."""

    def __init__(
        self,
        session: Session,
        spec: OrientationSpec | VGGOrientationSpec = OrientationSpec(),
    ) -> None:
        self._session = session
        self._spec = spec

    def __call__(self, image: Image) -> tuple[int, float]:
        """Return (angle, score).

        The angle is 0, 90, 180 or 270; the score, 0 to 1, is the winner's share of the
        votes times the share of tiles that show text: near 0 where there is none, and then
        the angle is 0.
        """
        if isinstance(self._spec, VGGOrientationSpec):
            (logits,) = self._session([whole(image, self._spec.tile)])  # (4,)
            probs = softmax(logits)
            return 90 * int(probs.argmax()), float(probs.max())
        return vote(softmax(np.stack(self._session(tiles(image)))))  # (T, 5)


def whole(image: Image, side: int) -> Image:
    """Stretch a whole picture to a square, as the published net wants it."""
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def vote(probs: NDArray[np.float32]) -> tuple[int, float]:
    """Combine tile probabilities (T, 5), the last class being "no text"."""
    text = 1 - probs[:, 4]  # (T,)
    votes = probs[:, :4].sum(0)
    total = float(votes.sum())
    seen = float(text.max(initial=0.0))
    if seen < 0.3:
        return 0, 0.0
    best = int(votes.argmax())
    return 90 * best, float(votes[best]) / max(total, 1e-9) * seen


def tiles(image: Image) -> list[Image]:
    """Cut the tiles with most strokes out of the picture at two scales."""
    out: list[Image] = []
    side = max(image.shape[:2])
    fine = min(FINE / side, 2.5)
    for scale in (fine, min(COARSE / side, fine)):
        if out and scale > 0.8 * fine:
            break  # a small picture has one scale
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        size = tuple(max(1, round(v * scale)) for v in image.shape[1::-1])
        scaled = np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
        out += densest(scaled, TILES)
    return out


def densest(image: Image, count: int) -> list[Image]:
    """Return up to ``count`` tiles, greedily the densest in strokes, hardly overlapping."""
    h, w = image.shape[:2]
    if h < TILE or w < TILE:
        low, right = max(0, TILE - h), max(0, TILE - w)
        image = np.asarray(
            cv2.copyMakeBorder(
                image,
                low // 2,
                low - low // 2,
                right // 2,
                right - right // 2,
                cv2.BORDER_CONSTANT,
                value=(GREY,) * 3,
            ),
            np.uint8,
        )
        h, w = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    strokes = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    cell = TILE // 8
    grid = cv2.resize(
        strokes, (max(8, w // cell), max(8, h // cell)), interpolation=cv2.INTER_AREA
    ).astype(np.float32)
    grid = np.minimum(grid, 60)  # one hard edge must not outweigh a paragraph
    sums = cv2.boxFilter(grid, -1, (8, 8), anchor=(0, 0), normalize=False)
    sums = sums[: grid.shape[0] - 7, : grid.shape[1] - 7].copy()
    out: list[Image] = []
    for _ in range(count):
        y, x = np.unravel_index(int(sums.argmax()), sums.shape)
        if sums[y, x] <= 0 and out:
            break
        top = min(int(y * h / grid.shape[0]), h - TILE)
        left = min(int(x * w / grid.shape[1]), w - TILE)
        out.append(np.ascontiguousarray(image[top : top + TILE, left : left + TILE]))
        sums[max(0, y - 6) : y + 7, max(0, x - 6) : x + 7] = 0
    return out
