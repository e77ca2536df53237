"""The table of a comparison, for people: a row a set and system."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from shizi.bench.compare import Report, SetFigures
from shizi.bench.systems import SystemName
from shizi.errors import DataError
from shizi.files import write_text

COLUMNS = {
    "s CPU": "CPU s a page",
    "s wall": "wall s a page",
    "page CER": "page CER %",
    "strict CER": "strict CER %",
    "turned CER": "turned CER %",
    "line CER": "line CER %",
    "detection F": "detection F %",
}
"""Figures, and what their columns are called."""

_BEGIN, _END = "<!-- benchmark -->", "<!-- /benchmark -->"
_MARKED = re.compile(f"{_BEGIN}\n.*?{_END}", re.DOTALL)


def rows_of(done: SetFigures, titles: Mapping[SystemName, str]) -> list[list[str]]:
    """A row a system: the set with its size, the system, a cell a column."""
    what = f"{done.name}: {done.pages} pages, {done.density:.0f} characters each"
    ours = done.figures["shizi"]
    rows = list[list[str]]()
    for name, found in done.figures.items():
        cells = [_cell(key, found, ours, own=name == "shizi") for key in COLUMNS]
        rows.append([what if not rows else "", titles[name], *cells])
    return rows


def _cell(key: str, found: dict[str, float], ours: dict[str, float], own: bool) -> str:
    if key not in found:
        return ""
    if not key.startswith("s "):
        return f"{100 * found[key]:.2f}"
    ratio = "" if own or not ours.get(key) else f" ({found[key] / ours[key]:.2g}x)"
    return f"{found[key]:.3g}{ratio}"


def markdown(report: Report) -> str:
    """Lay a report out as a Markdown table with its conditions below."""
    head = ["set", "system", *COLUMNS.values()]
    rows = [row for done in report.sets for row in rows_of(done, report.systems)]
    table = [_row(head), _row(["---"] * 2 + ["--:"] * len(COLUMNS)), *map(_row, rows)]
    told = "; ".join(f"{name}: {value}" for name, value in report.conditions.items())
    return "\n".join([*table, "", told])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def put(path: Path, table: str) -> None:
    """Write a table between the marks of a Markdown file.

    Raises:
        DataError: the file has no marks, or more than two.
    """
    text = path.read_text(encoding="utf-8")
    if len(_MARKED.findall(text)) != 1:
        raise DataError(f"{path}: a table goes between one {_BEGIN} and one {_END}; put them in")
    # By a function: a table may hold what re.sub takes for groups.
    write_text(path, _MARKED.sub(lambda _: f"{_BEGIN}\n{table}\n{_END}", text))
