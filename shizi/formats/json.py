"""One JSON array that holds the same objects as the lines of :mod:`shizi.formats.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TextIO

from shizi.page import Page


def write(pages: Iterable[Page], out: TextIO) -> None:
    """Write an array of each page's :meth:`~shizi.page.Page.to_dict`, one a line."""
    before = "[\n"
    for page in pages:
        out.write(f"{before}{json.dumps(page.to_dict(), ensure_ascii=False)}")
        before = ",\n"
    out.write("[]\n" if before == "[\n" else "\n]\n")
