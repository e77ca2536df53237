"""Training of the orientation classifier."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from shizi import weights
from shizi.crop import cut, lie_down
from shizi.data import (
    BadRows,
    LineItem,
    Lines,
    PageItem,
    apart,
    find_sets,
    is_pages,
    open_lines,
    open_upright,
    weighed,
)
from shizi.detection import Detector
from shizi.engine import Session
from shizi.errors import DataError
from shizi.geometry import rotate90
from shizi.nets.spec import CTPNSpec, OrientationSpec
from shizi.nets.torch.orientation import Orientation, VGGOrientation
from shizi.orientation import TALL, OrientationClassifier, Piece, piece, pieces, whole
from shizi.page import Image
from shizi.train import show
from shizi.train.loop.stream import Mix, rng_at
from shizi.train.options import OrientationTrainOptions
from shizi.train.tasks import augment

TAKEN = 4
"""Lines taken of a page at a time."""

COLUMNS = 0.4
"""Share of Chinese lines that are shown as columns: each character on its side."""


ASIDE = 0.15
"""Share of the others that are shown as what is found across a line that runs downwards: a letter
or two on their side."""


class Turned(NamedTuple):
    """A line, or a whole picture, and by how many quarters it was turned clockwise."""

    image: Image  # (height, width, 3)
    label: int


class Batch(NamedTuple):
    """Pictures and their classes."""

    images: NDArray[np.uint8]  # (N, height, width, 3)
    labels: NDArray[np.int64]  # (N,)


class OrientationTask:
    """Which way up: lines, or whole pictures for the published form."""

    metric = "score"

    def __init__(self, net: Orientation | VGGOrientation, options: OrientationTrainOptions) -> None:
        self.net = net
        self._options = options
        self._bad = BadRows(options.strict)
        paths, shares = weighed(options.data)
        sets = [self._open(path) for path in paths]
        self._sets, self._starts = sets, np.cumsum([0, *map(len, sets)])
        self._mix = Mix(list(map(len, sets)), shares)
        if not len(self):
            raise DataError("there is nothing to learn from")
        self._val = {
            name: open_upright(path, self._bad) for name, path in apart(options.val).items()
        }

    def _open(self, path: Path) -> Lines | list[PageItem]:
        if isinstance(self.net, VGGOrientation):
            return open_upright(path, self._bad)
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
        """A line, or some of a page's, each turned by a random multiple of 90 degrees.

        For the published form, the whole page in each of the four rotations.
        """
        index, rng = self._mix.index(seed, position), rng_at(seed, position)
        which = int(np.searchsorted(self._starts, index, "right")) - 1
        item = self._sets[which][index - int(self._starts[which])]
        if isinstance(item, LineItem):
            assert isinstance(self.net, Orientation)
            return [turned_line(item.load(), item.text, self.net.spec, rng)]
        if isinstance(self.net, Orientation):
            return self._lines(item, rng)
        return self._turns(item.load(), rng)

    def group(self, sample: list[Turned]) -> tuple[int, int]:
        """All pictures are of one size; what comes together is batched together."""
        return len(sample), max(1, self._options.batch // len(sample))

    def collate(self, samples: list[list[Turned]]) -> Batch:
        """Stack pictures and their quarter turns."""
        images, labels = zip(*(turned for page in samples for turned in page), strict=True)
        return Batch(np.stack(images), np.asarray(labels))

    def refuse(self, error: DataError) -> None:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        self._bad.add(str(error))

    def _lines(self, item: PageItem, rng: np.random.Generator) -> list[Turned]:
        known = np.flatnonzero(~item.ignore)
        if not len(known):
            raise DataError(f"{item.where}: no line is labelled")
        assert isinstance(self.net, Orientation)
        page, spec = item.load(), self.net.spec
        chosen = rng.choice(known, TAKEN)
        return [
            turned_line(cut(page, item.quads[i]), item.texts[i], spec, rng) for i in chosen.tolist()
        ]

    def _turns(self, page: Image, rng: np.random.Generator) -> list[Turned]:
        assert isinstance(self.net, VGGOrientation)
        small = whole(page, self.net.spec.tile)
        out = []
        for quarter in range(4):
            image = augment.spoil(augment.recolour(small, rng), rng)
            out.append(Turned(clockwise(image, quarter), quarter))
        return out

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Cross entropy with smoothed labels."""
        logits = self.net(torch.from_numpy(batch.images).to(device)).float()
        labels = torch.from_numpy(batch.labels).to(device)
        return {"ce": F.cross_entropy(logits, labels, label_smoothing=0.05)}

    def figures(self, session: Session) -> dict[str, float]:
        """Accuracy over pictures in four rotations, its mean if there is one, and rows left out."""
        classify = OrientationClassifier(session, spec=self.net.spec)
        figures = {}
        for name, items in self._val.items():
            step = max(1, len(items) // self._options.val_pages)
            right = [
                self._answer(classify, item, quarter) == 90 * quarter
                for item in items[::step]
                for quarter in range(4)
            ]
            figures[f"acc_{name}"] = float(np.mean(right)) if right else 0.0
        score = {"score": float(np.mean(list(figures.values())))} if figures else {}
        return {**figures, **score, "left_out": self._bad.count}

    def _answer(self, classify: OrientationClassifier, item: PageItem, quarter: int) -> int:
        """What the net says of a page that was turned."""
        if isinstance(self.net, VGGOrientation):
            return classify(clockwise(item.load(), quarter), item.quads)[0]
        key = item.path, quarter
        if key not in self._seen:
            image = clockwise(item.load(), quarter)
            self._seen[key] = pieces(image, self._detector(image)[0], self.net.spec)
        return classify.vote(self._seen[key])[0]

    @cached_property
    def _seen(self) -> dict[tuple[Path, int], list[Piece]]:
        """Lines that the shipped detector finds on validation pages, by quarter turns."""
        return {}

    @cached_property
    def _detector(self) -> Detector:
        net = weights.open("ctpn", engine="torch")
        assert isinstance(net.spec, CTPNSpec)
        return Detector(net.session, spec=net.spec)

    def picture(self, session: Session) -> Image | None:
        """Validation pictures in four rotations, with the angle that the net gives them."""
        classify = OrientationClassifier(session, spec=self.net.spec)
        looks = []
        for item in [item for items in self._val.values() for item in items[:2]][:6]:
            for quarter in range(4):
                told = self._answer(classify, item, quarter)
                image = clockwise(item.load(), quarter)
                looks.append(show.answered(image, f"{told}°", told == 90 * quarter))
        return show.grid(looks, 4) if looks else None


def turned_line(crop: Image, text: str, spec: OrientationSpec, rng: np.random.Generator) -> Turned:
    """A piece of a line, upright or upside down, or of what lies on its side: mostly of columns.

    Args:
        crop: the line (h, w, 3), as it is read; of a column, taller than wide.
        text: what it says, where that is known.
        spec: of the net.
        rng: chance.
    """
    laid = crop.shape[0] >= TALL * crop.shape[1]
    crop = _found(lie_down(crop) if laid else crop, rng)
    plain = text.replace(" ", "")
    if not laid and _is_han(plain) and rng.random() < COLUMNS:
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
    above, below = rng.integers(-(h // 8), h // 16 + 1, 2).tolist()  # more is cut off, less added
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


def clockwise(image: Image, quarter: int) -> Image:
    """Turn a picture clockwise by ``quarter`` times 90 degrees."""
    return rotate90(image, (360 - 90 * quarter) % 360)
