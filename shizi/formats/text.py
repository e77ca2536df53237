"""Plain text: what a person would type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from shizi.page import Page


def write(pages: Iterable[Page], out: TextIO) -> None:
    """Write a line for each line, and an empty one between paragraphs.

    Of several pages each gets a header ``# source``, after an empty line. The first
    is written when the second arrives, since only then is it known to need one.
    """
    first: Page | None = None
    several = False
    for page in pages:
        if several:
            out.write(f"\n{_headed(page)}")
        elif first is None:
            first = page
        else:
            several = True
            out.write(f"{_headed(first)}\n{_headed(page)}")
    if first is not None and not several:
        out.write(_body(first))


def _headed(page: Page) -> str:
    return f"# {page.source}\n{_body(page)}"


def _body(page: Page) -> str:
    return f"{page.text}\n" if page.lines else ""
