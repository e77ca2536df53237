"""Training of the detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from shizi.detection import DetectionOptions, build_quads, padded
from shizi.errors import DataError
from shizi.geometry import quad_to_box, sides
from shizi.nets.torch.ctpn import CTPN
from shizi.page import Image, Quads
from shizi.train import augment
from shizi.train.data import PageItem, load_image, read_pages, shuffled
from shizi.train.metrics import Detection, detection_counts
from shizi.train.targets import Targets, assign, slice_quads


@dataclass(frozen=True)
class CTPNOptions:
    """How the detector is fed."""

    data: tuple[Path, ...] = field(default=(), metadata={"help": "page sets to learn"})
    val: tuple[Path, ...] = field(default=(), metadata={"help": "page sets to validate on"})
    size: int = field(default=512, metadata={"help": "side of the square training crops, pixels"})
    batch: int = field(default=4, metadata={"help": "crops a step"})
    text: tuple[float, float] = field(
        default=(9.0, 64.0), metadata={"help": "median text height that a crop is scaled to, pixels"}
    )
    val_side: int = field(default=960, metadata={"help": "long side of validation pictures"})
    val_pages: int = field(default=40, metadata={"help": "pictures used of each validation set"})


class Batch(NamedTuple):
    """Crops and their anchor targets."""

    images: NDArray[np.uint8]  # (N, S, S, 3)
    targets: Targets  # each array with a leading N


class CTPNTask:
    """Text or not, where exactly, and where lines end."""

    metric = "score"

    def __init__(self, net: CTPN, options: CTPNOptions) -> None:
        self.net = net
        self._options = options
        self._items = [item for folder in options.data for item in read_pages(folder)]
        if not self._items:
            raise DataError("--data holds no page")
        self._val = {f.name: _spread(read_pages(f), options.val_pages) for f in options.val}

    def batches(self, seed: int) -> Iterator[Batch]:
        """Random crops, scaled so that their text is of a random size."""
        rng = np.random.default_rng(seed)
        order = shuffled(len(self._items), seed)
        spec = self.net.spec
        while True:
            images, targets = [], []
            for _ in range(self._options.batch):
                item = self._items[next(order)]
                image, quads, ignore = random_crop(item, self._options, rng)
                image = augment.spoil(augment.recolour(image, rng), rng)
                slices = slice_quads(quads, ignore, image.shape[1] // 16, 16)
                images.append(image)
                targets.append(assign(slices, image.shape[0] // 8, image.shape[1] // 16, spec))
            stacked = Targets(*(np.stack(part) for part in zip(*targets, strict=True)))
            yield Batch(np.stack(images), stacked)

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Score, vertical coordinates, ends and their offsets (paper, eq. 5)."""
        output = self.net(torch.from_numpy(batch.images).to(device)).float()
        label, vertical, ends, offsets = (torch.from_numpy(t).to(device) for t in batch.targets)
        text = label == 1
        count = text.sum().clamp(min=1)
        score = F.binary_cross_entropy_with_logits(
            output[..., 0], text.float(), reduction="none"
        )
        background = score[label == 0]
        hardest = min(len(background), 3 * int(text.sum()) + 200)
        negative = background.topk(hardest).values.sum() / (hardest / 3)
        at_text = output[text]  # (P, 7)
        end = ends[text]  # (P, 2)
        near = end.bool()
        end_loss = F.binary_cross_entropy_with_logits(
            at_text[:, 3:5], end, pos_weight=torch.full((2,), 3.0, device=device)
        )
        offset = F.smooth_l1_loss(
            at_text[:, 5:7][near], offsets[text][near], beta=0.1, reduction="sum"
        )
        vertical_loss = F.smooth_l1_loss(
            at_text[:, 1:3], vertical[text], beta=0.1, reduction="sum"
        )
        return {
            "score": score[text].sum() / count + negative,
            "vertical": 2 * vertical_loss / count,
            "ends": end_loss if text.any() else output.sum() * 0,
            "offsets": offset / near.sum().clamp(min=1),
        }

    @torch.inference_mode()
    def validate(self, device: torch.device) -> dict[str, float]:
        """F at IoU 0.5 of every validation set; the score is their mean."""
        figures = {}
        for name, items in self._val.items():
            found = Detection()
            for item in items:
                image = load_image(item.path)
                scale = self._options.val_side / max(image.shape[:2])
                small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                tensor = torch.from_numpy(padded(np.asarray(small, np.uint8))[None]).to(device)
                with torch.autocast(device.type, dtype=torch.bfloat16):
                    output = self.net(tensor)
                quads, _ = build_quads(
                    output.float().cpu().numpy()[0], self.net.spec, DetectionOptions()
                )
                found += detection_counts(quads / scale, item.quads, item.ignore)
            figures[f"f_{name}"] = found.f1
        return {**figures, "score": float(np.mean(list(figures.values()) or [0.0]))}


def _spread(items: list[PageItem], count: int) -> list[PageItem]:
    """Take ``count`` items evenly over the list."""
    return items[:: max(1, len(items) // count)][:count]


def random_crop(
    item: PageItem, options: CTPNOptions, rng: np.random.Generator
) -> tuple[Image, Quads, NDArray[np.bool_]]:
    """Cut a square out of a page, so scaled that its text has a random size.

    Lines of which less than a tenth of the height would be readable are ignored.
    """
    image, quads, size = load_image(item.path), item.quads, options.size
    heights = np.minimum(*sides(quads)) if len(quads) else np.zeros(0)
    low, high = options.text
    wanted = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    usual = float(rng.choice(heights)) if len(heights) else wanted
    scale = float(np.clip(wanted / max(usual, 1), 0.25, 4.0))
    scale = max(scale, 0.4 * size / max(image.shape[:2]))
    image = np.asarray(
        cv2.resize(
            image,
            None,
            fx=scale,
            fy=scale,
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        ),
        np.uint8,
    )
    quads = quads * scale
    h, w = image.shape[:2]
    if len(quads) and rng.random() < 0.9:  # look at some text
        centre = quads[rng.integers(len(quads))].mean(0)
        x, y = centre - rng.uniform(0.1, 0.9, 2) * size
    else:
        x, y = rng.uniform(0, 1, 2) * np.maximum((w - size, h - size), 0)
    x = int(np.clip(x, min(0, w - size), max(0, w - size)))
    y = int(np.clip(y, min(0, h - size), max(0, h - size)))
    out = np.full((size, size, 3), rng.integers(0, 256, 3), np.uint8)
    part = image[max(0, y) : y + size, max(0, x) : x + size]
    out[max(0, -y) : max(0, -y) + part.shape[0], max(0, -x) : max(0, -x) + part.shape[1]] = part
    quads = (quads - (x, y)).astype(np.float32)
    boxes = quad_to_box(quads).reshape(-1, 4)
    inside = (boxes[:, 2] > 2) & (boxes[:, 3] > 2) & (boxes[:, 0] < size - 2)
    inside &= boxes[:, 1] < size - 2
    ignore = item.ignore | (heights * scale < 6)
    cut = (boxes[:, 1] < -0.3 * heights * scale) | (
        boxes[:, 3] > size + 0.3 * heights * scale
    )
    return out, quads[inside], (ignore | cut)[inside]
