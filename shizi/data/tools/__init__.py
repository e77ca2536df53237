"""Care for datasets: convert them, check them, count what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def tracked(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Yield items under a progress bar on stderr, shown only on a terminal."""
    console = Console(stderr=True)
    hidden = not console.is_terminal
    yield from track(items, title, total, console=console, transient=True, disable=hidden)
