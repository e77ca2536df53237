"""``shizi bench``: shizi and a peer side by side, in one run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

from shizi.bench.compare import BenchOptions, Figures, SetFigures, run_bench
from shizi.bench.memory import MemoryOptions, run_memory
from shizi.bench.options import TrainBenchOptions
from shizi.bench.systems import MEGABYTE
from shizi.cli.show import say, table, wide_console, write_json
from shizi.evaluate import describe

bench = App(name="bench")


@bench.default
def compare(*, options: Annotated[BenchOptions, Parameter(name="*")]) -> int:
    """Read the same pictures with shizi and with RapidOCR in turn; print a table."""
    console = wide_console()

    def told(done: SetFigures) -> None:
        say(console, f"{done.name} (overlooked in texts: {describe(done.rules)})")
        console.print(comparison(done.figures))

    report = run_bench(options, told)
    console.print("memory")
    console.print(comparison(report.memory))
    for name, value in report.conditions.items():
        say(console, f"{name}: {value}")
    if options.json:
        write_json(options.json, asdict(report))
    return 0


@bench.command
def memory(*, options: Annotated[MemoryOptions, Parameter(name="*")]) -> int:
    """Read many different pages and print the memory held along the way.

    shizi bench memory --data real/pages
    shizi bench memory --data real/pages --pages 1000 --threads 1
    """
    held = run_memory(options)
    sizes = [(h.pages, h.now / MEGABYTE, h.most / MEGABYTE) for h in held]
    console = wide_console()
    console.print(f"{options.system}: resident memory")
    cells = [[f"{size:.0f}" for size in row] for row in sizes]
    console.print(table(("pages", "MB now", "MB at most"), cells))
    return 0


@bench.command
def train(
    *, options: Annotated[TrainBenchOptions, Parameter(name="*")] = TrainBenchOptions()
) -> int:
    """Train the recogniser for a few steps beside the same step in plain PyTorch.

    shizi bench train
    shizi bench train --data data/lines --net lcnet
    """
    from shizi.bench.train import run_train

    figures = run_train(options)
    rows = [["plain PyTorch", f"{figures.plain:.1f}"], ["shizi", f"{figures.shizi:.1f}"]]
    console = wide_console()
    console.print(table(("step", "lines a second"), rows, left=("step",)))
    console.print(f"{figures.shizi / figures.plain:.2f} times as many")
    console.print(f"share of time waiting for data: {100 * figures.waiting:.1f} %")
    console.print(f"prepared for training: {figures.lines:.0f} lines a second")
    if figures.crops is not None:
        console.print(f"prepared for the detector: {figures.crops:.1f} crops a second")
    return 0


def comparison(figures: Figures) -> Table:
    """Lay figures out: a row a figure, a column a system, and the second over the first."""
    systems = list(figures.values())
    ratio = ["ratio"] if len(systems) > 1 else []
    rows = []
    for name, value in systems[0].items():
        values = [system[name] for system in systems]
        cells = [f"{v:.0f}" if _is_size(name) else f"{100 * v:.2f} %" for v in values]
        if ratio:
            cells.append(f"{values[1] / value:.2f}" if _is_size(name) and value else "")
        rows.append([name, *cells])
    return table(["", *figures, *ratio], rows, left=("",))


def _is_size(name: str) -> bool:
    return name.startswith(("ms", "MB"))
