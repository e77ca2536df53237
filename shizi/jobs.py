"""One loop over sources and pages: whatever is read, by whomever, comes out in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from shizi.deadline import within
from shizi.errors import Failure
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import Picture, Source, name_of, pages
from shizi.journal import Journal
from shizi.page import WHOLE, Image, Page, Sheet

Read: TypeAlias = Callable[[Image, str], Page]
"""Reads an RGB picture (H, W, 3) of a name."""

Executor: TypeAlias = Callable[
    [Callable[[Picture | Failure], Sheet | Failure], Iterable[Picture | Failure]],
    Iterable[Sheet | Failure],
]
"""Runs a function over items and gives the results in their order; :func:`map` is one.

It may take items ahead, but only a few: each holds a picture.
"""


def sheets(
    sources: Iterable[Source | tuple[str, Source]],
    read: Read,
    limits: ImageLimits = ImageLimits(),
    options: PageOptions = PageOptions(),
    *,
    journal: Journal | None = None,
    execute: Executor = map,
    read_all: bool = True,
) -> Iterator[Sheet | Failure]:
    """Read sources one by one, each page of a document by itself; a failure stops nothing.

    Args:
        sources: what to read; in a pair, the first is what the second is called.
        read: reads a page; what it raises is that page's failure.
        limits: of each picture.
        options: which pages of documents, how PDFs are drawn, and how long a page may take.
        journal: keeps the pages read; those that it holds are not read again.
        execute: runs ``read``: here and now by default.
        read_all: read pages too that keep all text of their own; else they come without lines.

    Yields:
        A sheet or a failure for every page, in order, and a failure for a source without any.
    """

    def done(item: Picture | Failure) -> Sheet | Failure:
        if isinstance(item, Failure):
            return item
        try:
            page = journal.find(item) if journal is not None else None
            if page is not None:
                return _sheet(item, page)
            with within(options.timeout, item.name):
                found = sheet(item, read if read_all or item.own_text != WHOLE else _unread)
            if journal is not None:
                journal.add(item, found.page)
            return found
        except Exception as error:  # whatever ails one page, the next may be well
            return Failure(item.name, error)

    yield from execute(done, _pictures(sources, limits, options))


def sheet(picture: Picture, read: Read) -> Sheet:
    """Read one loaded picture."""
    page = read(picture.image, picture.name)
    return _sheet(picture, replace(page, number=picture.number, dpi=picture.dpi))


def _sheet(picture: Picture, page: Page) -> Sheet:
    return Sheet(page, picture.image, picture.count, picture.origin, picture.own_text)


def _unread(image: Image, name: str) -> Page:
    height, width = image.shape[:2]
    return Page(name, width, height)


def _pictures(
    sources: Iterable[Source | tuple[str, Source]], limits: ImageLimits, options: PageOptions
) -> Iterator[Picture | Failure]:
    for given in sources:
        name, source = given if isinstance(given, tuple) else (name_of(given), given)
        try:
            yield from pages(source, limits, options, name=name)
        except Exception as error:  # a source may be anything, and so may what it raises
            yield Failure(name, error)
