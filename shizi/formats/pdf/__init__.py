"""Searchable PDF: what a file shows stays as it is, and unseen text lies over each character.

A page of a PDF gets the text beside what it holds already; a picture becomes a page first, as it
is stored: a JPEG is not decoded, nor is a fax. pikepdf (qpdf) edits, because it leaves all that it
is not told to change: drawings, bookmarks, forms, the marks of PDF/A. img2pdf wraps pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, BinaryIO

from shizi.errors import WriteError
from shizi.extras import needed
from shizi.page import Sheet

if TYPE_CHECKING:
    import pikepdf


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write the pages in the order of the sheets.

    Where a page has ``own_text`` it stays as it is; of others, unseen text gives way to what was
    read.
    The first file, if it is a PDF, lends its bookmarks, metadata, PDF/A and password.

    Raises:
        WriteError: there is no page, a sheet has neither file nor picture, or a PDF is signed.
        MissingExtraError: ``pip install 'shizi[pdf]'`` was not done.
    """
    with needed("a searchable PDF"):
        import img2pdf  # noqa: F401 - so that it is missed before anything is read
        import pikepdf

        from shizi.formats.pdf.layer import Layers, clear
        from shizi.formats.pdf.pages import Pages
    with ExitStack() as opened:
        book: pikepdf.Pdf | None = None
        layers: Layers | None = None
        numbers: list[int] = []  # the pages of the book, counted from 0, in the order wanted
        for _, group in groupby(sheets, key=lambda sheet: sheet.origin or sheet):
            pages: Pages | None = None
            places: dict[int, int] = {}  # by number in its file: index in the book
            for sheet in group:
                if pages is None:
                    pages = opened.enter_context(closing(Pages(sheet)))
                if book is None or layers is None:
                    book = pages.book or opened.enter_context(pikepdf.new())
                    layers = Layers(book)
                number = sheet.page.number
                if number not in places:
                    if book is pages.book:
                        places[number] = number - 1
                    else:
                        places[number] = len(book.pages)
                        book.pages.append(pages.page(sheet))
                    target = book.pages[places[number]]
                    if not sheet.own_text:
                        clear(book, target)
                    layers.add(target, replace(sheet.page, lines=sheet.lacking))
                numbers.append(places[number])
        if book is None or layers is None:
            raise WriteError("a PDF has at least one page; none was read")
        layers.finish()
        _select(book, numbers)
        book.save(out, encryption=book.is_encrypted, deterministic_id=not book.is_encrypted)


def _select(book: pikepdf.Pdf, numbers: list[int]) -> None:
    """Leave these pages (indices from 0) of a book, in this order."""
    count = len(book.pages)
    if numbers == list(range(count)):
        return
    if numbers == sorted(set(numbers)):  # what leads to a page still does
        for index in sorted(set(range(count)) - set(numbers), reverse=True):
            del book.pages[index]
        return
    for index in numbers:
        book.pages.append(book.pages[index])
    del book.pages[:count]
