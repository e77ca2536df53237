"""ALTO 4: XML of the place of each block, paragraph, line, word and character, in pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from shizi.formats.encode import put, xml
from shizi.formats.tree import box_of, tree
from shizi.page import Line, Page, Quad, Sheet, Word
from shizi.terminal import printable

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.loc.gov/standards/alto/ns-v4# \
http://www.loc.gov/standards/alto/v4/alto-4-4.xsd">
<Description>
<MeasurementUnit>pixel</MeasurementUnit>
<sourceImageInformation><fileName>%s</fileName></sourceImageInformation>
<Processing ID="reading"><processingSoftware><softwareName>shizi</softwareName>\
</processingSoftware></Processing>
</Description>
<Layout>
"""
_FOOT = "</Layout>\n</alto>\n"


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write each page as it comes; the file is named after the source of the first."""
    begun = False
    for number, sheet in enumerate(sheets, 1):
        if not begun:
            put(out, _HEAD % xml(re.sub(r"#\d+$", "", sheet.page.source)))
            begun = True
        for text in _page(sheet.page, number):
            put(out, text)
    put(out, _FOOT if begun else _HEAD % "" + _FOOT)


def _page(page: Page, number: int) -> Iterator[str]:
    size = f'HEIGHT="{page.height}" WIDTH="{page.width}"'
    yield (
        f'<Page ID="page_{number}" PHYSICAL_IMG_NR="{page.number}" {size}>\n'
        f'<PrintSpace {size} VPOS="0" HPOS="0">\n'
    )
    for b, block in enumerate(tree(page), 1):
        place = _place([line.quad for part in block for line in part])
        yield f'<ComposedBlock ID="block_{number}_{b}" {place}>\n'
        for p, paragraph in enumerate(block, 1):
            name = f"{number}_{b}_{p}"
            place = _place([line.quad for line in paragraph])
            yield f'<TextBlock ID="par_{name}" {place}>\n'
            for n, line in enumerate(paragraph, 1):
                yield _line(line, f"{name}_{n}")
            yield "</TextBlock>\n"
        yield "</ComposedBlock>\n"
    yield "</PrintSpace>\n</Page>\n"


def _line(line: Line, number: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line.quad.points)
    words = [_word(line, word, f"{number}_{n}") for n, word in enumerate(line.words, 1)]
    if not words:  # a line of ALTO has one at least
        return ""
    down = ' BASEDIRECTION="ttb"' if line.vertical else ""
    return (
        f'<TextLine ID="line_{number}" {_place([line.quad])}{down}>'
        f'<Shape><Polygon POINTS="{points}"/></Shape>\n{"<SP/>".join(words)}</TextLine>\n'
    )


def _word(line: Line, word: Word, number: str) -> str:
    glyphs: list[str] = []
    # Else nobody knows where each stands, or it is none that a glyph may hold.
    if line.chars and all(len(printable(c.text)) == 1 for c in word.chars):
        glyphs = [
            f'<Glyph {_place([line.part(c.start, c.end)])} CONTENT="{xml(c.text)}" '
            f'GC="{c.score:.4f}"/>'
            for c in word.chars
        ]
    return (
        f'<String ID="word_{number}" {_place([word.quad])} CONTENT="{xml(word.text)}" '
        f'WC="{word.score:.4f}">{"".join(glyphs)}</String>\n'
    )


def _place(quads: Iterable[Quad]) -> str:
    left, top, right, bottom = box_of(quads)
    return f'HPOS="{left}" VPOS="{top}" WIDTH="{right - left}" HEIGHT="{bottom - top}"'
