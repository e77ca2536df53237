"""``shizi bench``: shizi and a peer side by side, in one run."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from shizi.bench.compare import BenchOptions, run_bench
from shizi.bench.memory import MemoryOptions, run_memory
from shizi.bench.options import TrainBenchOptions

bench = App(name="bench")


@bench.default
def compare(*, options: Annotated[BenchOptions, Parameter(name="*")]) -> int:
    """Read the same pictures with shizi and with RapidOCR in turn; print a table."""
    return run_bench(options)


@bench.command
def memory(*, options: Annotated[MemoryOptions, Parameter(name="*")]) -> int:
    """Read many different pages and print the memory held along the way.

    shizi bench memory --data real/pages
    shizi bench memory --data real/pages --pages 1000 --threads 1
    """
    return run_memory(options)


@bench.command
def train(
    *, options: Annotated[TrainBenchOptions, Parameter(name="*")] = TrainBenchOptions()
) -> int:
    """Train the recogniser for a few steps beside the same step in plain PyTorch.

    shizi bench train
    shizi bench train --data data/lines --net lcnet
    """
    from shizi.bench.train import run_train

    return run_train(options)
