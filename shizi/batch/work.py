"""One input is read, and its results are written."""

from __future__ import annotations

import errno
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shizi.batch.options import is_address
from shizi.batch.places import fetched, put, stamp_of
from shizi.batch.task import Outcome, Step, Task, Work
from shizi.errors import Failure, ShiziError
from shizi.formats import FORMATS, needs_all
from shizi.jobs import Read, sheets
from shizi.journal import Journal, bare
from shizi.page import WHOLE, Image, Page, Sheet

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Errors of a disk that takes nothing more, whichever input is next."""


class FullError(ShiziError):
    """No result can be written any more: the batch stops, and nothing counts as failed."""


def settings(work: Work) -> str:
    """Say what results depend on beside their inputs."""
    told = replace(work.documents, timeout=0.01), replace(work.reading, threads=0)
    return repr((work.formats, *told))


def read_input(task: Task, work: Work, read: Read, tell: Callable[[Step], None]) -> Outcome:
    """Read one input and write its results; what fails is told in the outcome.

    Args:
        task: the input.
        work: how it is read.
        read: reads a page.
        tell: is told of every step.

    Raises:
        FullError: results cannot be written, of this input or any other.
    """
    begun = time.monotonic()
    failures: list[str] = []
    found: list[Sheet] = []
    lines = unread = 0
    read_all = needs_all(work.formats)
    written: list[tuple[str, str]] = []
    try:
        with fetched(task.source) as path, _journal(task, work) as journal:
            for item in sheets(
                [(task.shown, path)],
                _told(read, task, tell),
                work.reading.limits,
                work.documents,
                journal=journal,
                read_all=read_all,
            ):
                tell(Step())
                if isinstance(item, Failure):
                    failures.append(str(item))
                    continue
                lines += len(item.page.lines)
                unread += not read_all and item.own_text == WHOLE
                found.append(bare(item))
            tell(Step(pages=len(found) + 1))
            for suffix in _write(found, journal, task, work, failures) if found else ():
                written.append((suffix, stamp_of(task.target + suffix)))
    except Exception as error:  # the next input may be well
        if isinstance(error, OSError) and error.errno in _FULL:
            raise FullError(f"{task.target}: {error.strerror}; make room, then go on") from error
        failures.append(str(Failure(task.shown, error)))
    seconds = time.monotonic() - begun
    return Outcome(len(found), lines, unread, seconds, tuple(failures), tuple(written))


def suffixes(work: Work) -> list[str]:
    """Return how the names of an input's results end."""
    return [FORMATS[name].suffix for name in work.formats]


def _write(
    found: list[Sheet], journal: Journal, task: Task, work: Work, failures: list[str]
) -> Iterator[str]:
    """Write a file for each format; yields the suffix of each that was written."""
    for name, suffix in zip(work.formats, suffixes(work), strict=True):
        try:
            with put(task.target + suffix) as part, part.open("wb") as out:
                FORMATS[name].write(map(journal.whole, found), out)
        except ShiziError as error:  # a PDF that must not be changed; the others can be
            failures.append(str(Failure(task.shown, error)))
        else:
            yield suffix


def _told(read: Read, task: Task, tell: Callable[[Step], None]) -> Read:
    """Tell of every page before it is read, and refuse those that are given up."""
    refused = dict(task.refused)

    def told(image: Image, name: str) -> Page:
        if name in refused:
            raise ShiziError(f"{name}: {refused[name]}")
        tell(Step(name))
        return read(image, name)

    return told


@contextmanager
def _journal(task: Task, work: Work) -> Iterator[Journal]:
    """Keep the pages read until the results are written; beside these, if that is wanted."""
    if work.keep and not is_address(task.target):
        target = Path(task.target)
        target.parent.mkdir(parents=True, exist_ok=True)
        path = target.with_name(f".{target.name}.pages")
        yield from _open(path, task, work)
    else:
        with tempfile.TemporaryDirectory(prefix="shizi-") as folder:
            yield from _open(Path(folder, "pages"), task, work)


def _open(path: Path, task: Task, work: Work) -> Iterator[Journal]:
    journal, done = Journal(path, settings(work), resume=task.resume), False
    try:
        yield journal
        done = True
    finally:
        journal.close(done=done)
