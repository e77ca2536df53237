"""Training of the orientation classifier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from shizi.errors import DataError
from shizi.geometry import quad_to_box, rotate90
from shizi.nets.torch.orientation import Orientation
from shizi.orientation import TILE, OrientationOptions, tiles, vote
from shizi.page import Image
from shizi.train import augment
from shizi.train.ctpn import CTPNOptions, random_crop
from shizi.train.data import PageItem, load_image, read_pages, shuffled

NO_TEXT = 4


@dataclass(frozen=True)
class OrientationTrainOptions:
    """How the orientation classifier is fed.

    Attributes:
        data: page sets with upright pages.
        val: page sets to validate on.
        batch: tiles a step.
        text: text height that a tile is scaled to, pixels.
        val_pages: pictures used of each validation set.
    """

    data: tuple[Path, ...]
    val: tuple[Path, ...] = ()
    batch: int = 32
    text: tuple[float, float] = (7.0, 90.0)
    val_pages: int = 40


class Batch(NamedTuple):
    """Tiles and their classes."""

    images: NDArray[np.uint8]  # (N, tile, tile, 3)
    labels: NDArray[np.int64]  # (N,)


class OrientationTask:
    """Five-way classification of tiles."""

    metric = "score"

    def __init__(self, net: Orientation, options: OrientationTrainOptions) -> None:
        self.net = net
        self._options = options
        self._items = [item for folder in options.data for item in read_pages(folder)]
        if not self._items:
            raise DataError("--data holds no page")
        self._val = {f.name: read_pages(f) for f in options.val}

    def batches(self, seed: int) -> Iterator[Batch]:
        """Four tiles a page, each rotated by a random multiple of 90 degrees."""
        rng = np.random.default_rng(seed)
        images: list[Image] = []
        labels: list[int] = []
        for index in shuffled(len(self._items), seed):
            for image, label in self._tiles(self._items[index], rng):
                images.append(image)
                labels.append(label)
            if len(images) >= self._options.batch:
                yield Batch(np.stack(images), np.asarray(labels))
                images, labels = [], []

    def _tiles(self, item: PageItem, rng: np.random.Generator) -> list[tuple[Image, int]]:
        crop = CTPNOptions(data=(), size=TILE, text=self._options.text)
        out = []
        for _ in range(4):
            image, quads, _ = random_crop(item, crop, rng)
            seen = quad_to_box(quads).reshape(-1, 4).clip(0, TILE)
            covered = float((seen[:, 2:] - seen[:, :2]).prod(1).sum()) / TILE**2
            if 0 < covered < 0.02:
                continue  # too little to tell, too much to call empty
            quarter = int(rng.integers(4))
            image = augment.spoil(augment.recolour(image, rng), rng)
            # rotate90 turns counter-clockwise; the label is clockwise.
            turned = rotate90(image, (360 - 90 * quarter) % 360)
            out.append((turned, quarter if covered else NO_TEXT))
        return out

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Cross entropy with smoothed labels."""
        logits = self.net(torch.from_numpy(batch.images).to(device)).float()
        labels = torch.from_numpy(batch.labels).to(device)
        return {"ce": F.cross_entropy(logits, labels, label_smoothing=0.05)}

    @torch.inference_mode()
    def validate(self, device: torch.device) -> dict[str, float]:
        """Accuracy over whole pictures in four rotations; the score is the sets' mean."""
        figures = {}
        for name, items in self._val.items():
            step = max(1, len(items) // self._options.val_pages)
            right = total = 0
            for item in items[::step]:
                page = load_image(item.path)
                for quarter in range(4):
                    image = rotate90(page, (360 - 90 * quarter) % 360)
                    batch = torch.from_numpy(np.stack(tiles(image, OrientationOptions())))
                    with torch.autocast(device.type, dtype=torch.bfloat16):
                        logits = self.net(batch.to(device))
                    angle, _ = vote(logits.float().softmax(-1).cpu().numpy())
                    right += angle == 90 * quarter
                    total += 1
            figures[f"acc_{name}"] = right / max(1, total)
        return {**figures, "score": float(np.mean(list(figures.values()) or [0.0]))}
