"""Training of the published orientation classifier on whole pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from shizi.data import PageItem, open_upright, weighed
from shizi.errors import DataError
from shizi.nets.torch.orientation import VGGOrientation
from shizi.orientation import OrientationClassifier, whole
from shizi.page import Image
from shizi.train.loop.stream import Mix, rng_at
from shizi.train.options import OrientationTrainOptions
from shizi.train.tasks import augment
from shizi.train.tasks.orientation import Batch, OrientationTask, Turned, clockwise

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


class PageOrientationTask(OrientationTask):
    """Which way a picture stands.

    Raises:
        DataError: there is no picture to learn from.
    """

    net: VGGOrientation

    def __init__(self, net: VGGOrientation, options: OrientationTrainOptions) -> None:
        super().__init__(net, options)
        self._early = Early(net) if options.stage == "head" else None
        paths, shares = weighed(options.data)
        sets = [open_upright(path, self._bad) for path in paths]
        self._items = [page for pages in sets for page in pages]
        self._mix = Mix(list(map(len, sets)), shares)
        if not self._items:
            raise DataError("there is no page to learn from")

    def __len__(self) -> int:
        return len(self._items)

    def sample(self, seed: int, position: int) -> list[Turned]:
        """A page in each of the four rotations."""
        index = self._mix.index(seed, position)
        item = self._items[index]
        if self._early is None:
            return self._turns(item.load(), rng_at(seed, position), 0)
        look = position // len(self) % LOOKS * len(self) + index
        return self._turns(item.load(), rng_at(seed, look), look)

    def answer(self, classify: OrientationClassifier, item: PageItem, quarter: int) -> int:
        """Show a page that was turned."""
        return classify(clockwise(item.load(), quarter), item.quads)[0]

    def logits(self, batch: Batch, device: torch.device) -> Tensor:
        """In stage head, from what is kept of the first stages."""
        if self._early is None:
            return super().logits(batch, device)
        return self.net.late(self._early(batch, device))

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
