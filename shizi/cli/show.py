"""Tables and lines for the terminal, and figures for a file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shizi.files import write_text
from shizi.terminal import printable


def wide_console() -> Console:
    """A console that does not squeeze tables where there is no terminal to fit."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], left: Collection[str] = ()
) -> Table:
    """Lay cells out as they are, also where strangers wrote them.

    Args:
        columns: their names.
        rows: a cell a column.
        left: columns of words; the others hold numbers and stand to the right.
    """
    out = Table()
    for name in columns:
        out.add_column(name, justify="left" if name in left else "right")
    for row in rows:
        out.add_row(*(Text(printable(cell)) for cell in row))
    return out


def say(console: Console, line: str, style: str = "") -> None:
    """Print a line that may hold what strangers wrote."""
    console.print(printable(line), style=style, highlight=False, markup=False, soft_wrap=True)


def write_json(path: Path, figures: Any) -> None:
    """Write figures for programs."""
    write_text(path, json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
