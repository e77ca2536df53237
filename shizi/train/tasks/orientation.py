"""Training of the orientation classifier."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from shizi.data import BadRows, PageItem, apart, open_upright, weighed
from shizi.engine import Session
from shizi.errors import DataError
from shizi.geometry import quad_to_box, rotate90
from shizi.nets.torch.orientation import Orientation, VGGOrientation
from shizi.orientation import TILE, OrientationClassifier, tiles, whole
from shizi.page import Image
from shizi.train import show
from shizi.train.loop.stream import Mix, rng_at
from shizi.train.options import CTPNOptions, OrientationTrainOptions
from shizi.train.tasks import augment
from shizi.train.tasks.ctpn import random_crop

NO_TEXT = 4

TILES = 4
"""Tiles taken of a page at a time."""


class Turned(NamedTuple):
    """A tile, or a whole picture, and by how many quarters it was turned clockwise."""

    image: Image  # (tile, tile, 3)
    label: int
    place: int = 0  # of all different pictures that stage head keeps


class Batch(NamedTuple):
    """Tiles or pictures and their classes."""

    images: NDArray[np.uint8]  # (N, tile, tile, 3)
    labels: NDArray[np.int64]  # (N,)
    places: NDArray[np.int64] = np.zeros(0, np.int64)  # (N,) of what is kept


LOOKS = 2
"""Times that chance changes a page before stage head sees the same pictures again."""


class Early:
    """What the first stages of a VGG16 make of pictures, in half precision (200 kB each).

    Args:
        net: of which they stay as they are.
    """

    def __init__(self, net: VGGOrientation) -> None:
        self._net = net
        self._kept: dict[int, Tensor] = {}

    def __call__(self, batch: Batch, device: torch.device) -> Tensor:
        """Return maps (N, C, h, w) of a batch; they are made where they are not kept yet."""
        places = batch.places.tolist()
        new = [i for i, place in enumerate(places) if place not in self._kept]
        if new:
            with torch.no_grad():
                maps = self._net.early(torch.from_numpy(batch.images[new]).to(device))
            for i, made in zip(new, maps.half().cpu(), strict=True):
                self._kept[places[i]] = made.clone()
        return torch.stack([self._kept[place].float() for place in places]).to(device)


class OrientationTask:
    """Which way up: a tile (or that it shows no text), or a whole picture.

    Args:
        net: to train.
        options: of the data.

    Raises:
        DataError: there is nothing to learn, or the net has no such stage.
    """

    metric = "score"

    def __init__(self, net: Orientation | VGGOrientation, options: OrientationTrainOptions) -> None:
        self.net = net
        self._early: Early | None = None
        if options.stage == "head":
            if not isinstance(net, VGGOrientation):
                raise DataError("stage head is for the published form; train with stage whole")
            self._early = Early(net)
        self._options = options
        self._bad = BadRows(options.strict)
        paths, weights = weighed(options.data)
        sets = [open_upright(path, self._bad) for path in paths]
        self._items = [page for pages in sets for page in pages]
        self._mix = Mix([len(pages) for pages in sets], weights)
        if not self._items:
            raise DataError("there is no page to learn from")
        self._val = {
            name: open_upright(path, self._bad) for name, path in apart(options.val).items()
        }

    def __len__(self) -> int:
        return len(self._items)

    def sample(self, seed: int, position: int) -> list[Turned]:
        """Tiles of a page, each rotated by a random multiple of 90 degrees.

        For the published form, the whole page in each of the four rotations.
        """
        index = self._mix.index(seed, position)
        item = self._items[index]
        if isinstance(self.net, Orientation):
            return self._tiles(item, item.load(), rng_at(seed, position))
        if self._early is None:
            return self._turns(item.load(), rng_at(seed, position), 0)
        look = position // len(self) % LOOKS * len(self) + index
        return self._turns(item.load(), rng_at(seed, look), look)

    def group(self, sample: list[Turned]) -> tuple[int, int]:
        """All tiles are of one size; a page gives four."""
        return 0, max(1, self._options.batch // TILES)

    def collate(self, samples: list[list[Turned]]) -> Batch:
        """Stack tiles and their quarter turns."""
        turned = [turned for page in samples for turned in page]
        images, labels, places = zip(*turned, strict=True)
        return Batch(np.stack(images), np.asarray(labels), np.asarray(places))

    def refuse(self, error: DataError) -> None:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        self._bad.add(str(error))

    def _tiles(self, item: PageItem, page: Image, rng: np.random.Generator) -> list[Turned]:
        if not item.complete and not len(item.quads):
            return self._unlabelled_tiles(page, rng)
        crop = CTPNOptions(data=(), size=TILE, text=self._options.text)
        out = []
        for _ in range(16):
            image, quads, _ = random_crop(item, page, crop, rng)
            seen = quad_to_box(quads).reshape(-1, 4).clip(0, TILE)
            covered = float((seen[:, 2:] - seen[:, :2]).prod(1).sum()) / TILE**2
            if 0 < covered < 0.02 or not (covered or item.complete):
                continue  # too little to tell; too much, or too little known, to call empty
            quarter = int(rng.integers(4))
            image = augment.spoil(augment.recolour(image, rng), rng)
            out.append(Turned(clockwise(image, quarter), quarter if covered else NO_TEXT))
            if len(out) == TILES:
                return out
        return out or self._unlabelled_tiles(page, rng)

    def _unlabelled_tiles(self, page: Image, rng: np.random.Generator) -> list[Turned]:
        """Take tiles as reading does, where the strokes are, for nobody says where text is."""
        found = tiles(page)
        out = []
        for index in rng.permutation(len(found))[:TILES]:
            quarter = int(rng.integers(4))
            image = augment.spoil(augment.recolour(found[index], rng), rng)
            out.append(Turned(clockwise(image, quarter), quarter))
        return out

    def _turns(self, page: Image, rng: np.random.Generator, look: int) -> list[Turned]:
        """The page, up to a seventh cut off each side, in each of the four rotations."""
        top, low, left, right = rng.uniform(0, 0.15, 4)
        h, w = page.shape[:2]
        page = page[int(top * h) : h - int(low * h), int(left * w) : w - int(right * w)]
        small = whole(page, self.net.spec.tile)
        out = []
        for quarter in range(4):
            image = augment.spoil(augment.recolour(small, rng), rng)
            out.append(Turned(clockwise(image, quarter), quarter, 4 * look + quarter))
        return out

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Cross entropy with smoothed labels."""
        if self._early is None:
            logits = self.net(torch.from_numpy(batch.images).to(device)).float()
        else:
            assert isinstance(self.net, VGGOrientation)  # as __init__ saw to
            logits = self.net.late(self._early(batch, device)).float()
        labels = torch.from_numpy(batch.labels).to(device)
        return {"ce": F.cross_entropy(logits, labels, label_smoothing=0.05)}

    def figures(self, session: Session) -> dict[str, float]:
        """Accuracy over pictures in four rotations, its mean if there is one, and rows left out."""
        classify = OrientationClassifier(session, spec=self.net.spec)
        figures = {}
        for name, items in self._val.items():
            step = max(1, len(items) // self._options.val_pages)
            right = total = 0
            for item in items[::step]:
                page = item.load()
                for quarter in range(4):
                    right += classify(clockwise(page, quarter))[0] == 90 * quarter
                    total += 1
            figures[f"acc_{name}"] = right / max(1, total)
        score = {"score": float(np.mean(list(figures.values())))} if figures else {}
        return {**figures, **score, "left_out": self._bad.count}

    def picture(self, session: Session) -> Image | None:
        """Validation pictures in four rotations, with the angle that the net gives them."""
        pages = [item.load() for items in self._val.values() for item in items[:2]]
        classify = OrientationClassifier(session, spec=self.net.spec)
        looks = []
        for page in pages[:6]:
            for quarter in range(4):
                image = clockwise(page, quarter)
                told, _ = classify(image)
                looks.append(show.answered(image, f"{told}°", told == 90 * quarter))
        return show.grid(looks, 4) if looks else None


def clockwise(image: Image, quarter: int) -> Image:
    """Turn a picture clockwise by ``quarter`` times 90 degrees."""
    return rotate90(image, (360 - 90 * quarter) % 360)
