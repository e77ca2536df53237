"""A learning-rate range test (Smith 2017, "Cyclical learning rates", section 3.3)."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.errors import DataError
from shizi.extras import needed
from shizi.train.loop.schedule import Interrupt, LoopOptions
from shizi.train.loop.stream import batches, prefetch
from shizi.train.loop.torch import Task, Trainer

LOWEST, HIGHEST = 1e-5, 1.0
STEPS = 120
"""Over which the rate rises from the lowest to the highest, evenly in its logarithm."""

SMOOTH = 3.0
"""Steps over which losses are averaged (deviation of a Gaussian)."""

LOST = 3.0
"""Losses of so many times the first ones say that the net has run away."""

FEW = 6
"""Losses that are compared; those of single batches differ widely."""

FALLEN = 0.9
"""Share of the whole fall of the loss that is done at the rate to take.

The lowest loss itself is a bad guide: it lies anywhere in a valley that is flat over decades.
"""


@dataclass(frozen=True)
class RangeTest:
    """What the losses were while the rate rose.

    Attributes:
        rates: shape (N,).
        losses: of the batches, shape (N,).
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]

    @property
    def smooth(self) -> NDArray[np.float64]:
        """Losses averaged over neighbours, (N,)."""
        row = self.losses[None].astype(np.float64)
        how = cv2.BORDER_REPLICATE
        return np.asarray(cv2.GaussianBlur(row, (0, 1), SMOOTH, borderType=how)[0])

    @property
    def rate(self) -> float:
        """The rate to take."""
        smooth = self.smooth
        enough = smooth[0] - FALLEN * (smooth[0] - smooth.min())
        return float(self.rates[int((smooth <= enough).argmax())])


class _Rising(Trainer):
    """Trains at a rate that rises with every step."""

    @property
    def rate(self) -> float:
        return LOWEST * float((HIGHEST / LOWEST) ** (self.at.step / (STEPS - 1)))


def find_rate(task: Task, options: LoopOptions) -> dict[str, float]:
    """Train for a few steps at rising rates; return the rate to take as ``lr``.

    rates.png in the run folder shows the losses. Nothing else is kept, and Keras can take the
    same rate: its nets, losses and optimizer are those of PyTorch.

    Raises:
        DataError: the run folder already holds a run, or the loss is no number from the start.
    """
    trainer = _Rising(task, replace(options, resume=False))
    made = prefetch(batches(task, options.seed, workers=options.preparers(False)))
    rates: list[float] = []
    losses: list[float] = []
    with trainer.ranks, closing(made) as stream, Interrupt() as interrupt:
        while len(losses) < STEPS and not interrupt.wanted:
            rate = trainer.rate
            loss = sum(v for key, v in trainer.step(stream).items() if key != "wait")
            if not math.isfinite(loss):
                break
            rates.append(rate)
            losses.append(loss)
            if sum(losses[-FEW:]) > LOST * sum(losses[:FEW]):
                break
    if not losses:
        raise DataError("the loss is no number from the first step on; look at the data")
    test = RangeTest(np.array(rates), np.array(losses))
    options.out.mkdir(parents=True, exist_ok=True)
    plot_rates(test, options.out / "rates.png")
    return {"lr": test.rate}


def plot_rates(test: RangeTest, path: Path) -> None:
    """Draw losses by rates, and the rate to take.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with needed("rates.png"):
        from matplotlib.figure import Figure
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(test.rates, test.losses, ".", alpha=0.4, label="loss of a batch")
    axes.plot(test.rates, test.smooth, label="averaged")
    axes.axvline(test.rate, color="k", ls=":", label=f"take {test.rate:.1e}")
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="loss")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
