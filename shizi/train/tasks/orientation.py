"""Training of the orientation classifiers: what its two forms have in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from shizi.data import BadRows, PageItem, apart, open_upright
from shizi.engine import Session
from shizi.errors import DataError
from shizi.geometry import rotate90
from shizi.nets.torch.orientation import Orientation, VGGOrientation
from shizi.orientation import OrientationClassifier
from shizi.page import Image
from shizi.train import show
from shizi.train.options import OrientationTrainOptions


class Turned(NamedTuple):
    """A line, or a picture, and by how many quarters it was turned clockwise."""

    image: Image  # (height, width, 3)
    label: int
    place: int = 0  # of all different pictures that stage head keeps


class Batch(NamedTuple):
    """Pictures and their classes."""

    images: NDArray[np.uint8]  # (N, height, width, 3)
    labels: NDArray[np.int64]  # (N,)
    places: NDArray[np.int64] = np.zeros(0, np.int64)  # (N,) of what is kept


class OrientationTask:
    """Which way up; a form says how samples are made and what the net is shown of a page.

    Args:
        net: to train.
        options: of the data.
    """

    metric = "score"

    def __init__(self, net: Orientation | VGGOrientation, options: OrientationTrainOptions) -> None:
        self.net = net
        self._options = options
        self._bad = BadRows(options.strict)
        self._val = {
            name: open_upright(path, self._bad) for name, path in apart(options.val).items()
        }

    def answer(self, classify: OrientationClassifier, item: PageItem, quarter: int) -> int:
        """Return the angle that the net gives a page that was turned."""
        raise NotImplementedError

    def logits(self, batch: Batch, device: torch.device) -> Tensor:
        """Return what the net says of a batch, (N, 4)."""
        logits: Tensor = self.net(torch.from_numpy(batch.images).to(device))
        return logits

    def group(self, sample: list[Turned]) -> tuple[int, int]:
        """All pictures are of one size; what comes together is batched together."""
        return len(sample), max(1, self._options.batch // len(sample))

    def collate(self, samples: list[list[Turned]]) -> Batch:
        """Stack pictures and their quarter turns."""
        turned = [turned for page in samples for turned in page]
        images, labels, places = zip(*turned, strict=True)
        return Batch(np.stack(images), np.asarray(labels), np.asarray(places))

    def refuse(self, error: DataError) -> None:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        self._bad.add(str(error))

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Cross entropy with smoothed labels."""
        labels = torch.from_numpy(batch.labels).to(device)
        logits = self.logits(batch, device).float()
        return {"ce": F.cross_entropy(logits, labels, label_smoothing=0.05)}

    def figures(self, session: Session) -> dict[str, float]:
        """Accuracy over pictures in four rotations, its mean if there is one, and rows left out."""
        classify = OrientationClassifier(session, spec=self.net.spec)
        figures = {}
        for name, items in self._val.items():
            step = max(1, len(items) // self._options.val_pages)
            right = [
                self.answer(classify, item, quarter) == 90 * quarter
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
                told = self.answer(classify, item, quarter)
                image = clockwise(item.load(), quarter)
                looks.append(show.answered(image, f"{told}°", told == 90 * quarter))
        return show.grid(looks, 4) if looks else None


def clockwise(image: Image, quarter: int) -> Image:
    """Turn a picture clockwise by ``quarter`` times 90 degrees."""
    return rotate90(image, (360 - 90 * quarter) % 360)
