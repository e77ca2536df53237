"""Accuracy, time and memory of two systems on the same pictures."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Literal

from shizi import __version__
from shizi.bench.systems import MEGABYTE, SystemName, Worker, workers
from shizi.errors import DataError
from shizi.evaluate import (
    ANGLES,
    DetectionScore,
    TextScore,
    detection,
    read_turned,
    recognition,
    score_read,
)
from shizi.evaluate.sets import DataSet, EvalOptions, load_set, rules_for
from shizi.images.load import load
from shizi.scores import TextRules

Figures = dict[SystemName, dict[str, float]]
"""Of each system, by name: shares 0 to 1, milliseconds (ms …), megabytes (MB …)."""


@dataclass(frozen=True)
class BenchOptions:
    """What to measure.

    Attributes:
        data: folders with labels.jsonl, labels.tsv or chats.jsonl.
        peer: the other system.
        threads: CPU threads of each system.
        repeat: how often each page is read; the median counts.
        limit: take at most so many pictures of each set; 0: all.
        rows: take all rows of each set, or those with an even or odd number, counted from 0.
        json: file for the figures, beside the table.
    """

    data: tuple[Path, ...]
    peer: Literal["rapidocr", "none"] = "rapidocr"
    threads: int = 2
    repeat: int = 3
    limit: int = 0
    rows: Literal["all", "even", "odd"] = "all"
    json: Path | None = None


@dataclass(frozen=True)
class SetFigures:
    """What all systems did on one set, and what the comparison of texts overlooked."""

    name: str
    figures: Figures
    rules: TextRules


@dataclass(frozen=True)
class Report:
    """A whole comparison.

    Attributes:
        conditions: what was measured, on what, when.
        sets: figures of each set, by its name.
        memory: resident memory of each system after all sets.
    """

    conditions: dict[str, str]
    sets: dict[str, Figures]
    memory: Figures


@dataclass
class Tally:
    """What one system did on one set."""

    detection: DetectionScore = field(default_factory=DetectionScore)
    recognition: TextScore = field(default_factory=TextScore)
    pages: TextScore = field(default_factory=TextScore)
    turned: TextScore = field(default_factory=TextScore)
    seconds: list[float] = field(default_factory=list)  # per page, each the median of its repeats

    def figures(self) -> dict[str, float]:
        """Name the figures; what the set has no labels for is left out."""
        out: dict[str, float] = {}
        if self.pages.chars:
            out["page CER"] = self.pages.cer
            out["page CER, turned"] = self.turned.cer
        if self.detection.wanted:
            out["detection F"] = self.detection.f
            out["covered"] = self.detection.coverage
        if self.recognition.lines:
            out["line CER"] = self.recognition.cer
            out["lines exact"] = self.recognition.accuracy
        if self.seconds:
            out["ms per page"] = 1000 * statistics.median(self.seconds)
            out["ms per page, mean"] = 1000 * statistics.fmean(self.seconds)
        return out


def measure(systems: Sequence[Worker], data: DataSet, options: BenchOptions) -> list[Tally]:
    """Run one set through all systems in turns: a tally each."""
    rules = rules_for(data, EvalOptions(options.data))
    tallies = [Tally() for _ in systems]
    pairs = list(zip(systems, tallies, strict=True))
    for number, item in enumerate(data.screens()):
        image = load(item.path)
        seconds: dict[str, list[float]] = {worker.name: [] for worker in systems}
        for turn in range(options.repeat):
            # Who begins changes, so neither always finds the caches that the other left.
            for worker, tally in pairs[:: -1 if (number + turn) % 2 else 1]:
                found = worker.read(image)
                seconds[worker.name].append(worker.seconds)
                if turn == 0:
                    tally.pages += score_read(found, item, rules)
        for worker, tally in pairs:
            tally.seconds.append(statistics.median(seconds[worker.name]))
            angle = ANGLES[1 + number % 3]
            tally.turned += score_read(read_turned(worker, image, angle), item, rules)
    for worker, tally in pairs:
        tally.detection = detection(worker, data)
        tally.recognition = recognition(worker, data, rules)
    return tallies


def conditions(options: BenchOptions) -> dict[str, str]:
    """Say what was measured, on what, when."""
    packages = ("rapidocr", "onnxruntime", "openvino", "numpy", "opencv-python-headless")
    versions = [f"shizi {__version__}"]
    for package in packages:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "threads": str(options.threads),
        "repeats": str(options.repeat),
        "python": platform.python_version(),
        "versions": ", ".join(versions),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def run_bench(options: BenchOptions, told: Callable[[SetFigures], None]) -> Report:
    """Compare on every set.

    Args:
        options: what to measure.
        told: called with the figures of each set as soon as they are there.

    Raises:
        DataError: a set is missing or broken.
        ShiziError: a system failed.
    """
    names: list[SystemName] = ["shizi"] if options.peer == "none" else ["shizi", options.peer]
    choice = EvalOptions(options.data, rows=options.rows, limit=options.limit)
    sets = [load_set(folder, choice) for folder in options.data]
    if not sets:
        raise DataError("no folders with labels were given; name them with --data")
    figures: dict[str, Figures] = {}
    with workers(names, options.threads) as systems:
        for data in sets:
            tallies = measure(systems, data, options)
            figures[data.name] = {
                worker.name: tally.figures() for worker, tally in zip(systems, tallies, strict=True)
            }
            told(SetFigures(data.name, figures[data.name], rules_for(data, choice)))
        memory: Figures = {
            worker.name: dict(
                zip(("MB now", "MB at most"), (b / MEGABYTE for b in worker.memory()), strict=True)
            )
            for worker in systems
        }
    return Report(conditions(options), figures, memory)
