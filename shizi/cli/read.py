"""``shizi read``: pictures and PDFs in, text out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, BinaryIO, get_args

from cyclopts import Group, Parameter, Token

from shizi.bar import Bar, bar
from shizi.cli import STDIN, UsageError
from shizi.cli.output import Drawings, Folder, kept, opened
from shizi.cli.stopping import stopping
from shizi.errors import Failure, WriteError
from shizi.formats import FORMATS, FormatName, needs_all
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import Source, find
from shizi.jobs import Read, sheets
from shizi.journal import Journal, bare
from shizi.page import WHOLE, Sheet
from shizi.reader import Reader, ReaderOptions

_DOCUMENTS, _READING = PageOptions(), ReaderOptions()
_PANELS = [Group.create_ordered(name) for name in ("Output", "Documents", "Reading")]


def _formats(_: object, tokens: Sequence[Token]) -> tuple[FormatName, ...]:
    names = [name for token in tokens for name in token.value.split(",")]
    for name in names:
        if name not in FORMATS:
            raise ValueError(f"{name!r} is no format; choose from {', '.join(FORMATS)}")
    return tuple(dict.fromkeys(name for name in get_args(FormatName) if name in names))


_LIST = Parameter(converter=_formats, n_tokens=1, consume_multiple=False)


@dataclass(frozen=True)
class OutputOptions:
    """Where the text goes.

    Attributes:
        format: how it is written, by default as the name of the output file ends, or as text;
            several, parted by commas, with --out.
        output: file to write instead of standard output; it appears whole or not at all.
        out: folder that gets a file for each input and format; picture a file for each page.
        draw: folder for annotated pictures, boxes to the left and the text to the right.
        resume: go on with a run that was cut short, and read no page twice.
    """

    format: Annotated[tuple[FormatName, ...], _LIST] = ()
    output: Annotated[Path | None, Parameter(alias="-o")] = None
    out: Path | None = None
    draw: Path | None = None
    resume: bool = False


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
    _check(output, files)
    output = _settled(output)
    folder = Folder(output.out, output.format, files) if output.out else None
    if folder and not output.resume and (there := folder.there()):
        raise UsageError(f"--out: {there} exists; name another folder, or --resume to keep it")
    drawings = Drawings(output.draw) if output.draw else None
    # What a searchable PDF keeps need not be read, unless there is more to be made of it.
    read_all = needs_all(output.format) or drawings is not None
    settings = repr((reading, documents.dpi, read_all or documents.force))
    with stopping(), bar(len(files)) as shown:
        reader = Reader(reading).read_image
        job = _Job(reader, reading.limits, documents, drawings, shown, read_all)
        if folder:
            _to_folder(job, folder, settings, resume=output.resume)
        else:
            _to_one(job, files, output, settings)
        if job.unread:
            pages = "1 page keeps" if job.unread == 1 else f"{job.unread} pages keep"
            job.bar.say(f"{pages} the text of before, unread; --force reads all")
    return 1 if job.failed else 0


def _expand(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:  # a file keeps its name as given, which a Path would tidy
        yield from map(str, find([path])) if Path(path).is_dir() else (path,)


def _settled(output: OutputOptions) -> OutputOptions:
    """Return the options with a format: the one told, or the one that the name asks for."""
    if output.format:
        return output
    target = output.output
    if target is None or not target.suffix:
        return replace(output, format=("text",))
    for name, format in FORMATS.items():
        if target.name.lower().endswith(format.suffix):
            return replace(output, format=(name,))
    known = ", ".join(format.suffix for format in FORMATS.values())
    raise UsageError(f"-o {target}: say what is to be in it with --format, or end it in {known}")


def _check(output: OutputOptions, files: Iterable[str]) -> None:
    target = output.output
    if target is None or str(target) == STDIN:
        if output.resume and output.out is None:
            raise UsageError("--resume: goes on with an output file; name it with -o or --out")
        for name in output.format:
            if FORMATS[name].binary and output.out is None and sys.stdout.isatty():
                raise UsageError(f"--format {name}: a terminal shows none; name a file with -o")
    elif output.out is not None:
        raise UsageError("-o and --out: name one of them")
    elif target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"-o {target}: name a file in a folder that exists")
    elif target.resolve() in {Path(file).resolve() for file in files}:
        raise UsageError(f"-o {target}: is one of the pictures to read; name another file")
    if len(output.format) > 1 and output.out is None:
        raise UsageError("--format: several need a folder; name it with --out")
    if output.out is not None and output.out.exists() and not output.out.is_dir():
        raise UsageError(f"--out {output.out}: is a file; name a folder")


def _to_one(job: _Job, files: list[str], output: OutputOptions, settings: str) -> None:
    """Write all pages to one file, or to standard output as they come."""
    (name,) = output.format
    target = None if str(output.output) == STDIN else output.output
    if target is None or FORMATS[name].single or (target.exists() and not target.is_file()):
        with opened(target) as out:
            FORMATS[name].write(job.shown(files, out), out)
        return
    with kept(target, settings, resume=output.resume) as journal:
        found = [bare(sheet) for sheet in job.read(files, journal)]
        with opened(target) as out:
            FORMATS[name].write(map(journal.whole, found), out)


def _to_folder(job: _Job, folder: Folder, settings: str, *, resume: bool) -> None:
    """Write a file for each input and format; an input's files appear when it is read."""
    drawings = Drawings(folder.path) if folder.drawn else None
    for source, stem in folder.stems.items():
        targets = folder.targets(stem)
        if resume and targets and all(target.exists() for target in targets.values()):
            job.skip()
            continue
        with kept(folder.path / stem, settings, resume=resume) as journal:
            found = []
            for sheet in job.read([source], journal):
                found.append(bare(sheet))
                if drawings:
                    drawings.save(sheet)
            for format, target in targets.items() if found else ():
                try:
                    with opened(target) as out:
                        FORMATS[format].write(map(journal.whole, found), out)
                except WriteError as error:  # a PDF that must not be changed; the others can be
                    job.fail(Failure(source, error))


