"""Ways to write sheets down. Each module has ``write(sheets, out)`` and holds one at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from shizi.errors import WriteError
from shizi.files import whole
from shizi.formats import alto, hocr, html, json, jsonl, markdown, pdf, picture, text, tsv
from shizi.page import Page, Sheet

FormatName: TypeAlias = Literal[
    "text", "json", "jsonl", "markdown", "html", "tsv", "hocr", "alto", "pdf", "picture"
]

Writer: TypeAlias = Callable[[Iterable[Sheet], BinaryIO], None]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        write: writes sheets to a binary stream.
        suffix: of its files.
        binary: no terminal can show it; it holds the page's picture, or is made of its file.
        single: such a file holds one page, and is drawn on its picture.
    """

    write: Writer
    suffix: str
    binary: bool = False
    single: bool = False


FORMATS: dict[FormatName, Format] = {
    "text": Format(text.write, ".txt"),
    "json": Format(json.write, ".json"),
    "jsonl": Format(jsonl.write, ".jsonl"),
    "markdown": Format(markdown.write, ".md"),
    "html": Format(html.write, ".html"),
    "tsv": Format(tsv.write, ".tsv"),
    "hocr": Format(hocr.write, ".hocr"),
    "alto": Format(alto.write, ".alto.xml"),
    "pdf": Format(pdf.write, ".pdf", binary=True),
    "picture": Format(picture.write, ".jpg", binary=True, single=True),
}


def needs_all(names: Iterable[str]) -> bool:
    """Whether formats need the lines of pages that keep a text of their own: a PDF does not."""
    return set(names) != {"pdf"}


def write(
    pages: Page | Sheet | Iterable[Page | Sheet],
    target: str | Path | BinaryIO,
    format: FormatName,
) -> None:
    """Write what was read.

    Args:
        pages: one or several, taken one by one. ``picture`` and ``pdf`` need sheets:
            pages with their pictures or files, as :meth:`.Reader.sheets` gives them.
        target: a file, which appears whole or not at all, or a binary stream.
        format: text, json, jsonl, markdown, html, tsv, hocr, alto, pdf or picture.

    Raises:
        WriteError: the format does not exist or cannot hold these pages, or the stream is open
            as text.
        OSError: the file cannot be written.
    """
    if format not in FORMATS:
        raise WriteError(f"{format!r} is no format; choose from {', '.join(FORMATS)}")
    sheets = map(_sheet, (pages,) if isinstance(pages, Page | Sheet) else pages)
    if isinstance(target, str | Path):
        if Path(target).is_dir() or not Path(target).parent.is_dir():
            raise WriteError(f"{target}: name a file in a folder that exists")
        with whole(Path(target)) as part, part.open("wb") as out:
            FORMATS[format].write(sheets, out)
    elif isinstance(target, io.TextIOBase):
        raise WriteError("the stream is open as text; open it in binary mode, as in open(…, 'wb')")
    else:
        FORMATS[format].write(sheets, target)


def _sheet(page: Page | Sheet) -> Sheet:
    if isinstance(page, Page):
        return Sheet(page)
    if not isinstance(page, Sheet):
        raise WriteError(f"only pages and sheets can be written, and not a {type(page).__name__}")
    return page
