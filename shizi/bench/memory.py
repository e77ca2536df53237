"""What a process holds while it reads many different pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from shizi.bench.systems import workers
from shizi.errors import DataError
from shizi.images.load import find, load
from shizi.page import Image

CHECKPOINTS = (10, 100, 500, 1000)
LARGEST, SMALLEST = 2000, 200  # longer sides of the pages made, pixels


@dataclass(frozen=True)
class MemoryOptions:
    """What to read while memory is watched.

    Attributes:
        data: pictures or folders of them; the pages read are cut and scaled from these.
        pages: how many different pages are read.
        threads: CPU threads.
        seed: makes the pages the same from run to run.
        system: which system reads.
    """

    data: tuple[Path, ...]
    pages: int = 1000
    threads: int = 2
    seed: int = 0
    system: Literal["shizi", "rapidocr"] = "shizi"


@dataclass(frozen=True)
class Held:
    """Resident memory of a system's process after so many pages, bytes: now, and at most."""

    pages: int
    now: float
    most: float


def run_memory(options: MemoryOptions) -> list[Held]:
    """Read many different pages and note how much memory the process holds.

    Raises:
        DataError: there are no pictures.
        ShiziError: the system failed.
    """
    paths = [path for path in find(options.data) if path.suffix.lower() != ".pdf"]
    if not paths:
        raise DataError("no pictures were given; name pictures or folders with --data")
    held = []
    marks = {n for n in CHECKPOINTS if n < options.pages} | {options.pages}
    with workers([options.system], options.threads) as (worker,):
        for count, image in enumerate(varied(paths, options.pages, options.seed), 1):
            worker.read(image)
            if count in marks:
                held.append(Held(count, *worker.memory()))
    return held


def varied(paths: Sequence[Path], count: int, seed: int) -> Iterator[Image]:
    """Yield ``count`` pages of all sizes, cut and scaled from pictures, the same for a seed."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        image = load(paths[number % len(paths)])
        height, width = image.shape[:2]
        share = rng.uniform(0.4, 1.0, 2)
        h, w = max(1, int(height * share[0])), max(1, int(width * share[1]))
        y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
        scale = rng.uniform(SMALLEST, LARGEST) / max(h, w)
        size = max(1, round(w * scale)), max(1, round(h * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        part = cv2.resize(image[y : y + h, x : x + w], size, interpolation=method)
        yield np.asarray(part, dtype=np.uint8)
