"""A batch: inputs are entered, read side by side, and accounted for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from shizi.batch.hand import Hand, Make, Process, make
from shizi.batch.inputs import expand
from shizi.batch.manifest import Claimed, Counts, Manifest
from shizi.batch.options import BatchOptions
from shizi.batch.places import plain, stamps
from shizi.batch.pool import Pool
from shizi.batch.task import Outcome, Task, Work
from shizi.batch.work import settings, suffixes
from shizi.cpu import allowed
from shizi.images.limits import PageOptions
from shizi.reader import ReaderOptions

_SLOWEST = 5


@dataclass(frozen=True)
class Report:
    """How a run went.

    Attributes:
        counts: of all inputs that it was given.
        inputs: that it has read itself, and failures among them.
        pages: that it has read.
        lines: on them.
        unread: of these pages, those whose own text was kept.
        seconds: that it took.
        slowest: its slowest inputs: name, seconds, pages.
    """

    counts: Counts
    inputs: int
    pages: int
    lines: int
    unread: int
    seconds: float
    slowest: list[tuple[str, float, int]]

    @property
    def rate(self) -> float:
        """Pages a second."""
        return self.pages / self.seconds if self.seconds else 0.0


def hands_of(options: BatchOptions, work: Work, make: Make = make) -> list[Hand]:
    """Return the hands that options ask for: processes here, or on the machines of a cluster."""
    if options.ray is not None:
        from shizi.batch.cluster import hands

        return hands(options.ray, options.workers, work, make)
    threads, cores = work.reading.threads, allowed()
    pins = (
        [cores[(number * threads + k) % len(cores)] for k in range(threads)]
        for number in range(options.processes(threads))
    )
    return [Process(work, pin, make) for pin in pins]


class Batch:
    """One run. Closing it ends what is being read; the same run anew goes on from there.

    Args:
        options: where results go, and how many inputs are read side by side.
        documents: which pages are read.
        reading: how they are read; a process has one thread unless this says more.
        hands: gives what does the work.

    Raises:
        DataError: the manifest is none of shizi's, or another run holds it.
        ShiziError: the address of the results is not known.
    """

    def __init__(
        self,
        options: BatchOptions,
        documents: PageOptions = PageOptions(),
        reading: ReaderOptions = ReaderOptions(),
        hands: Callable[[BatchOptions, Work], Sequence[Hand]] = hands_of,
    ) -> None:
        self._options, self._hands = options, hands
        self._out = plain(options.out)
        reading = replace(reading, threads=reading.threads or 1)
        here = options.ray is None  # two machines might keep pages in one file
        self._work = Work(options.formats, reading, documents, keep=here)
        self._stamps = stamps(self._out)
        self._manifest = Manifest(options.account)
        self._begun, self._unread = time.monotonic(), 0

    def close(self) -> None:
        """Let others have the manifest."""
        self._manifest.close()

    def take_in(self, given: Iterable[str]) -> Counts:
        """Find and enter the inputs that arguments stand for: see :func:`.inputs.expand`.

        Raises:
            DataError: a list cannot be read, or the manifest cannot be written.
            OptionError: an address cannot be listed.
        """
        retry = self._options.retry_failed
        found = expand(given, self._out)
        told = settings(self._work)
        with self._manifest.told():
            return self._manifest.take_in(found, told, self._there, retry_failed=retry)

    def run(self) -> Generator[Outcome, None, None]:
        """Read what is left to read; yields how each input ended.

        Raises:
            ShiziError: no reader can be had, or the disk is full.
            DataError: the manifest cannot be written.
        """
        self._begun = time.monotonic()
        todo = self._manifest.counts().todo
        if not todo:
            return
        hands = self._hands(self._options, self._work)[:todo]
        refused: deque[Outcome] = deque()
        ends = Pool(hands).run(self._tasks(refused.append))
        with self._manifest.told(), closing(ends):
            for task, outcome in ends:
                self._manifest.end(task.number, outcome)
                self._unread += outcome.unread
                yield outcome
                while refused:
                    yield refused.popleft()
        yield from refused

    def report(self) -> Report:
        """Tell how the run went, or goes."""
        inputs, pages, lines = self._manifest.totals()
        seconds = time.monotonic() - self._begun
        slowest = self._manifest.slowest(_SLOWEST)
        counts = self._manifest.counts()
        return Report(counts, inputs, pages, lines, self._unread, seconds, slowest)

    def _tasks(self, refused: Callable[[Outcome], None]) -> Iterator[Task]:
        """Claim one input after the other; one whose results would replace others' is refused."""
        while (claimed := self._manifest.claim()) is not None:
            foreign = self._foreign(claimed)
            if foreign is None:
                target = f"{self._out}/{claimed.name}"
                yield Task(claimed.number, claimed.address, claimed.shown, target, claimed.cut)
                continue
            told = f"{claimed.shown}: {self._out}/{foreign} is not as shizi wrote it; move it away"
            outcome = Outcome(failures=(told,))
            self._manifest.end(claimed.number, outcome)
            refused(outcome)

    def _there(self, name: str) -> str | None:
        """Tell how a result looks; None where there is none."""
        return self._stamps(f"{self._out}/{name}")

    def _foreign(self, claimed: Claimed) -> str | None:
        """Return a result of an input that shizi did not write, or that was changed since."""
        if claimed.cut:  # it may be written, and not yet noted
            return None
        ours = self._manifest.results(claimed.number)
        for suffix in suffixes(self._work):
            looks = self._there(claimed.name + suffix)
            if looks is not None and looks != ours.get(suffix):
                return claimed.name + suffix
        return None
