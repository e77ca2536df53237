"""One JSON array that holds the same objects as the lines of :mod:`shizi.formats.jsonl`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from shizi.formats.encode import json_line, put
from shizi.page import Sheet


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write an array of each page's :meth:`~shizi.page.Page.to_dict`, one a line."""
    before = "[\n"
    for sheet in sheets:
        put(out, f"{before}{json_line(sheet.page.to_dict())}")
        before = ",\n"
    put(out, "[]\n" if before == "[\n" else "\n]\n")
