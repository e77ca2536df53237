"""``shizi data``: convert, check and count sets to train on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import App, Parameter
from numpy.typing import NDArray
from rich.table import Table

from shizi.charset import Charset
from shizi.cli.show import table, wide_console
from shizi.data.tools.check import CheckOptions, load_charset, report
from shizi.data.tools.check import check as check_sets
from shizi.data.tools.convert import ConvertOptions
from shizi.data.tools.convert import convert as convert_set
from shizi.data.tools.stats import Stats, StatsOptions, together, write_plots
from shizi.data.tools.stats import stats as count

data = App(name="data")

_CHECK, _STATS = CheckOptions(), StatsOptions()
Flat = Parameter(name="*")


@data.command
def convert(source: Path, out: Path, /, *, options: Annotated[ConvertOptions, Flat]) -> int:
    """Turn a set of any form into pictures and labels, or into an LMDB.

    shizi data convert data/voc data/pages --to pages
    shizi data convert data/pages data/lines --to lines --val 0.1

    Args:
        source: a set in any form that training reads.
        out: folder for the new set.
        options: what becomes of it.

    Returns:
        The exit code: 1 if rows were left out.
    """
    written, left_out = convert_set(source, out, options)
    print(f"{out}: {written:,} written, {left_out:,} rows left out", file=sys.stderr)
    return 1 if left_out else 0


@data.command
def check(path: Path, /, *, options: Annotated[CheckOptions, Flat] = _CHECK) -> int:
    """Look for everything that training would stumble over.

    shizi data check data/lines
    shizi data check data/lines --charset charset.txt

    Args:
        path: a set, or a folder of sets.
        options: how to look.

    Returns:
        The exit code: 1 if anything is wrong.
    """
    found = check_sets(path, options)
    print(report(found))
    return 1 if found.counts else 0


@data.command
def stats(path: Path, /, *, options: Annotated[StatsOptions, Flat] = _STATS) -> int:
    """Count pictures, lines and characters of each set, and draw how they are spread.

    shizi data stats data/lines
    shizi data stats data --out plots

    Args:
        path: a set, or a folder of sets.
        options: what to count, and where to draw it.
    """
    charset = load_charset(options.charset)
    parts = count(path, options)
    wide_console().print(_sets(parts, charset))
    if options.out:
        for file in write_plots(together(parts), charset, options.out):
            print(file)
    return 0


def _sets(parts: Sequence[Stats], charset: Charset) -> Table:
    """A row a set; of sizes and lengths least, median and most."""
    numbers = ("pictures", "lines", "width", "height", "length", "characters", "different")
    rows = []
    for part in parts if len(parts) == 1 else (*parts, together(parts)):
        width, height = part.sizes.T
        row = [
            part.name,
            f"{part.pictures:,}",
            f"{part.lines:,}",
            *(_spread(values) for values in (width, height, part.lengths)),
            f"{part.characters.total():,}",
            f"{len(part.characters):,}",
            f"{100 * part.covered(charset):.2f} %",
            "".join(c for c, _ in part.characters.most_common(16) if not c.isspace()),
        ]
        rows.append(row)
    columns = ("set", *numbers, "in charset", "most frequent")
    return table(columns, rows, left=("set", "most frequent"))


def _spread(values: NDArray[np.number]) -> str:
    if not len(values):
        return "-"
    return " ".join(f"{value:.0f}" for value in (values.min(), np.median(values), values.max()))
