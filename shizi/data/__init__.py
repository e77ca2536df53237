"""Datasets on disk: line sets and page sets, in the forms that people have them."""

from __future__ import annotations

from pathlib import Path

from shizi.data.bad import BadRows
from shizi.data.find import (
    apart,
    find_sets,
    is_pages,
    open_lines,
    open_pages,
    open_upright,
    weighed,
)
from shizi.data.items import LineItem, PageItem, shuffled, with_pictures
from shizi.data.lines import Lines, spelt
from shizi.data.words import join_words, next_word

__all__ = [
    "BadRows",
    "LineItem",
    "Lines",
    "PageItem",
    "apart",
    "find_sets",
    "is_pages",
    "join_words",
    "next_word",
    "open_lines",
    "open_pages",
    "open_upright",
    "read_lines",
    "read_pages",
    "shuffled",
    "spelt",
    "weighed",
    "with_pictures",
]


def read_lines(path: Path) -> Lines:
    """Open a line set; stop at the first row that is wrong."""
    return open_lines(path, BadRows(strict=True))


def read_pages(path: Path) -> list[PageItem]:
    """Open a page set; stop at the first row that is wrong."""
    return open_pages(path, BadRows(strict=True))
