"""A web page of plain paragraphs, to read and to copy from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from shizi.formats.encode import put, xml
from shizi.formats.markdown import paragraphs
from shizi.page import Sheet

_HEAD = """<!DOCTYPE html>
<html lang="zh">
<head>
<meta charset="utf-8">
<title>shizi</title>
</head>
<body>
"""
_FOOT = "</body>\n</html>\n"


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write a section for each page as it comes: its name, and its paragraphs."""
    put(out, _HEAD)
    for page in (sheet.page for sheet in sheets):
        put(out, f"<section>\n<h2>{xml(page.source)}</h2>\n")
        put(out, "".join(f"<p>{xml(text)}</p>\n" for text in paragraphs(page)))
        put(out, "</section>\n")
    put(out, _FOOT)
