"""A web page of plain paragraphs and tables, to read and to copy from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from shizi.formats.encode import put, xml
from shizi.formats.parts import Table, parts
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
    """Write a section for each page as it comes: its name, its paragraphs and tables."""
    put(out, _HEAD)
    for page in (sheet.page for sheet in sheets):
        put(out, f"<section>\n<h2>{xml(page.source)}</h2>\n")
        put(out, "".join(map(_shown, parts(page))))
        put(out, "</section>\n")
    put(out, _FOOT)


def _shown(part: str | Table) -> str:
    if isinstance(part, str):
        return f"<p>{' '.join(map(xml, part.split(chr(9))))}</p>\n"
    rows = ("".join(f"<td>{xml(cell)}</td>" for cell in row) for row in part)
    return "<table>\n" + "".join(f"<tr>{row}</tr>\n" for row in rows) + "</table>\n"
