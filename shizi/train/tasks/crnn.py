"""Training of the recogniser."""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shizi.charset import BLANK, Charset
from shizi.crop import cut, fit
from shizi.ctc import steps_needed
from shizi.data import (
    BadRows,
    LineItem,
    Lines,
    apart,
    find_sets,
    is_pages,
    open_lines,
    read_lines,
    read_pages,
    spelt,
    weighed,
    with_pictures,
)
from shizi.engine import Session
from shizi.errors import DataError
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.page import Image
from shizi.recognition import Recognizer
from shizi.scores import TextRules, score_text
from shizi.synth.captcha import ALPHABET, Captcha, Captchas
from shizi.train import show
from shizi.train.loop.stream import Mix, index_at, rng_at
from shizi.train.losses.torch import MANY, Rivals, ctc_loss
from shizi.train.options import CRNNOptions
from shizi.train.tasks import augment
from shizi.train.tasks.features import (
    TEACHER_STEP,
    FeatureBatch,
    FeatureRow,
    FeatureSet,
    Half,
    stack,
)

_LOG = logging.getLogger("shizi.train")

RULES = TextRules(fold_width=True, ignore_spaces=True)
"""What validation overlooks: typesetting; and case, where the references have capitals alone."""

EARLY = 20_000
"""Lines that a net that has learnt nothing sees in favour of short ones.

With long labels CTC spends a thousand steps on blanks; of one or two characters a net soon sees
where they stand (after Amodei et al. 2016, section 3.2: the shortest utterances first).
"""

OF = 4
"""Of so many lines the one with the shortest label is taken then."""

SYNTH_SEED = 1_000_001
"""Of what is drawn on the fly; sets written by ``shizi synth`` have smaller ones."""


class Crop(NamedTuple):
    """A fitted line and what it says."""

    image: Image  # (height, W, 3)
    label: list[int]

    @property
    def width(self) -> int:
        """Width of the picture, pixels."""
        return int(self.image.shape[1])


Sample = Crop | FeatureRow


class Batch(NamedTuple):
    """Crops of one width with their labels."""

    images: NDArray[np.uint8]  # (N, height, W, 3)
    labels: list[list[int]]


