"""The CRNN's training step beside the same maths in plain PyTorch."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Literal

import torch
from torch import nn

from shizi import weights
from shizi.bench.options import TrainBenchOptions
from shizi.charset import Charset
from shizi.nets.spec import CRNNSpec, CTPNSpec, VGGCRNNSpec
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.nets.torch.ctpn import CTPN
from shizi.synth.captcha import ALPHABET
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.stream import Sampler, batches, prefetch
from shizi.train.loop.torch import Trainer
from shizi.train.options import CRNNOptions, CTPNOptions
from shizi.train.tasks.crnn import Batch, CRNNTask
from shizi.train.tasks.ctpn import CTPNTask


@dataclass(frozen=True)
class TrainFigures:
    """What was measured.

    Attributes:
        plain: lines a second of the textbook step.
        shizi: of shizi's.
        waiting: share of a run's time spent waiting for data.
        lines: prepared a second, with nothing else to do.
        crops: of pages, prepared a second for the detector; None without pages.
    """

    plain: float
    shizi: float
    waiting: float
    lines: float
    crops: float | None


def run_train(options: TrainBenchOptions) -> TrainFigures:
    """Run both steps on the same batches in turn, then shizi's on its own stream."""
    charset = weights.charset() if options.data else Charset(ALPHABET)
    torch.manual_seed(1)
    net: CRNN | VGGCRNN
    if options.net == "vgg":
        net = VGGCRNN(VGGCRNNSpec(classes=len(charset)))
    else:
        net = CRNN(CRNNSpec(classes=len(charset)))
    plain = PlainStep(copy.deepcopy(net))
    synth: Literal["captcha"] | None = None if options.data else "captcha"
    data = CRNNOptions(options.data, synth, batch_width=options.batch_width)
    task = CRNNTask(net, charset, data)
    with TemporaryDirectory() as folder:
        loop = LoopOptions(Path(folder), threads=options.threads, workers=options.workers)
        trainer = Trainer(task, loop)
        with closing(prefetch(batches(task, 1, workers=options.workers))) as stream:
            made = list(islice(stream, options.steps + 2))
            pairs = [
                (clock(partial(plain, item[0])), clock(partial(trainer.step, iter([item]))))
                for item in made
            ][2:]
            sizes = [len(item[0].labels) for item in made[2:]]
            start, waited = time.perf_counter(), 0.0
            for _ in range(options.steps):
                waited += trainer.step(stream)["wait"]
            whole = time.perf_counter() - start
    slow, fast = (
        median(n / seconds for n, seconds in zip(sizes, column, strict=True))
        for column in zip(*pairs, strict=True)
    )
    lines = prepared(task, options.workers)
    pages = CTPNTask(CTPN(CTPNSpec()), CTPNOptions(options.pages)) if options.pages else None
    crops = prepared(pages, options.workers) if pages else None
    return TrainFigures(slow, fast, waited / whole, lines, crops)


PREPARED = 5.0
"""Seconds that preparing is measured for."""


def prepared(sampler: Sampler, workers: int) -> float:
    """Samples a second that processes make, or a thread where there are none."""
    with closing(batches(sampler, 2, workers=workers)) as stream:
        next(stream)  # until they have started
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < PREPARED:
            batch, _ = next(stream)
            count += len(batch.images)
        return count / (time.perf_counter() - start)


def clock(step: Callable[[], object]) -> float:
    """Seconds that a step takes."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


class PlainStep:
    """The textbook step: f32, ``nn.CTCLoss`` over all classes, Adam."""

    def __init__(self, net: CRNN | VGGCRNN) -> None:
        self._net = net.train()
        self._loss = nn.CTCLoss(blank=0, zero_infinity=True)
        self._optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def __call__(self, batch: Batch) -> float:
        """Take a step and return its loss."""
        logits = self._net(torch.from_numpy(batch.images))  # (N, T, K)
        log_probs = logits.log_softmax(2).transpose(0, 1)  # (T, N, K)
        steps = torch.full((len(batch.labels),), len(log_probs))
        lengths = torch.tensor([len(label) for label in batch.labels])
        labels = torch.tensor([c for label in batch.labels for c in label])
        loss = self._loss(log_probs, labels, steps, lengths)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return float(loss.detach())
