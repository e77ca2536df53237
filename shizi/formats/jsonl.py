"""One JSON object a line and page: ``{"image", "width", "height", "angle", "lines": [...]}``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TextIO

from shizi.page import Page


def write(pages: Iterable[Page], out: TextIO) -> None:
    """Write each page's :meth:`~shizi.page.Page.to_dict` as soon as it comes."""
    for page in pages:
        out.write(f"{json.dumps(page.to_dict(), ensure_ascii=False)}\n")
