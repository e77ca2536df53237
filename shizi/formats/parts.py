"""A page as paragraphs and tables, for formats that have both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeAlias
from unicodedata import east_asian_width

import numpy as np
from numpy.typing import NDArray

from shizi.page import Page, Row

Table: TypeAlias = list[list[str]]
"""Rows of cells, as many in each; a cell may be empty."""


def parts(page: Page) -> Iterator[str | Table]:
    """Yield its paragraphs, each on one line, and its tables, in reading order.

    Rows of several cells that follow each other are a table where their cells form columns; other
    rows of several cells are paragraphs of their own, cells parted by tabs.
    """
    for _, block in groupby(page.rows, key=lambda row: row[0].block):
        rows = list(block)
        while rows:
            size, table = _table(rows)
            if table:
                yield table
            else:
                size = _paragraph(rows)
                if text := _text(rows[:size]):
                    yield text
            del rows[:size]


def _paragraph(rows: Sequence[Row]) -> int:
    """Return how many rows are the first paragraph: one, if it has several cells."""
    first = rows[0][0].paragraph
    for n, row in enumerate(rows):
        if row[0].paragraph != first or len(row) > 1:
            return max(n, 1)
    return len(rows)


def _text(rows: Sequence[Row]) -> str:
    joined = ""
    for row in rows:
        joined = join(joined, "\t".join(line.text.strip() for line in row).strip())
    return joined


def _table(rows: Sequence[Row]) -> tuple[int, Table]:
    """Return how many rows are a table, and its cells; none if the first row begins none."""
    size = 0  # up to the last row of several cells
    for n, row in enumerate(rows):
        if row[0].vertical or (len(row) == 1 and n > size):  # one cell alone may stand between
            break
        if len(row) > 1:
            size = n + 1
    while size > 1 and len(rows[0]) > 1:
        if table := _columns(rows[:size]):
            return size, table
        size = max((n + 1 for n in range(size - 1) if len(rows[n]) > 1), default=0)
    return 0, []


def _columns(rows: Sequence[Row]) -> Table:
    """Sort the cells into columns: what lies above each other; empty if two of a row share one."""
    cells = [line for row in rows for line in row]
    quads = np.array([line.quad.points for line in cells])  # (N, 4, 2)
    along = (quads[:, 1] - quads[:, 0]).sum(0)
    places = quads @ (along / max(float(np.hypot(*along)), 1e-9))  # (N, 4) along the rows
    column = _parted(places.min(1), places.max(1)).tolist()
    count = max(column) + 1
    table: Table = []
    for row in rows:
        mine, column = column[: len(row)], column[len(row) :]
        if len(set(mine)) < len(mine):
            return []
        table.append([""] * count)
        for place, line in zip(mine, row, strict=True):
            table[-1][place] = line.text.strip()
    return table


def _parted(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.intp]:
    """Number intervals (N,) by the white strips between them, from left to right."""
    order = np.argsort(low, kind="stable")
    reach = np.maximum.accumulate(high[order])
    number = np.empty(len(low), np.intp)
    number[order] = np.cumsum(np.r_[False, low[order][1:] >= reach[:-1]])
    return number


def join(left: str, right: str) -> str:
    """Join two lines of a paragraph: with a space, unless Chinese or a hyphen stands between."""
    if not left or not right or left.endswith("-") or _wide(left[-1]) or _wide(right[0]):
        return left + right
    return f"{left} {right}"


def _wide(char: str) -> bool:
    return east_asian_width(char) in "WF"
