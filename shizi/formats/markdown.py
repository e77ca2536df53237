"""Markdown: a heading for each page, and its lines joined into paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import BinaryIO
from unicodedata import east_asian_width

from shizi.formats.encode import put
from shizi.page import Page, Sheet
from shizi.terminal import printable

# What Markdown would take for markup: anywhere, and at the start of a paragraph.
_ANYWHERE = re.compile(r"[\\`*_<\[\]|~&]")
_NUMBERED = re.compile(r"\d{1,9}(?=[.)](\s|$))")


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write ``## source`` and the paragraphs of each page; a block starts a new paragraph."""
    before = ""
    for page in (sheet.page for sheet in sheets):
        put(out, f"{before}## {_escape(page.source)}\n")
        if text := body(page):
            put(out, f"\n{text}\n")
        before = "\n"


def body(page: Page) -> str:
    """The paragraphs of a page, without a heading, an empty line between them."""
    return "\n\n".join(map(_shown, paragraphs(page)))


def paragraphs(page: Page) -> Iterable[str]:
    """The paragraphs of a page, each on one line."""
    for _, lines in groupby(page.lines, key=lambda line: (line.block, line.paragraph)):
        joined = ""
        for line in lines:
            joined = join(joined, line.text.strip())
        if joined:
            yield joined


def _shown(paragraph: str) -> str:
    return _at_start(_escape(paragraph))


def join(left: str, right: str) -> str:
    """Join two lines of a paragraph: with a space, unless Chinese or a hyphen stands between."""
    if not left or not right or left.endswith("-") or _wide(left[-1]) or _wide(right[0]):
        return left + right
    return f"{left} {right}"


def _wide(char: str) -> bool:
    return east_asian_width(char) in "WF"


def _escape(text: str) -> str:
    return _ANYWHERE.sub(r"\\\g<0>", printable(text))


def _at_start(text: str) -> str:
    if match := _NUMBERED.match(text):
        return f"{match[0]}\\{text[match.end() :]}"
    return f"\\{text}" if text[0] in "#>+-=" else text
