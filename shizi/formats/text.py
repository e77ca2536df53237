"""Plain text: what a person would type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from shizi.formats.encode import put
from shizi.page import Page, Sheet
from shizi.terminal import printable


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write a line for each row, tabs between its cells, and an empty one between paragraphs.

    Of several pages each gets a header ``# source``, after an empty line. The first
    is written when the second arrives, since only then is it known to need one.
    """
    first: Page | None = None
    several = False
    for page in (sheet.page for sheet in sheets):
        if several:
            put(out, f"\n{_headed(page)}")
        elif first is None:
            first = page
        else:
            several = True
            put(out, f"{_headed(first)}\n{_headed(page)}")
    if first is not None and not several:
        put(out, _body(first))


def _headed(page: Page) -> str:
    return f"# {printable(page.source)}\n{_body(page)}"


def _body(page: Page) -> str:
    parts, paragraph = [], None
    for row in page.rows:
        if paragraph not in (None, row[0].paragraph):
            parts.append("\n")
        parts.append("\t".join(printable(line.text) for line in row) + "\n")
        paragraph = row[0].paragraph
    return "".join(parts)