class CRNNTask:
    """CTC training of either net, or regression of a :class:`CRNN` onto the teacher's neck.

    Args:
        net: to train.
        charset: what it spells with.
        options: of the data.
        fresh: the net has learnt nothing yet; short lines come first then.

    Raises:
        DataError: there is nothing to learn, or the net has no such stage.
    """

    metric = "score"

    def __init__(
        self,
        net: CRNN | VGGCRNN,
        charset: Charset,
        options: CRNNOptions,
        fresh: bool = False,
    ) -> None:
        if options.keeps_features and not isinstance(net, CRNN):
            raise DataError(f"stage {options.stage} needs the default net; train with stage whole")
        if options.keeps_features and options.synth:
            raise DataError("what is drawn on the fly has no kept features; train with stage whole")
        self.net = net
        self._charset = charset
        self._options = options
        self._fresh = fresh and not options.synth  # captchas have short ones among them
        self._bad = BadRows(options.strict)
        self._items, self._mix = line_items(options, charset, self._bad)
        self._val = {name: val_crops(f, options) for name, f in apart(options.val).items()}
        tell_unspeakable(self._val, charset)
        self._features = self._kept_features() if options.keeps_features else None
        self._rivals = Rivals(net.classify.weight) if len(charset) > MANY else None

    def _kept_features(self) -> FeatureSet:
        """Run the backbone of PP-OCRv6 once over the data."""
        assert isinstance(self._items, Lines) and isinstance(self.net, CRNN)  # as __init__ saw to
        rows, bias = (
            v.detach().numpy() for v in (self.net.classify.weight, self.net.classify.bias)
        )

        def read(neck: Half) -> list[int]:
            path = (neck.astype(np.float32) @ rows.T + bias).argmax(1)
            return [s for s, _ in groupby(path.tolist()) if s != BLANK]

        features = FeatureSet(self.net.spec.step, read)
        rng = np.random.default_rng(0)
        for item, image in with_pictures(self._items, range(len(self._items)), self._bad):
            try:
                shown = self._shown(item, image, rng)
            except DataError as error:
                self.refuse(error)
            else:
                features.add(*shown)
        features.finish()
        return features

    def __len__(self) -> int:
        return len(self._items if self._features is None else self._features)

    def sample(self, seed: int, position: int) -> Sample:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        if self._features is not None:
            return self._features[index_at(len(self), seed, position)]
        return self.crop(seed, position)

    def crop(self, seed: int, position: int) -> Crop:
        """Return the line at a position of the stream, changed as chance will."""
        item = self._items[self._place(seed, position)]
        return self._shown(item, item.load(), rng_at(seed, position))

    def _place(self, seed: int, position: int) -> int:
        """Index of the line at a position of the stream: at first the shortest of a few."""
        if not self._fresh or position >= EARLY:
            return self._mix.index(seed, position)
        drawn = [self._mix.index(seed, OF * position + i) for i in range(OF)]
        return min(drawn, key=lambda index: len(self._items[index].text))

    def _shown(self, item: LineItem | Captcha, image: Image, rng: np.random.Generator) -> Crop:
        needed = steps_needed(item.text) if self._options.spells else 0
        shown = self.fitted(image, rng, needed)
        if self.net.spec.steps(shown.shape[1]) < needed:
            place = item.where if isinstance(item, LineItem) else "a captcha"
            raise DataError(
                f"{place}: {len(item.text)} characters in a line {image.shape[1]} px wide and "
                f"{image.shape[0]} high; is it of this picture?"
            )
        return Crop(shown, self._charset.encode(item.text))

    def fitted(self, image: Image, rng: np.random.Generator, needed: int = 0) -> Image:
        """Change a line as chance will and bring it to the net's height.

        Where that would leave it fewer time steps than are needed, it stays as it is.
        """
        least, most = self._options.squeeze
        changed = image
        if not self._options.synth:  # what is drawn on the fly never comes twice
            changed = augment.bend(augment.shake(changed, rng), rng)
            changed = augment.spoil(augment.recolour(changed, rng), rng)
        shown = fit(changed, rng.uniform(least, most), self.net.spec.height)
        if self.net.spec.steps(shown.shape[1]) < needed:
            shown = fit(image, most, self.net.spec.height)
        return shown

    def group(self, sample: Sample) -> tuple[int, int]:
        """Batch by width."""
        return self.batched(sample.width)

    def batched(self, width: int) -> tuple[int, int]:
        """Return a width and how many lines of it make a batch."""
        return width, max(1, self._options.batch_width // width)

    def collate(self, samples: list[Sample]) -> Batch | FeatureBatch:
        """Stack samples of one width."""
        rows = [s for s in samples if isinstance(s, FeatureRow)]
        if rows:
            return stack(rows)
        crops = [s for s in samples if isinstance(s, Crop)]
        return Batch(np.stack([c.image for c in crops]), [c.label for c in crops])

    def refuse(self, error: DataError) -> None:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        self._bad.add(str(error))

    def loss(self, batch: Batch | FeatureBatch, device: torch.device) -> dict[str, Tensor]:
        """CTC, squared distance to the teacher's neck, or both."""
        if isinstance(batch, Batch):
            seen = self.net.encode(torch.from_numpy(batch.images).to(device))
            return {"ctc": self._ctc(seen, batch.labels)}
        assert isinstance(self.net, CRNN)  # as __init__ saw to
        features = torch.from_numpy(batch.features).to(device).float()  # (N, T, C)
        neck = self.net.neck(features)  # (N, T, E)
        taught = torch.from_numpy(batch.neck).to(device).float()  # (N, width / 8, E)
        taught = taught.repeat_interleave(TEACHER_STEP // self.net.spec.step, 1)
        squares = (neck.float() - taught).square().mean((1, 2))  # (N,)
        if self._options.stage == "distil":
            return {"mse": squares.mean()}
        anchor = (squares * torch.from_numpy(batch.trusted).to(device)).mean()
        return {"ctc": self._ctc(neck, batch.labels), "anchor": self._options.anchor * anchor}

    def _ctc(self, seen: Tensor, labels: list[list[int]]) -> Tensor:
        """Return the loss of what the classifier sees, (N, T, E)."""
        if self._rivals is None:
            return ctc_loss(self.net.classify(seen), labels)
        return ctc_loss(*self._rivals.logits(self.net.classify, seen, labels))

    def validate_on(self, name: str, crops: list[tuple[Image, str]]) -> None:
        """Validate on one more set: crops and what they say."""
        self._val[name] = crops

    def figures(self, session: Session) -> dict[str, float]:
        """CER and share of exact lines of every validation set, and the rows left out so far.

        The score is one less the mean CER; without a validation set there is none.
        """
        cer, exact = {}, {}
        for name, crops in self._val.items():
            reads = self._read(session, [crop for crop, _ in crops])
            truths = [text for _, text in crops]
            rules = replace(RULES, ignore_case=not any(map(str.islower, "".join(truths))))
            counts = score_text(zip(reads, truths, strict=True), rules)
            cer[f"cer_{name}"], exact[f"exact_{name}"] = counts.cer, counts.accuracy
        score = {"score": 1 - float(np.mean(list(cer.values())))} if cer else {}
        return {**cer, **exact, **score, "left_out": self._bad.count}

    def picture(self, session: Session) -> Image | None:
        """Validation lines, what they say and what the net reads."""
        crops = [pair for val in self._val.values() for pair in val[:8]]
        reads = self._read(session, [crop for crop, _ in crops])
        rows = [
            show.read_line(crop, text, read)
            for (crop, text), read in zip(crops, reads, strict=True)
        ]
        return show.grid(rows) if rows else None

    def _read(self, session: Session, crops: list[Image]) -> list[str]:
        """What reading makes of crops with the net as it stands."""
        height, squeeze = self.net.spec.height, self._options.read_at
        recognizer = Recognizer(session, self._charset, height=height, squeeze=squeeze)
        return [reading.text for reading in recognizer.read(crops)]


def line_items(
    options: CRNNOptions, charset: Charset, bad: BadRows
) -> tuple[Lines | Captchas, Mix]:
    """Open what is learnt from, and say how often each of its sets comes.

    Raises:
        DataError: there is nothing that the charset can spell.
    """
    if options.synth:
        if missing := charset.missing(ALPHABET):
            raise DataError(f"the charset lacks {missing!r}; add --charset data")
        drawn = Captchas(SYNTH_SEED)
        return drawn, Mix([len(drawn)])
    paths, weights = weighed(options.data)
    if weights and options.keeps_features:
        raise DataError("kept features come all alike: drop the weights, or train the whole net")
    opened = [open_lines(path, bad) for path in paths]
    sets = [spelt(part, charset, bad) for part in opened]
    if left := sum(map(len, opened)) - sum(map(len, sets)):
        _LOG.warning(
            "%d of %d lines are left out; where the charset lacks their characters, a charset "
            "from the data has them",
            left,
            sum(map(len, opened)),
        )
    if not any(sets):
        raise DataError(
            "there is no line to learn that the charset can spell; take the charset from the data"
        )
    return Lines.joined(sets), Mix([len(part) for part in sets], weights)


def tell_unspeakable(val: dict[str, list[tuple[Image, str]]], charset: Charset) -> None:
    """Warn of validation sets whose lines the charset cannot spell: they are never read right.

    Args:
        val: crops and what they say, by the names of their sets.
        charset: what the net spells with.
    """
    for name, crops in val.items():
        lacking = [text for _, text in crops if charset.missing(text)]
        if lacking:
            _LOG.warning(
                "%d of %d lines of %s hold characters that the charset lacks (%s): they cannot "
                "be read right",
                len(lacking),
                len(crops),
                name,
                charset.missing("".join(lacking))[:20],
            )


def val_crops(folder: Path, options: CRNNOptions) -> list[tuple[Image, str]]:
    """Load the first lines of a line set, or cut them out of a page set."""
    crops: list[tuple[Image, str]] = []
    if not all(map(is_pages, find_sets(folder))):
        items = read_lines(folder)[: options.val_lines]
        return [(i.load(), i.text) for i in items]
    for page in read_pages(folder):
        image = page.load()
        for quad, text, ignore in zip(page.quads, page.texts, page.ignore, strict=True):
            if text and not ignore and len(crops) < options.val_lines:
                crops.append((cut(image, quad), text))
    return crops
