"""Training of the detector."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shizi.data import (
    BadRows,
    PageItem,
    apart,
    join_words,
    open_pages,
    read_pages,
    weighed,
)
from shizi.detection import Detector
from shizi.detection.slices import COLUMN
from shizi.engine import Session
from shizi.errors import DataError
from shizi.geometry import quad_to_box, sides
from shizi.nets.spec import VGGCTPNSpec
from shizi.nets.torch.ctpn import CTPN, VGGCTPN
from shizi.page import Image, Quads
from shizi.scores import DetectionScore, score_detection
from shizi.train import show
from shizi.train.loop.stream import Mix, rng_at
from shizi.train.losses.torch import line_loss, paper_loss
from shizi.train.options import CTPNOptions
from shizi.train.targets import Targets, assign, masked, sample, slice_quads
from shizi.train.tasks import augment
from shizi.train.tasks.once import once

KEPT = 1024
"""Crops that stage head goes through again and again: of one of 320 px it keeps 400 kB."""


class Crop(NamedTuple):
    """A square of a page and its anchor targets."""

    image: Image  # (S, S, 3)
    targets: Targets
    place: int  # of all different crops that stage head keeps


class Batch(NamedTuple):
    """Crops and their anchor targets."""

    images: NDArray[np.uint8]  # (N, S, S, 3)
    targets: Targets  # each array with a leading N
    places: NDArray[np.int64]  # (N,)


class CTPNTask:
    """Text or not, where exactly, and where lines end.

    Args:
        net: to train.
        options: of the data.

    Raises:
        DataError: there is nothing to learn from, or the net has no such stage.
    """

    metric = "score"

    def __init__(self, net: CTPN | VGGCTPN, options: CTPNOptions) -> None:
        self.net = net
        self._once = once(net, options.stage)
        self._options = options
        self._bad = BadRows(options.strict)
        paths, weights = weighed([*options.data, *options.words])
        sets = [open_pages(path, self._bad) for path in paths]
        lines = len(options.data)
        sets[lines:] = [[join_words(page) for page in pages] for pages in sets[lines:]]
        self._items = [page for pages in sets for page in pages]
        self._mix = Mix([len(pages) for pages in sets], weights)
        if all(item.ignore.all() for item in self._items):
            left_out = f": {self._bad.count} rows cannot be used" if self._bad.count else ""
            raise DataError(f"there is no page with a line to learn{left_out}")
        self._val = {
            name: _spread(complete_pages(path), options.val_pages)
            for name, path in apart(options.val).items()
        }

    def __len__(self) -> int:
        return len(self._items)

    def sample(self, seed: int, position: int) -> Crop:
        """A random crop, scaled so that its text is of a random size."""
        place = position if self._once is None else position % KEPT
        item, rng = self._items[self._mix.index(seed, place)], rng_at(seed, place)
        spec = self.net.spec
        image, quads, ignore = random_crop(item, item.load(), self._options, rng)
        image = augment.spoil(augment.recolour(image, rng), rng)
        rows, columns = image.shape[0] // spec.row, image.shape[1] // COLUMN
        slices = slice_quads(quads, ignore, columns, COLUMN)
        target = assign(slices, rows, columns, spec)
        if not item.complete:
            target = masked(target, slices, spec.row)
        if isinstance(spec, VGGCTPNSpec):
            target = sample(target, rng_at(seed, position))  # others every time
        return Crop(image, target, place)

    def group(self, sample: Crop) -> tuple[int, int]:
        """All crops are of one size."""
        return 0, self._options.batch

    def collate(self, samples: list[Crop]) -> Batch:
        """Stack crops and their targets."""
        targets = zip(*(s.targets for s in samples), strict=True)
        return Batch(
            np.stack([s.image for s in samples]),
            Targets(*(np.stack(part) for part in targets)),
            np.asarray([s.place for s in samples]),
        )

    def refuse(self, error: DataError) -> None:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        self._bad.add(str(error))

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Return :func:`paper_loss` of the published form, :func:`line_loss` of the default."""
        images = torch.from_numpy(batch.images).to(device)
        label, vertical, ends, offsets = (torch.from_numpy(t).to(device) for t in batch.targets)
        if isinstance(self.net, VGGCTPN):
            if self._once:
                heads = self._once(batch.images, batch.places, device)
            else:
                heads = self.net.heads(images)
            return paper_loss(heads.float(), label, vertical, offsets)
        return line_loss(self.net(images).float(), label, vertical, ends, offsets)

    def figures(self, session: Session) -> dict[str, float]:
        """F at IoU 0.5 of every validation set, their mean if there are any, and rows left out."""
        detector = Detector(session, spec=self.net.spec)
        figures = {}
        for name, items in self._val.items():
            total = DetectionScore()
            for item in items:
                quads, _ = detector(item.load())
                total += score_detection(quads, item.quads, item.texts, item.ignore)
            figures[f"f_{name}"] = total.f
        score = {"score": float(np.mean(list(figures.values())))} if figures else {}
        return {**figures, **score, "left_out": self._bad.count}

    def picture(self, session: Session) -> Image | None:
        """Validation pages with their true lines in green and those found in red."""
        detector = Detector(session, spec=self.net.spec)
        looks = []
        for items in self._val.values():
            for item in items[:2]:
                page = item.load()
                quads, _ = detector(page)
                looks.append(show.found_lines(page, item.quads, quads))
        return show.grid(looks, 2) if looks else None


