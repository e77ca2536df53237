"""Searchable PDFs: what tests write, and what readers find in it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from shizi.formats import write
from shizi.page import Char, Image, Line, Page, Quad, Sheet

pikepdf = pytest.importorskip("pikepdf")
pdfium = pytest.importorskip("pypdfium2")
pytest.importorskip("img2pdf")

WHITE = np.full((200, 300, 3), 255, np.uint8)


def line(left: float, top: float, text: str, *, size: int = 20, vertical: bool = False) -> Line:
    """A line of square characters."""
    n = len(text)
    width, height = (size, size * n) if vertical else (size * n, size)
    corners = [[0, 0], [width, 0], [width, height], [0, height]]
    chars = tuple(Char(c, 0.9, i / n, (i + 1) / n) for i, c in enumerate(text))
    quad = Quad.from_array(np.array(corners) + np.array([left, top]))
    return Line(quad, text, 0.9, chars, vertical=vertical)


def sheet(*lines: Line, image: Image | None = WHITE, **more: Any) -> Sheet:
    height, width = WHITE.shape[:2]
    number, dpi = more.pop("number", 1), more.pop("dpi", 72)
    page = Page("x.png", width, height, lines=lines, number=number, dpi=dpi)
    return Sheet(page, image, **more)


def written(sheets: Sheet | Sequence[Sheet]) -> bytes:
    out = io.BytesIO()
    write(sheets, out, "pdf")
    return out.getvalue()


def seen(data: bytes) -> list[Image]:
    """What each page shows, a pixel a point."""
    with pdfium.PdfDocument(data) as document:
        return [page.render(rev_byteorder=True).to_numpy()[..., :3].copy() for page in document]


def copied(data: bytes) -> list[list[str]]:
    """What PDFium copies of each page, by line."""
    with pdfium.PdfDocument(data) as document:
        return [page.get_textpage().get_text_range().splitlines() for page in document]


def boxes(data: bytes, wanted: str, index: int = 0) -> list[list[float]]:
    """Where PDFium finds each character of a text: left, top, right, bottom in pixels of the page
    as it is shown, a pixel a point.
    """
    with pdfium.PdfDocument(data) as document:
        page = document[index]
        text = page.get_textpage()
        start, count = text.search(wanted).get_next()
        left, low, right, top = page.get_bbox()
        found = []
        for i in range(start, start + count):
            a, b, c, d = text.get_charbox(i)
            corners = np.array([[a - left, top - d], [c - left, top - b]])
            for _ in range(page.get_rotation() // 90):
                x, y = corners.T
                tall = top - low if _ % 2 == 0 else right - left
                corners = np.stack([tall - y, x], -1)
            found.append([*corners.min(0), *corners.max(0)])
        return found


def document(*texts: str, **page: Any) -> bytes:
    """A PDF with a page a text, in a font of its own."""
    pdf = pikepdf.new()
    font = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
    )
    for text in texts:
        pdf.add_blank_page(page_size=(300, 200))
        new = pdf.pages[-1]
        new.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        # Left unbalanced: what is put over it must not be scaled.
        drawn = f"2 0 0 2 0 0 cm 1 0 0 rg 10 10 40 20 re f BT /F 12 Tf 20 60 Td ({text}) Tj ET"
        new.obj.Contents = pdf.make_stream(drawn.encode())
        for key, value in page.items():
            new.obj[f"/{key}"] = value
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()
