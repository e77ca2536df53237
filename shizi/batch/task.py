"""What is done with one input, and how it ended: plain values that travel between processes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shizi.batch.options import BatchFormat
from shizi.images.limits import PageOptions
from shizi.reader import ReaderOptions

_MOVES = 3
"""Machines that may go away under an input before it is held to be the cause."""


@dataclass(frozen=True)
class Work:
    """What is the same for all inputs.

    Attributes:
        formats: of the results.
        reading: how pages are read.
        documents: which pages are read.
        keep: the pages read of an input are kept beside its results until these are written.
    """

    formats: tuple[BatchFormat, ...]
    reading: ReaderOptions
    documents: PageOptions
    keep: bool = True


@dataclass(frozen=True)
class Task:
    """One input.

    Attributes:
        number: in the manifest.
        source: its absolute path, or its address.
        shown: what it is called.
        target: path or address of its results, but for the suffix.
        resume: pages kept from a run that was cut short are of these options.
        refused: pages that are not tried any more, and why.
        died: pages at which a process died; None: it was at no page.
        moves: how often its machine went away.
    """

    number: int
    source: str
    shown: str
    target: str
    resume: bool = False
    refused: tuple[tuple[str, str], ...] = ()
    died: tuple[str | None, ...] = ()
    moves: int = 0

    def after(self, lost: Lost) -> Task | None:
        """What is left to do after a process was lost over it; None: nothing, it has failed.

        A death is given a second chance. A page that takes too long, or at which a second
        process dies, is given up, and the others are read.
        """
        if lost.moved:
            return replace(self, moves=self.moves + 1) if self.moves < _MOVES else None
        again = replace(self, resume=True)
        hopeless = lost.overtime or lost.page in self.died
        if not hopeless:
            return replace(again, died=(*self.died, lost.page))
        if lost.page is None or lost.page in dict(self.refused):
            return None
        return replace(again, refused=(*self.refused, (lost.page, lost.reason)))


@dataclass(frozen=True)
class Step:
    """How far an input is.

    Attributes:
        page: that is being read; None: one is being loaded, or the results are written.
        pages: whose time may now pass before the next step.
    """

    page: str | None = None
    pages: int = 1


@dataclass(frozen=True)
class Outcome:
    """How an input ended.

    Attributes:
        pages: that were read.
        lines: on them.
        unread: of these pages, those whose own text was kept, which no format needs otherwise.
        seconds: that it took.
        failures: what could not be read or written, and why, a line each.
        written: suffixes of the files written, and how each looks now (:func:`.places.stamp`).
    """

    pages: int = 0
    lines: int = 0
    unread: int = 0
    seconds: float = 0.0
    failures: tuple[str, ...] = ()
    written: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Lost:
    """A process was lost over an input.

    Attributes:
        page: it was at; None: at none.
        reason: as one says it of the page or the input.
        overtime: it took too long and was ended.
        moved: the machine that it ran on went away; the input is not to blame.
    """

    page: str | None
    reason: str
    overtime: bool = False
    moved: bool = False
