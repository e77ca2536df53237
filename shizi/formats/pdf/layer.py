"""The unseen text of a page: each character over its picture, lines in reading order."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import count, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shizi.formats.pdf.font import EM, MOST, UNIT, WIDEST, Font
from shizi.page import Line, Page, Point

if TYPE_CHECKING:
    import pikepdf

Floats = NDArray[np.float64]

_INVISIBLE = 3  # the text rendering mode
_UNSEEN = re.compile(rb"\b3\s+Tr\b")

ROW = 0.4
"""How far, in its heights, a line may leave the row where it begins."""


class Layers:
    """Puts text over the pages of a PDF."""

    def __init__(self, pdf: pikepdf.Pdf, prefix: str = "Unseen") -> None:
        """Put text over the pages of a PDF in fonts called by this name and a number from 1."""
        self._pdf, self._prefix = pdf, prefix
        self._fonts = [Font(pdf)]

    def add(self, target: pikepdf.Page, page: Page) -> None:
        """Put what was read over a page."""
        if not page.lines:
            return
        if len(self._fonts[-1]) + sum(len(line.placed) for line in page.lines) > MOST:
            self._fonts.append(Font(self._pdf))
        font = self._fonts[-1]
        name = _named(target, font, self._prefix)
        matrix = placement(target, page.width, page.height)
        pairs = zip(page.lines, (*page.lines[1:], None), strict=True)
        shown = [part for line, after in pairs for part in _show(line, after, matrix, font)]
        text = "\n".join([f"q BT {_INVISIBLE} Tr", f"{name} 1 Tf", *shown, "ET Q", ""])
        # First, where nothing has yet moved the origin.
        target.contents_add(self._pdf.make_stream(text.encode()), prepend=True)

    def finish(self) -> None:
        """Write the fonts that were used."""
        for font in self._fonts:
            if len(font):
                font.finish()


def alone(page: Page) -> bytes:
    """Return the unseen text of a page as a PDF of the size of its picture, 72 dpi if unknown.

    Its font is called F1, as OCRmyPDF would have it.
    """
    import pikepdf

    scale = 72 / (page.dpi or 72)
    with pikepdf.new() as pdf:
        target = pdf.add_blank_page()
        target.obj.MediaBox = pikepdf.Array([0, 0, scale * page.width, scale * page.height])
        layers = Layers(pdf, "F")
        layers.add(target, page)
        layers.finish()
        target.contents_coalesce()
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def _named(target: pikepdf.Page, font: Font, prefix: str) -> pikepdf.Name:
    """Make the font known to a page, and return by what name: one that is free."""
    import pikepdf

    if target.get("/Resources") is None:
        target.obj.Resources = pikepdf.Dictionary()
    known = target.resources.get("/Font", pikepdf.Dictionary())
    for number in count(1):
        name = pikepdf.Name(f"/{prefix}{number}")
        if name not in known:
            return target.add_resource(font.ref, pikepdf.Name.Font, name)
        if known[name].objgen == font.ref.objgen:
            return name
    raise AssertionError


def placement(target: pikepdf.Page, width: int, height: int) -> Floats:
    """Return what turns a pixel (x, y, 1) of a page's picture into its points, shape (3, 2).

    The picture shows the crop box, turned clockwise by /Rotate.
    """
    left, low, right, top = box(target)
    turns = int(target.rotation) // 90 % 4
    # Corners of the picture, in points: top left, top right, low left.
    corners = [(left, top), (right, top), (right, low), (left, low)]
    origin, across, down = (np.array(corners[(k - turns) % 4]) for k in (0, 1, 3))
    return np.stack([(across - origin) / width, (down - origin) / height, origin])


def box(target: pikepdf.Page) -> tuple[float, float, float, float]:
    """Return what is shown of a page: its crop box as far as there is paper."""
    x0, y0, x1, y1 = _sorted([float(v) for v in target.mediabox])
    a0, b0, a1, b1 = _sorted([float(v) for v in target.cropbox])
    crop = max(x0, a0), max(y0, b0), min(x1, a1), min(y1, b1)
    return crop if crop[0] < crop[2] and crop[1] < crop[3] else (x0, y0, x1, y1)


def _sorted(sides: list[float]) -> list[float]:
    return [*np.minimum(sides[:2], sides[2:]), *np.maximum(sides[:2], sides[2:])]


def _show(line: Line, after: Line | None, matrix: Floats, font: Font) -> Iterator[str]:
    """Yield the operators that show a line before another; none where it has no extent."""
    corners = line.quad.to_array().astype(np.float64)
    tl, tr, br, bl = np.c_[corners, np.ones(4)] @ matrix  # points of the page
    # Upright characters one under the other lie on their side, their feet to the left: readers
    # follow such a line downwards, and each character covers its picture as well.
    start, along, up = (tl, bl - tl, tr - tl) if line.vertical else (bl, br - bl, tl - bl)
    length, size = float(np.hypot(*along)), float(np.hypot(*up))
    chars = line.placed
    if not chars or length < 1e-3 or size < 1e-3:
        return
    start, along = _levelled(start, along, size)
    steps = length / size * EM / UNIT
    edges = _edges(line, steps)
    step = along / steps
    widths = [b - a for a, b in pairwise(edges)]
    codes = [(font.code(c.text, min(w, WIDEST)), w) for c, w in zip(chars, widths, strict=True)]
    cut = _cut(line, after)
    for run in (slice(0, cut), slice(cut, None)) if cut else (slice(0, None),):
        first = start + step * edges[run.start]
        numbers = (*(step * EM / UNIT), *up, *first)
        told = " ".join(f"{v:.4f}".rstrip("0").rstrip(".") for v in numbers)
        yield f"{told} Tm [{''.join(_pieces(codes[run]))}] TJ"


def _levelled(start: Floats, along: Floats, size: float) -> tuple[Floats, Floats]:
    """Lower the slope of a line that leaves its row by less than its height, about its middle.

    Poppler looks for the end of a line in the row where it begins, give or take half its height.
    """
    minor = int(abs(along[0]) > abs(along[1]))  # the axis along which it leaves its row
    off = float(along[minor])
    if not ROW * size < abs(off) < size:
        return start, along
    change = np.zeros(2)
    change[minor] = off - np.copysign(ROW * size, off)
    return start + change / 2, along - change


def _cut(line: Line, after: Line | None) -> int:
    """Return before which character a line is cut into two strings, 0 for not at all.

    PDFium sorts strings that begin at one height of the page from left to right, which would turn
    the order of columns about. So lines that run up or down are cut, as far as can be from where
    they and the next line begin. Of a string of one character it knows no direction, and takes it
    for a new line, so the second has two.
    """
    first, last = _ends(line)
    if abs(last[0] - first[0]) > abs(last[1] - first[1]):
        return 0
    begins = [first[1]] + ([_ends(after)[0][1]] if after else [])
    places = [first[1] + char.start * (last[1] - first[1]) for char in line.placed]
    away = [min(abs(place - begin) for begin in begins) for place in places]
    return max(range(1, len(away) - 1), key=away.__getitem__, default=0)


def _ends(line: Line) -> tuple[Point, Point]:
    """Return where its feet begin and end, in pixels."""
    tl, _, br, bl = line.quad.points
    return (tl, bl) if line.vertical else (bl, br)


def _edges(line: Line, steps: float) -> list[int]:
    """Return where the N characters begin, and the last ends, in steps: N + 1 rising numbers.

    Neighbours meet in the middle between them, so that nothing seems to stand there.
    """
    chars = line.placed
    middle = [(a.end + b.start) / 2 for a, b in pairwise(chars)]
    found: list[int] = []
    for place in (chars[0].start, *middle, chars[-1].end):
        edge = round(place * steps)
        found.append(max(edge, found[-1] + 1) if found else edge)
    return found


def _pieces(codes: list[tuple[int, int]]) -> Iterator[str]:
    """Yield strings of codes, and a move after a character that is wider than any glyph."""
    run = ""
    for code, width in codes:
        run += f"{code:04X}"
        if width > WIDEST:
            yield f"<{run}>{-(width - WIDEST) * UNIT}"
            run = ""
    if run:
        yield f"<{run}>"


def clear(pdf: pikepdf.Pdf, target: pikepdf.Page) -> None:
    """Take the text out of a page that shows nothing: that of an earlier reading."""
    import pikepdf

    contents = target.obj.get("/Contents")
    if contents is None:
        return
    parts = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    if _UNSEEN.search(b"\n".join(part.read_bytes() for part in parts)):
        target.obj.Contents = pdf.make_stream(_without_unseen(target))
    # Other programs keep theirs in a form of its own.
    for form in target.form_xobjects.values():
        if _UNSEEN.search(form.read_bytes()):
            form.write(_without_unseen(form))


def _without_unseen(contents: pikepdf.Page | pikepdf.Object) -> bytes:
    import pikepdf

    kept: list[pikepdf.ContentStreamInstruction | pikepdf.ContentStreamInlineImage] = []
    mode, outer = 0, []
    for part in pikepdf.parse_content_stream(contents):
        match str(part.operator):
            case "q":
                outer.append(mode)
            case "Q" if outer:
                mode = outer.pop()
            case "Tr":
                mode = int(part.operands[0])
            case "Tj" | "TJ" | "'" | '"' if mode == _INVISIBLE:
                continue
        kept.append(part)
    return pikepdf.unparse_content_stream(kept)