def complete_pages(path: Path) -> list[PageItem]:
    """Read the pages of a set whose lines are all labelled: only these can be scored.

    Raises:
        DataError: there are none, or a row is wrong.
    """
    pages = [page for page in read_pages(path) if page.complete]
    if not pages:
        raise DataError(f"{path} holds no page whose lines are all labelled; validate on another")
    return pages


def _spread(items: list[PageItem], count: int) -> list[PageItem]:
    """Take ``count`` items evenly over the list."""
    return items[:: max(1, len(items) // count)][:count]


def _is_tall(quads: Quads) -> NDArray[np.bool_]:
    boxes = quad_to_box(quads)
    return np.asarray((boxes[:, 3] - boxes[:, 1]) > 1.5 * (boxes[:, 2] - boxes[:, 0]))


def _turned(image: Image, item: PageItem, angle: int) -> tuple[Image, PageItem]:
    """Turn a page counter-clockwise by a multiple of 90 degrees, quads and all."""
    height, width = image.shape[:2]
    x, y = item.quads[..., 0], item.quads[..., 1]
    moved = {90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}[angle]
    quads = np.stack(moved, -1).astype(np.float32)
    return np.rot90(image, angle // 90), replace(item, quads=quads)


def upright_pieces(item: PageItem) -> PageItem:
    """Cut lines that run downwards into one quad a character: slices cannot follow them."""
    tall = _is_tall(item.quads)
    if not tall.any():
        return item
    quads, texts, ignore = [], [], []
    for quad, text, skip, down in zip(item.quads, item.texts, item.ignore, tall, strict=True):
        count = len(text.replace(" ", "")) if down else 1
        a, b, c, d = quad  # down both sides, from the top edge a-b to the bottom edge d-c
        if down and abs(b[0] - a[0]) < abs(c[0] - b[0]):  # the line lies on its side
            a, b, c, d = b, c, d, a
        for i in range(max(1, count)):
            s, t = i / max(1, count), (i + 1) / max(1, count)
            quads.append([a + s * (d - a), b + s * (c - b), b + t * (c - b), a + t * (d - a)])
            texts.append(text if count <= 1 else text.replace(" ", "")[i])
            ignore.append(skip)
    return PageItem(
        item.path,
        np.asarray(quads, np.float32).reshape(-1, 4, 2),
        tuple(texts),
        np.asarray(ignore, bool),
    )


def random_crop(
    item: PageItem, image: Image, options: CTPNOptions, rng: np.random.Generator
) -> tuple[Image, Quads, NDArray[np.bool_]]:
    """Cut a square out of a page, so scaled that its text has a random size.

    Text lower than 6 px is ignored. Now and then the page is turned, for a page may come
    upside down, and vertical lines become horizontal ones when it is laid on its side.
    """
    size = options.size
    vertical = bool(_is_tall(item.quads).any())
    turn = rng.random()
    if turn < (0.4 if vertical else 0.12):
        image, item = _turned(image, item, 90)
    elif turn > 0.9:
        image, item = _turned(image, item, int(rng.choice([180, 270])))
    item = upright_pieces(item)
    quads = item.quads
    heights = np.minimum(*sides(quads)) if len(quads) else np.zeros(0)
    low, high = options.text
    wanted = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    usual = float(rng.choice(heights)) if len(heights) else wanted
    scale = float(np.clip(wanted / max(usual, 1), 0.25, 4.0))
    scale = max(scale, 0.4 * size / max(image.shape[:2]))
    quads = quads * scale
    h, w = (round(scale * side) for side in image.shape[:2])
    if len(quads) and rng.random() < 0.9:  # look at some text
        centre = quads[rng.integers(len(quads))].mean(0)
        x, y = centre - rng.uniform(0.1, 0.9, 2) * size
    else:
        x, y = rng.uniform(0, 1, 2) * np.maximum((w - size, h - size), 0)
    x = int(np.clip(x, min(0, w - size), max(0, w - size)))
    y = int(np.clip(y, min(0, h - size), max(0, h - size)))
    out = np.full((size, size, 3), rng.integers(0, 256, 3), np.uint8)
    left, top = int(max(0, x) / scale), int(max(0, y) / scale)  # pixels of the page
    into_x, into_y = max(0, -x), max(0, -y)
    part = _scaled(image[top:, left:], scale, size)[: size - into_y, : size - into_x]
    out[into_y : into_y + part.shape[0], into_x : into_x + part.shape[1]] = part
    shift = scale * left - into_x, scale * top - into_y
    quads = (quads - shift).astype(np.float32)
    boxes = quad_to_box(quads).reshape(-1, 4)
    inside = (boxes[:, 2] > 2) & (boxes[:, 3] > 2) & (boxes[:, 0] < size - 2)
    inside &= boxes[:, 1] < size - 2
    ignore = item.ignore | (heights * scale < 6)
    cut = (boxes[:, 1] < -0.3 * heights * scale) | (boxes[:, 3] > size + 0.3 * heights * scale)
    return out, quads[inside], (ignore | cut)[inside]


def _scaled(image: Image, scale: float, size: int) -> Image:
    """Scale the upper left of a picture, as much of it as fills ``size`` pixels."""
    room = math.ceil(size / scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    part = np.ascontiguousarray(image[:room, :room])
    return np.asarray(cv2.resize(part, None, None, scale, scale, how), np.uint8)[:size, :size]
