"""What measuring can be told; apart from what needs optional packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class TrainBenchOptions:
    """What to measure.

    Attributes:
        data: line sets to learn, with the shipped charset; captchas where none is named.
        pages: page sets; how fast crops of them are prepared for the detector is measured too.
        net: vgg (as published) or lcnet (what reading uses).
        batch_width: pixels of width a batch.
        steps: measured steps of each, alternating; two more of each are not measured.
        threads: CPU threads; 0: all cores.
        workers: processes that prepare data; 0: a thread.
    """

    data: tuple[Path, ...] = ()
    pages: tuple[Path, ...] = ()
    net: Literal["vgg", "lcnet"] = "vgg"
    batch_width: int = 5120
    steps: int = 10
    threads: int = 2
    workers: int = 0
