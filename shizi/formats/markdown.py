"""Markdown: a heading for each page, its lines joined into paragraphs, and its tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import BinaryIO

from shizi.formats.encode import put
from shizi.formats.parts import Table, parts
from shizi.page import Page, Sheet
from shizi.terminal import printable

# What Markdown would take for markup: anywhere, and at the start of a paragraph.
_ANYWHERE = re.compile(r"[\\`*_<\[\]|~&]")
_NUMBERED = re.compile(r"\d{1,9}(?=[.)](\s|$))")


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write ``## source`` and the paragraphs and tables of each page."""
    before = ""
    for page in (sheet.page for sheet in sheets):
        put(out, f"{before}## {_escape(page.source)}\n")
        if text := body(page):
            put(out, f"\n{text}\n")
        before = "\n"


def body(page: Page) -> str:
    """The paragraphs and tables of a page, without a heading, an empty line between them."""
    return "\n\n".join(map(_shown, parts(page)))


def _shown(part: str | Table) -> str:
    if isinstance(part, str):
        return _at_start("\t".join(map(_escape, part.split("\t"))))
    first, *rest = ([_escape(cell) for cell in row] for row in part)
    return "\n".join("| " + " | ".join(row) + " |" for row in (first, ["---"] * len(first), *rest))


def _escape(text: str) -> str:
    return _ANYWHERE.sub(r"\\\g<0>", printable(text))


def _at_start(text: str) -> str:
    if match := _NUMBERED.match(text):
        return f"{match[0]}\\{text[match.end() :]}"
    return f"\\{text}" if text[0] in "#>+-=" else text
