"""The processor: its name, what speeds up reading, and how many cores may be used."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def cores() -> int:
    """Count the cores that this process may use; more threads than these hinder each other."""
    return len(allowed())


def allowed() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def cpu_name() -> str:
    """Return the processor's name, as well as the system knows it."""
    return next(iter(_cpuinfo("model name")), platform.processor() or platform.machine())


def cpu_features() -> list[str]:
    """Return which of the instruction sets that speed up reading the processor has (Linux)."""
    flags = set(" ".join(_cpuinfo("flags")).split())
    return [feature for feature in _FEATURES if feature in flags]


def _cpuinfo(key: str) -> list[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.split(":")[0].strip() == key]
