"""Training of the recogniser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from shizi import ctc
from shizi.charset import BLANK, Charset, normalise
from shizi.crop import cut, fit
from shizi.errors import DataError
from shizi.nets.torch.crnn import CRNN
from shizi.page import Image
from shizi.train import augment
from shizi.train.data import LineItem, load_image, read_lines, read_pages, shuffled
from shizi.train.transfer import TeacherNeck


@dataclass(frozen=True)
class CRNNOptions:
    """How the recogniser is fed.

    Attributes:
        data: line sets to learn.
        val: line or page sets to validate on.
        batch_width: pixels of width a batch (32 lines of 320).
        squeeze: range of random factors on the width.
        val_squeeze: factor on the width in validation.
        distil: regress onto the PP-OCRv6 neck instead of CTC.
        val_lines: lines used of each validation set.
    """

    data: tuple[Path, ...] = ()
    val: tuple[Path, ...] = ()
    batch_width: int = 10_240
    squeeze: tuple[float, float] = (0.7, 1.1)
    val_squeeze: float = 1.0
    distil: bool = False
    val_lines: int = 600


class Batch(NamedTuple):
    """Crops of one width with their labels."""

    images: NDArray[np.uint8]  # (N, 48, W, 3)
    labels: list[list[int]]


class CRNNTask:
    """CTC training (or regression onto the teacher's neck) of a :class:`CRNN`."""

    metric = "score"

    def __init__(self, net: CRNN, charset: Charset, options: CRNNOptions) -> None:
        self.net = net
        self._charset = charset
        self._options = options
        items = [item for folder in options.data for item in read_lines(folder)]
        self._items = [i for i in items if i.text and not charset.missing(i.text)]
        if not self._items:
            raise DataError("no line of --data can be spelt with the charset")
        self._val = {f.name: val_crops(f, options) for f in options.val}
        self._teacher = TeacherNeck() if options.distil else None

    def batches(self, seed: int) -> Iterator[Batch]:
        """Fill a bin per width bucket; a full bin is a batch."""
        rng = np.random.default_rng(seed)
        bins: dict[int, list[tuple[Image, list[int]]]] = {}
        for index in shuffled(len(self._items), seed):
            item = self._items[index]
            crop = fit(self._augment(load_image(item.path), rng), rng.uniform(*self._options.squeeze))
            width = crop.shape[1]
            label = self._charset.encode(item.text)
            if steps_needed(label) > width // 8:
                continue
            held = bins.setdefault(width, [])
            held.append((crop, label))
            if len(held) * width >= self._options.batch_width:
                images, labels = zip(*bins.pop(width), strict=True)
                yield Batch(np.stack(images), list(labels))

    def loss(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """CTC, or squared distance to the teacher's neck."""
        images = torch.from_numpy(batch.images).to(device)
        features = self.net.features(images)  # (N, T, C)
        neck = self.net.neck(features)  # (N, T, E)
        if self._teacher is not None:
            target = self._teacher(features.detach().float().cpu().numpy())
            return {"mse": F.mse_loss(neck.float(), torch.from_numpy(target).to(device))}
        logits = self.net.classify(neck).float()  # (N, T, K)
        return {"ctc": ctc_loss(logits, batch.labels)}

    @torch.inference_mode()
    def validate(self, device: torch.device) -> dict[str, float]:
        """CER of every validation set; the score is one minus their mean."""
        figures = {}
        for name, crops in self._val.items():
            errors = total = 0
            fitted = [fit(crop, self._options.val_squeeze) for crop, _ in crops]
            for probs, index in self._probabilities(fitted, device):
                read = _plain(self._charset.decode(s.id for s in ctc.greedy(probs)))
                truth = _plain(crops[index][1])
                errors += Levenshtein.distance(read, truth)
                total += len(truth)
            figures[f"cer_{name}"] = errors / max(1, total)
        return {**figures, "score": 1 - float(np.mean(list(figures.values()) or [1.0]))}

    def _probabilities(
        self, crops: list[Image], device: torch.device
    ) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Yield (T, K) and the index of each crop, crops of one width together."""
        order = sorted(range(len(crops)), key=lambda i: crops[i].shape[1])
        for _, group in groupby(order, key=lambda i: crops[i].shape[1]):
            for chunk in _chunks(list(group), 16):
                images = torch.from_numpy(np.stack([crops[i] for i in chunk])).to(device)
                with torch.autocast(device.type, dtype=torch.bfloat16):
                    logits = self.net(images)
                yield from zip(logits.float().softmax(-1).cpu().numpy(), chunk, strict=True)

    def _augment(self, crop: Image, rng: np.random.Generator) -> Image:
        return augment.spoil(augment.recolour(augment.shake(crop, rng), rng), rng)


def _chunks(items: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _plain(text: str) -> str:
    """Text as validation compares it: full and half width alike, spaces dropped."""
    return normalise(text, "NFKC").replace(" ", "")


def steps_needed(label: list[int]) -> int:
    """Time steps that CTC needs: one a character, one more between equal neighbours."""
    return len(label) + sum(a == b for a, b in zip(label, label[1:], strict=False))


def ctc_loss(logits: Tensor, labels: list[list[int]]) -> Tensor:
    """Mean CTC loss a character of logits (N, T, K), blank 0.

    Rows whose label does not fit count as zero.
    """
    lengths = torch.tensor([len(label) for label in labels])
    flat = torch.tensor([i for label in labels for i in label])
    times = torch.full((len(labels),), logits.shape[1])
    log_probs = logits.log_softmax(-1).transpose(0, 1)  # (T, N, K)
    return F.ctc_loss(log_probs, flat, times, lengths, BLANK, "mean", zero_infinity=True)


def val_crops(folder: Path, options: CRNNOptions) -> list[tuple[Image, str]]:
    """Load the first lines of a line set, or cut them out of a page set."""
    crops: list[tuple[Image, str]] = []
    if (folder / "labels.tsv").exists():
        items: list[LineItem] = read_lines(folder)[: options.val_lines]
        return [(load_image(i.path), i.text) for i in items]
    for page in read_pages(folder):
        image = load_image(page.path)
        for quad, text, ignore in zip(page.quads, page.texts, page.ignore, strict=True):
            if text and not ignore and len(crops) < options.val_lines:
                crops.append((cut(image, quad), text))
    return crops
