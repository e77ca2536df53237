"""Drawing lots: what every part of the renderer decides by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Rng = np.random.Generator


def pick(rng: Rng, items: Sequence[T]) -> T:
    """One of ``items``, each as likely."""
    return items[int(rng.integers(len(items)))]


def weighted(rng: Rng, table: Mapping[str, float]) -> str:
    """One of the keys, as likely as its weight."""
    point = rng.random() * sum(table.values())
    for key, weight in table.items():
        point -= weight
        if point < 0:
            return key
    return list(table)[-1]


def digits(rng: Rng, count: int) -> str:
    """So many digits; as in prices and numbers, one is often followed by itself."""
    out = ""
    for _ in range(count):
        again = out and rng.random() < 0.25
        out += out[-1] if again else str(int(rng.integers(10)))
    return out


def letters(rng: Rng, count: int) -> str:
    """So many capitals."""
    return "".join(chr(65 + int(i)) for i in rng.integers(0, 26, count))
