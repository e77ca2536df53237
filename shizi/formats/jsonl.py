"""One JSON object a line and page: see :meth:`~shizi.page.Page.to_dict`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from shizi.formats.encode import json_line, put
from shizi.page import Sheet


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write each page as soon as it comes."""
    for sheet in sheets:
        put(out, f"{json_line(sheet.page.to_dict())}\n")
