"""Training of the orientation classifier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from shizi.engine import Session
from shizi.errors import DataError
from shizi.geometry import quad_to_box, rotate90
from shizi.nets.torch.orientation import Orientation, VGGOrientation
from shizi.nets.torch.session import ModuleSession
from shizi.orientation import TILE, OrientationOptions, tiles, vote
from shizi.page import Image
from shizi.train import augment
from shizi.train.ctpn import CTPNOptions, random_crop
from shizi.train.data import BadRows, PageItem, open_upright, shuffled, with_pictures

NO_TEXT = 4


@dataclass(frozen=True)
class OrientationTrainOptions:
    """How the orientation classifier is fed.

    The published form sees whole pictures and has no use for ``text``.

    Attributes:
        data: page sets with upright pages; folders of upright pictures, or with the folders
            0, 90, 180 and 270 of pictures turned clockwise by so much.
        val: sets of the same kinds to validate on.
        batch: tiles or pictures a step.
        text: text height that a tile is scaled to, pixels.
        val_pages: pictures used of each validation set.
        strict: stop at the first row that cannot be used; otherwise it is named and left out.
    """

    data: tuple[Path, ...]
    val: tuple[Path, ...] = ()
    batch: int = 32
    text: tuple[float, float] = (7.0, 90.0)
    val_pages: int = 40
    strict: bool = False


class Batch(NamedTuple):
    """Tiles and their classes."""

    images: NDArray[np.uint8]  # (N, tile, tile, 3)
    labels: NDArray[np.int64]  # (N,)


class OrientationTask:
    """Which way up: a tile (or that it shows no text), or a whole picture."""

    metric = "score"

    def __init__(self, net: Orientation | VGGOrientation, options: OrientationTrainOptions) -> None:
        self.net = net
        self._options = options
        self._bad = BadRows(options.strict)
        self._items = [item for path in options.data for item in open_upright(path, self._bad)]
        if not self._items:
            raise DataError("--data holds no page")
        self._val = {f.name: open_upright(f, self._bad) for f in options.val}

    def batches(self, seed: int) -> Iterator[Batch]:
        """Four tiles a page, each rotated by a random multiple of 90 degrees.

        For the published form, the whole page in each of the four rotations.
        """
        rng = np.random.default_rng(seed)
        images: list[Image] = []
        labels: list[int] = []
        draw = self._tiles if isinstance(self.net, Orientation) else self._turns
        order = shuffled(len(self._items), seed)
        for item, page in with_pictures(self._items, order, self._bad):
            for image, label in draw(item, page, rng):
                images.append(image)
                labels.append(label)
            if len(images) >= self._options.batch:
                yield Batch(np.stack(images), np.asarray(labels))
                images, labels = [], []

    def _tiles(
        self, item: PageItem, page: Image, rng: np.random.Generator
    ) -> list[tuple[Image, int]]:
        if not item.complete and not len(item.quads):
            return self._unlabelled_tiles(page, rng)
        crop = CTPNOptions(data=(), size=TILE, text=self._options.text)
        out = []
        for _ in range(4):
            image, quads, _ = random_crop(item, page, crop, rng)
            seen = quad_to_box(quads).reshape(-1, 4).clip(0, TILE)
            covered = float((seen[:, 2:] - seen[:, :2]).prod(1).sum()) / TILE**2
            if 0 < covered < 0.02:
                continue  # too little to tell, too much to call empty
            quarter = int(rng.integers(4))
            image = augment.spoil(augment.recolour(image, rng), rng)
            out.append((clockwise(image, quarter), quarter if covered else NO_TEXT))
        return out

    def _unlabelled_tiles(self, page: Image, rng: np.random.Generator) -> list[tuple[Image, int]]:
        """Take tiles as reading does, where the strokes are, for nobody says where text is."""
        found = tiles(page, OrientationOptions())
        out = []
        for index in rng.permutation(len(found))[:4]:
            quarter = int(rng.integers(4))
            image = augment.spoil(augment.recolour(found[index], rng), rng)
            out.append((clockwise(image, quarter), quarter))
        return out

    def _turns(
        self, item: PageItem, page: Image, rng: np.random.Generator
    ) -> list[tuple[Image, int]]:
        small = whole(page, self.net.spec.tile)
        out = []
        for quarter in range(4):
            image = augment.spoil(augment.recolour(small, rng), rng)
            out.append((clockwise(image, quarter), quarter))
        return out

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Cross entropy with smoothed labels."""
        logits = self.net(torch.from_numpy(batch.images).to(device)).float()
        labels = torch.from_numpy(batch.labels).to(device)
        return {"ce": F.cross_entropy(logits, labels, label_smoothing=0.05)}

    def validate(self, device: torch.device) -> dict[str, float]:
        """Return the figures of the net as it stands."""
        return self.figures(ModuleSession(self.net, device, half=True))

    def figures(self, session: Session) -> dict[str, float]:
        """Accuracy over whole pictures in four rotations; the score is the sets' mean."""
        figures = {}
        for name, items in self._val.items():
            step = max(1, len(items) // self._options.val_pages)
            right = total = 0
            for item in items[::step]:
                page = item.load()
                for quarter in range(4):
                    right += self._angle(clockwise(page, quarter), session) == 90 * quarter
                    total += 1
            figures[f"acc_{name}"] = right / max(1, total)
        return {**figures, "score": float(np.mean(list(figures.values()) or [0.0]))}

    def _angle(self, image: Image, session: Session) -> int:
        """What the net says of a picture, degrees clockwise."""
        tiled = isinstance(self.net, Orientation)
        looks = tiles(image, OrientationOptions()) if tiled else [whole(image, self.net.spec.tile)]
        probs = session(np.stack(looks))
        return vote(probs)[0] if tiled else 90 * int(probs[0].argmax())


def clockwise(image: Image, quarter: int) -> Image:
    """Turn a picture clockwise by ``quarter`` times 90 degrees."""
    return rotate90(image, (360 - 90 * quarter) % 360)


def whole(image: Image, side: int) -> Image:
    """Stretch a whole picture to a square, as the original system does."""
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
