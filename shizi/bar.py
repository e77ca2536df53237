"""A bar that shows on a terminal how far the work is, and lines out of its way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from shizi.terminal import one_line


class _Count(ProgressColumn):
    """How many are done of how many."""

    def render(self, task: Task) -> Text:
        total = "?" if task.total is None else f"{task.total:.0f}"
        return Text(f"{int(task.completed)}/{total}", style="progress.download")


class Bar:
    """A bar on stderr while that is a terminal, and nothing in a pipe."""

    def __init__(self, progress: Progress, total: float | None, what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total)

    def at(self, completed: float, what: str | None = None, total: float | None = None) -> None:
        """Show how far the work is; what it is at, and of how much, if that has changed."""
        told = None if what is None else one_line(what)
        self._progress.update(self._task, completed=completed, description=told, total=total)

    def add(self, step: float) -> None:
        """Show that so much more is done."""
        self._progress.advance(self._task, step)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the bar away while something else is written to the terminal."""
        if not self._progress.disable:
            self._progress.stop()
        yield
        if not self._progress.disable:
            self._progress.start()

    def say(self, text: str) -> None:
        """Write a line to stderr."""
        with self.hidden():
            print(f"shizi: {one_line(text)}", file=sys.stderr)


@contextmanager
def bar(total: float | None = None, what: str = "", counted: bool = True) -> Iterator[Bar]:
    """Show a bar while work of that many parts goes on; None where nobody knows how many.

    Args:
        total: number of parts.
        what: the work is at.
        counted: the parts mean something: their number stands beside the bar.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        *((_Count(),) if counted else ()),
        TimeRemainingColumn(),
    )
    shown = console.is_interactive
    progress = Progress(*columns, console=console, transient=True, disable=not shown)
    with progress if shown else nullcontext():
        yield Bar(progress, total, what)
