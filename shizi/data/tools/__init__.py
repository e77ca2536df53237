"""Care for datasets: convert them, check them, count what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from shizi.bar import bar

T = TypeVar("T")


def tracked(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Yield items under a progress bar on stderr, shown only on a terminal."""
    with bar(total, title) as shown:
        for item in items:
            yield item
            shown.add(1)
