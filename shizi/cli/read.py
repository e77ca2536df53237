"""``shizi read``: pictures and PDFs in, text out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TextIO

from cyclopts import Group, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shizi.cli import STDIN, UsageError
from shizi.cli.output import Drawings, opened
from shizi.errors import Failure
from shizi.formats import WRITERS, Format
from shizi.formats.drawing import draw
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import find
from shizi.jobs import sheets
from shizi.page import Page, Sheet
from shizi.reader import Reader, ReaderOptions

_DOCUMENTS, _READING = PageOptions(), ReaderOptions()
_PANELS = [Group.create_ordered(name) for name in ("Output", "Documents", "Reading")]


@dataclass(frozen=True)
class OutputOptions:
    """Where the text goes.

    Attributes:
        format: how it is written.
        output: file to write instead of standard output; it appears whole or not at all.
        draw: folder for annotated pictures, boxes to the left and the text to the right.
    """

    format: Format = "text"
    output: Annotated[Path | None, Parameter(alias="-o")] = None
    draw: Path | None = None


def read(
    paths: list[str],
    /,
    *,
    output: Annotated[OutputOptions, Parameter(name="*", group=_PANELS[0])] = OutputOptions(),
    documents: Annotated[PageOptions, Parameter(name="*", group=_PANELS[1])] = _DOCUMENTS,
    reading: Annotated[ReaderOptions, Parameter(name="*", group=_PANELS[2])] = _READING,
) -> int:
    """Read the text in pictures and PDFs.

    Args:
        paths: pictures, PDFs, folders of them, or - for standard input.
        output: where the text goes.
        documents: which pages of PDFs are read.
        reading: how pages are read.

    Returns:
        The exit code: 0 if all were read, 1 if some were not.
    """
    files = list(_expand(paths))
    target = _checked(output.output, files)
    drawings = Drawings(output.draw, files) if output.draw else None
    reader = Reader(reading)
    with opened(target) as out, _progress() as bar:
        job = _Job(reader, reading.limits, documents, drawings, bar)
        WRITERS[output.format](_shown(job.read(files), bar, out), out)
    return 1 if job.failed else 0


def _expand(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:  # a file keeps its name as given, which a Path would tidy
        yield from map(str, find([path])) if Path(path).is_dir() else (path,)


def _checked(target: Path | None, files: Iterable[str]) -> Path | None:
    if target is None or str(target) == STDIN:
        return None
    if target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"-o {target}: name a file in a folder that exists")
    if target.resolve() in {Path(file).resolve() for file in files}:
        raise UsageError(f"-o {target}: is one of the pictures to read; name another file")
    return target


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar on stderr while it is a terminal, and nothing in a pipe."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_interactive)
    with bar if console.is_interactive else nullcontext():
        yield bar


@contextmanager
def _hidden(bar: Progress) -> Iterator[None]:
    """Take the bar away while something else is written to the terminal."""
    if not bar.disable:
        bar.stop()
    yield
    if not bar.disable:
        bar.start()


def _shown(read: Iterable[Page], bar: Progress, out: TextIO) -> Iterator[Page]:
    """Let each page be written at once, out of the bar's way."""
    for page in read:
        with _hidden(bar):
            yield page
            out.flush()


@dataclass
class _Job:
    """Reads files one after the other; what fails is named on stderr and counted."""

    reader: Reader
    limits: ImageLimits
    documents: PageOptions
    drawings: Drawings | None
    bar: Progress
    failed: int = 0

    def read(self, files: list[str]) -> Iterator[Page]:
        task = self.bar.add_task("", total=len(files))
        for file in files:
            self.bar.update(task, description=Path(file).name)
            name, source = ("-", sys.stdin.buffer.read()) if file == STDIN else (file, file)
            read = self.reader.read_image
            for item in sheets([(name, source)], read, self.limits, self.documents):
                if isinstance(item, Failure):
                    self._fail(item)
                else:
                    self._draw(item)
                    yield item.page
            self.bar.advance(task)

    def _draw(self, sheet: Sheet) -> None:
        if self.drawings and sheet.image is not None:
            self.drawings.save(sheet.page.source, draw(sheet.page, sheet.image))

    def _fail(self, failure: Failure) -> None:
        self.failed += 1
        with _hidden(self.bar):
            print(f"shizi: {failure}", file=sys.stderr)
