"""Measuring: this package beside another system, and its memory over many pages.

Each system lives in a process of its own, so its memory is its own; they work in turns,
picture by picture, so that neither has the machine's quiet minutes to itself.
"""

from shizi.bench.compare import BenchOptions, run_bench
from shizi.bench.memory import MemoryOptions, run_memory
from shizi.bench.systems import RapidOCRSystem, open_system

__all__ = [
    "BenchOptions",
    "MemoryOptions",
    "RapidOCRSystem",
    "open_system",
    "run_bench",
    "run_memory",
]
