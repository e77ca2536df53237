"""``shizi batch``: very many pictures and PDFs in, a folder of results out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from shizi.bar import Bar, bar
from shizi.batch.options import BatchOptions, is_address
from shizi.batch.run import Batch, Report
from shizi.cli import UsageError
from shizi.cli.show import say, wide_console
from shizi.cli.stopping import stopping
from shizi.extras import needed
from shizi.images.limits import PageOptions
from shizi.reader import ReaderOptions
from shizi.waits import Waits

_DOCUMENTS, _READING = PageOptions(), ReaderOptions()
_PANELS = [Group.create_ordered(name) for name in ("Batch", "Documents", "Reading")]


def batch(
    inputs: list[str],
    /,
    *,
    batching: Annotated[BatchOptions, Parameter(name="*", group=_PANELS[0])],
    documents: Annotated[PageOptions, Parameter(name="*", group=_PANELS[1])] = _DOCUMENTS,
    reading: Annotated[ReaderOptions, Parameter(name="*", group=_PANELS[2])] = _READING,
) -> int:
    """Read very many pictures and PDFs into a folder.

    The same command goes on with a run that was cut short, and reads what is new or has changed.

    Args:
        inputs: pictures, PDFs, folders of them, patterns, addresses such as s3://bucket/dir/, or
            @FILE for a list of all these, a line each.
        batching: where results go, and how many inputs are read side by side.
        documents: which pages of PDFs are read.
        reading: how pages are read.

    Returns:
        The exit code: 0 if all were read, 1 if some were not.
    """
    _check(batching, inputs)
    with stopping(), closing(Batch(batching, documents, reading)) as run:
        before = run.take_in(inputs)
        if not before.total:
            raise UsageError("there is nothing to read; name pictures, PDFs or folders of them")
        if before.todo < before.total:
            told = f"{before.done:,} done and {before.failed:,} failed before"
            print(f"shizi: {before.todo:,} to read, {told}", file=sys.stderr)
        try:
            with bar(before.todo) as shown:
                _follow(run, before.todo, shown)
        except KeyboardInterrupt:
            counts = run.report().counts
            told = f"{counts.done:,} of {counts.total:,} are done; the same command goes on"
            print(f"shizi: {told}", file=sys.stderr)
            raise
        report = run.report()
        _print(report)
        if before.failed:
            print(f"shizi: {before.failed:,} failed before; --retry-failed reads them again",
                  file=sys.stderr)  # fmt: skip
        return 1 if report.counts.failed else 0


def _check(options: BatchOptions, inputs: Sequence[str]) -> None:
    if not is_address(options.out):
        out = Path(options.out)
        if out.exists() and not out.is_dir():
            raise UsageError(f"--out {out}: is a file; name a folder")
        inside = os.path.abspath(out) + os.sep  # noqa: PTH100 - links stay what they are
        for given in inputs:
            if f"{os.path.abspath(given)}{os.sep}".startswith(inside):  # noqa: PTH100
                raise UsageError(f"--out {out}: {given} lies in it; name a folder apart")
    if "pdf" in options.formats:
        with needed("a searchable PDF"):
            import img2pdf  # noqa: F401 - so that it is missed before anything is read
            import pikepdf  # noqa: F401


def _follow(run: Batch, todo: int, shown: Bar) -> None:
    """Show how far the work is: on a terminal all the time, elsewhere a line now and then."""
    begun, waits = time.monotonic(), Waits(first=10.0, longest=600.0)
    due, done, failed, pages = begun + waits.take(), 0, 0, 0
    for outcome in run.run():
        done, pages = done + 1, pages + outcome.pages
        failed += bool(outcome.failures)
        for failure in outcome.failures:
            shown.say(failure)
        now = time.monotonic()
        rate = f"{pages / (now - begun):.2f} pages/s"
        shown.at(done, rate)
        if now >= due and not sys.stderr.isatty():
            left = (now - begun) / done * (todo - done) / 60
            shown.say(f"{done:,} of {todo:,}, {failed:,} failed; {rate}; {left:.0f} min left")
            due = now + waits.take()


def _print(report: Report) -> None:
    console, counts = wide_console(), report.counts
    say(console, f"inputs   {counts.total:,}: {counts.done:,} done, {counts.failed:,} failed")
    if report.inputs:
        told = f"{report.inputs:,} (pages {report.pages:,}, lines {report.lines:,})"
        say(console, f"read     {told} in {report.seconds:,.1f} s: {report.rate:.2f} pages/s")
    if report.unread:
        told = "1 page keeps" if report.unread == 1 else f"{report.unread:,} pages keep"
        say(console, f"unread   {told} the text of before; --force reads all")
    for name, seconds, pages in report.slowest:
        say(
            console,
            f"slowest  {seconds:.1f} s  {name}, {pages} {'page' if pages == 1 else 'pages'}",
        )
