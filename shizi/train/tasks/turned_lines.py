"""Training of the orientation classifier on lines."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from shizi import weights
from shizi.crop import TALL, cut, is_tall, lie_down
from shizi.data import (
    LineItem,
    Lines,
    PageItem,
    find_sets,
    is_pages,
    open_lines,
    open_upright,
    weighed,
)
from shizi.detection import Detector
from shizi.errors import DataError
from shizi.geometry import rotate90
from shizi.nets.spec import CTPNSpec, OrientationSpec
from shizi.nets.torch.orientation import Orientation
from shizi.orientation import OrientationClassifier, Piece, piece, pieces
from shizi.page import Image
from shizi.train.loop.stream import Mix, rng_at
from shizi.train.options import OrientationTrainOptions
from shizi.train.tasks import augment
from shizi.train.tasks.orientation import OrientationTask, Turned, clockwise

TAKEN = 4
"""Lines taken of a page at a time."""

COLUMNS = 0.4
"""Share of Chinese lines that are shown as columns: each character on its side."""

ASIDE = 0.15
"""Share of the others that are shown as what is found across a line that runs downwards: a letter
or two on their side."""


class LineOrientationTask(OrientationTask):
    """Which way the characters of a line stand.

    Raises:
        DataError: there is nothing to learn from, or the net has no such stage.
    """

    net: Orientation

    def __init__(self, net: Orientation, options: OrientationTrainOptions) -> None:
        if options.stage == "head":
            raise DataError("stage head is for the published form; train with stage whole")
        super().__init__(net, options)
        paths, shares = weighed(options.data)
        self._sets = [self._open(path) for path in paths]
        self._starts = np.cumsum([0, *map(len, self._sets)])
        self._mix = Mix(list(map(len, self._sets)), shares)
        self._seen: dict[tuple[Path, int], list[Piece]] = {}  # of validation pages, by quarters
        if not len(self):
            raise DataError("there is no line to learn from")

    def _open(self, path: Path) -> Lines | list[PageItem]:
        if path.exists() and any(not is_pages(labels) for labels in find_sets(path)):
            return open_lines(path, self._bad)
        pages = open_upright(path, self._bad)
        if not any(len(page.quads) for page in pages):
            raise DataError(
                f"{path} has no labelled lines, from which this net learns; "
                "the net vgg16 learns from whole pictures"
            )
        return pages

    def __len__(self) -> int:
        return int(self._starts[-1])

    def sample(self, seed: int, position: int) -> list[Turned]:
        """A line, or some of a page's, each turned upside down or not; or on their side."""
        index, rng = self._mix.index(seed, position), rng_at(seed, position)
        which = int(np.searchsorted(self._starts, index, "right")) - 1
        item = self._sets[which][index - int(self._starts[which])]
        if isinstance(item, LineItem):
            return [turned_line(item.load(), item.text, self.net.spec, rng)]
        known = np.flatnonzero(~item.ignore)
        if not len(known):
            raise DataError(f"{item.where}: no line is labelled")
        page, chosen = item.load(), rng.choice(known, TAKEN).tolist()
        return [
            turned_line(cut(page, item.quads[i]), item.texts[i], self.net.spec, rng) for i in chosen
        ]

    def answer(self, classify: OrientationClassifier, item: PageItem, quarter: int) -> int:
        """Let the lines vote that the shipped detector finds on a page that was turned."""
        key = item.path, quarter
        if key not in self._seen:
            image = clockwise(item.load(), quarter)
            self._seen[key] = pieces(image, self._detector(image)[0], self.net.spec)
        return classify.vote(self._seen[key])[0]

    @cached_property
    def _detector(self) -> Detector:
        net = weights.open("ctpn", engine="torch")
        assert isinstance(net.spec, CTPNSpec)
        return Detector(net.session, spec=net.spec)


def turned_line(crop: Image, text: str, spec: OrientationSpec, rng: np.random.Generator) -> Turned:
    """A piece of a line, upright or upside down, or of what lies on its side: mostly of columns.

    Args:
        crop: the line (h, w, 3), as it is read; of a column, taller than wide.
        text: what it says, where that is known.
        spec: of the net.
        rng: chance.
    """
    laid = is_tall(*crop.shape[:2])
    crop = _found(lie_down(crop) if laid else crop, rng)
    plain = text.replace(" ", "")
    cells = _is_han(plain) and len(plain) <= crop.shape[1]
    if not laid and cells and rng.random() < COLUMNS:
        crop, laid = _on_their_side(crop, len(plain)), True
    elif not laid and rng.random() < ASIDE:
        crop, laid = _across(crop, rng), True
    quarter = 3 if laid else 0
    if rng.random() < 0.5:
        crop, quarter = rotate90(crop, 180), (quarter + 2) % 4
    start = int(rng.integers(max(1, crop.shape[1] - 2 * crop.shape[0])))
    image = piece(np.ascontiguousarray(crop[:, start:]), spec).image
    return Turned(augment.spoil(augment.recolour(image, rng), rng), quarter)


def _found(crop: Image, rng: np.random.Generator) -> Image:
    """Move a line's upper and lower edge, as a detector's are off, and stretch it."""
    h, w = crop.shape[:2]
    above, below = rng.integers(-(h // 8), h // 16 + 1, 2).tolist()  # below 0: added
    crop = crop[max(0, above) : h - max(0, below)]
    added = max(0, -above), max(0, -below)
    crop = np.asarray(cv2.copyMakeBorder(crop, *added, 0, 0, cv2.BORDER_REPLICATE), np.uint8)
    width = max(1, round(w * rng.uniform(0.75, 1.3)))
    return np.asarray(cv2.resize(crop, (width, crop.shape[0])), np.uint8)


def _is_han(text: str) -> bool:
    return len(text) > 1 and all("\u4e00" <= char <= "\u9fff" for char in text)


def _on_their_side(crop: Image, count: int) -> Image:
    """Turn each of ``count`` characters of one width by itself, as in a column laid down."""
    h, w = crop.shape[:2]
    edges = np.linspace(0, w, count + 1).astype(int)
    cells = [rotate90(crop[:, a:b], 90) for a, b in pairwise(edges)]
    return np.concatenate([cv2.resize(cell, (h, h)) for cell in cells], 1)


def _across(crop: Image, rng: np.random.Generator) -> Image:
    """Turn a piece of a line on its side."""
    h, w = crop.shape[:2]
    length = min(w, round(h * rng.uniform(0.5, 0.95 * TALL)))  # taller would be laid down
    start = int(rng.integers(w - length + 1))
    return rotate90(crop[:, start : start + max(1, length)], 90)
