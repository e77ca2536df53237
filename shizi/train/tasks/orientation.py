"""Training of the orientation classifiers."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from shizi import weights
from shizi.crop import cut
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
from shizi.nets.torch.orientation import Orientation, VGGOrientation
from shizi.orientation import OrientationClassifier, Piece, pieces
from shizi.page import Image
from shizi.train import show
from shizi.train.loop.stream import Mix, rng_at
from shizi.train.options import OrientationTrainOptions
from shizi.train.tasks.once import once
from shizi.train.tasks.turned import Turned, turned_line

TAKEN = 4
"""Lines taken of a page at a time."""

KEPT = 8192
"""Samples that stage head goes through again and again: what it keeps of a line is 37 kB."""

_LOG = logging.getLogger("shizi.train")


class Batch(NamedTuple):
    """Lines and their classes."""

    images: NDArray[np.uint8]  # (N, height, width, 3)
    labels: NDArray[np.int64]  # (N,)
    places: NDArray[np.int64]  # (N,) of what is kept


class OrientationTask:
    """Which way the characters of a line stand.

    Args:
        net: to train.
        options: of the data.

    Raises:
        DataError: there is nothing to learn from, or the net has no such stage.
    """

    metric = "score"

    def __init__(self, net: Orientation | VGGOrientation, options: OrientationTrainOptions) -> None:
        self.net = net
        self._once = once(net, options.stage)
        self._options = options
        self._bad = BadRows(options.strict)
        self._val = {
            name: open_upright(path, self._bad) for name, path in apart(options.val).items()
        }
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
        unknown = [not page.complete and not len(page.quads) for page in pages]
        if any(unknown):
            _LOG.warning("%s: the lines of %d pictures are being found", path, sum(unknown))
        found = [self._found(p) if new else p for p, new in zip(pages, unknown, strict=True)]
        return [page for page in found if page is not None]

    def _found(self, page: PageItem) -> PageItem | None:
        """Let the shipped detector find the lines of a page of which none is labelled."""
        try:
            quads, _ = self._detector(page.load())
        except DataError as error:
            self._bad.add(str(error))
            return None
        if not len(quads):
            self._bad.add(f"{page.name}: no line is found")
            return None
        return replace(
            page, quads=quads, texts=("",) * len(quads), ignore=np.zeros(len(quads), bool)
        )

    def __len__(self) -> int:
        return int(self._starts[-1])

    def sample(self, seed: int, position: int) -> list[Turned]:
        """A line, or some of a page's, each turned upside down or not; or on their side."""
        if self._once:
            position %= KEPT
        index, rng = self._mix.index(seed, position), rng_at(seed, position)
        which = int(np.searchsorted(self._starts, index, "right")) - 1
        item = self._sets[which][index - int(self._starts[which])]
        place = TAKEN * position
        if isinstance(item, LineItem):
            return [turned_line(item.load(), item.text, self.net.spec, rng, place)]
        known = np.flatnonzero(~item.ignore)
        if not len(known):
            raise DataError(f"{item.where}: no line is labelled")
        page, chosen = item.load(), rng.choice(known, TAKEN).tolist()
        return [
            turned_line(cut(page, item.quads[line]), item.texts[line], self.net.spec, rng, at)
            for at, line in enumerate(chosen, place)
        ]

    def group(self, sample: list[Turned]) -> tuple[int, int]:
        """All pictures are of one size; what comes together is batched together."""
        return len(sample), max(1, self._options.batch // len(sample))

    def collate(self, samples: list[list[Turned]]) -> Batch:
        """Stack lines and their quarter turns."""
        images, labels, places = zip(*(line for page in samples for line in page), strict=True)
        return Batch(np.stack(images), np.asarray(labels), np.asarray(places))

    def refuse(self, error: DataError) -> None:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        self._bad.add(str(error))

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Cross entropy with smoothed labels."""
        labels = torch.from_numpy(batch.labels).to(device)
        if self._once:
            logits = self._once(batch.images, batch.places, device)
        else:
            logits = self.net(torch.from_numpy(batch.images).to(device))
        return {"ce": F.cross_entropy(logits.float(), labels, label_smoothing=0.05)}

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

    def _answer(self, classify: OrientationClassifier, item: PageItem, quarter: int) -> int:
        """Let the lines vote that the shipped detector finds on a page that was turned."""
        key = item.path, quarter
        if key not in self._seen:
            image = clockwise(item.load(), quarter)
            self._seen[key] = pieces(image, self._detector(image)[0], self.net.spec)
        return classify.vote(self._seen[key])[0]

    @cached_property
    def _detector(self) -> Detector:
        return Detector.of(weights.open("ctpn", engine="torch"))


def clockwise(image: Image, quarter: int) -> Image:
    """Turn a picture clockwise by ``quarter`` times 90 degrees."""
    return rotate90(image, (360 - 90 * quarter) % 360)
