"""Batches that tests run, and what became of their inputs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import batch_hands
import PIL.Image
from pictures import encode

from shizi.batch.options import BatchOptions
from shizi.batch.run import Batch, hands_of
from shizi.images.limits import PageOptions

Colour = tuple[int, int, int]


def picture(path: Path, *colours: Colour, side: int = 20) -> Path:
    """A picture of one colour, or a TIFF of several; page n is n pixels wider than the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *more = [PIL.Image.new("RGB", (side + n, side), c) for n, c in enumerate(colours)]
    if more:
        path.write_bytes(encode(first, "TIFF", save_all=True, append_images=more))
    else:
        path.write_bytes(encode(first, "PNG"))
    return path


def told(
    out: Path | str,
    *given: object,
    hands: Any = batch_hands.here,
    documents: PageOptions = PageOptions(),
    **options: Any,
) -> list[str]:
    """Run a batch, and return what failed."""
    with closing(Batch(BatchOptions(str(out), **options), documents, hands=hands)) as batch:
        batch.take_in(map(str, given))
        return [failure for outcome in batch.run() for failure in outcome.failures]


def processes(make: Any = batch_hands.sizes) -> Any:
    """Processes that read with what is made there."""
    return partial(hands_of, make=make)


def files(out: Path) -> list[str]:
    """Results, by their paths below the folder; hidden files too, but not the account's."""
    paths = (p.relative_to(out) for p in out.rglob("*") if p.is_file())
    return sorted(str(p) for p in paths if "batch.sqlite" not in p.name)


def rows(out: Path, what: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(out / "batch.sqlite")) as db:
        return db.execute(f"SELECT {what} FROM inputs ORDER BY number").fetchall()