@dataclass
class _Job:
    """Reads files one after the other; what fails is named on stderr and counted."""

    reader: Read
    limits: ImageLimits
    documents: PageOptions
    drawings: Drawings | None
    bar: Bar
    read_all: bool = True
    failed: int = 0
    unread: int = 0
    done: int = 0

    def read(self, files: list[str], journal: Journal | None = None) -> Iterator[Sheet]:
        """Read files, each page of a document by itself; pages in the journal are not read."""
        found = self._sources(files)
        for item in sheets(
            found,
            self.reader,
            self.limits,
            self.documents,
            journal=journal,
            read_all=self.read_all,
        ):
            if isinstance(item, Failure):
                self.fail(item)
                continue
            if self.drawings:
                try:
                    self.drawings.save(item)
                except Exception as error:  # the page is read all the same
                    self.fail(Failure(item.page.source, error))
            self.unread += not self.read_all and item.own_text == WHOLE
            yield item
            page = item.page
            self.bar.at(self.done + page.number / item.count, Path(page.source).name)

    def shown(self, files: list[str], out: BinaryIO) -> Iterator[Sheet]:
        """Let each page be written at once, out of the bar's way."""
        for sheet in self.read(files):
            with self.bar.hidden():
                yield sheet
                out.flush()

    def skip(self) -> None:
        """Count a file that needs no reading."""
        self.done += 1

    def _sources(self, files: list[str]) -> Iterator[tuple[str, Source]]:
        for file in files:
            self.bar.at(self.done, Path(file).name)
            yield ("-", sys.stdin.buffer.read()) if file == STDIN else (file, file)
            self.done += 1

    def fail(self, failure: Failure) -> None:
        """Name what failed, and count it."""
        self.failed += 1
        self.bar.say(str(failure))
