"""hOCR 1.2: HTML that holds the place of each block, paragraph, line, word and character."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from shizi.formats.encode import put, xml
from shizi.formats.tree import box_of, tree, turned
from shizi.page import Line, Page, Quad, Sheet, Word

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" \
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="zh" lang="zh">
<head>
<title></title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<meta name="ocr-system" content="shizi" />
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrx_cinfo" />
</head>
<body>
"""
_FOOT = "</body>\n</html>\n"


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write each page as it comes."""
    put(out, _HEAD)
    for number, sheet in enumerate(sheets, 1):
        for text in _page(sheet.page, number):
            put(out, text)
    put(out, _FOOT)


def _page(page: Page, number: int) -> Iterator[str]:
    name = page.source.replace('"', "'")  # which stands in quotes
    title = f'image "{name}"; bbox 0 0 {page.width} {page.height}; ppageno {page.number - 1}'
    if page.dpi:
        title += f"; scan_res {page.dpi:.0f} {page.dpi:.0f}"
    yield f'<div class="ocr_page" id="page_{number}" title="{xml(title)}">\n'
    lines = 0
    for b, block in enumerate(tree(page), 1):
        box = _box([line.quad for part in block for line in part])
        yield f'<div class="ocr_carea" id="block_{number}_{b}" title="{box}">\n'
        for p, paragraph in enumerate(block, 1):
            box = _box([line.quad for line in paragraph])
            yield f'<p class="ocr_par" id="par_{number}_{b}_{p}" title="{box}">\n'
            for line in paragraph:
                lines += 1
                yield _line(line, f"{number}_{lines}")
            yield "</p>\n"
        yield "</div>\n"
    yield "</div>\n"


def _line(line: Line, number: str) -> str:
    title = _box([line.quad])
    angle = (-turned(line)) % 360  # hOCR counts counter-clockwise
    if 0.5 < angle < 359.5:
        title += f"; textangle {angle:.1f}"
    words = (_word(line, word, f"{number}_{n}") for n, word in enumerate(line.words, 1))
    return f'<span class="ocr_line" id="line_{number}" title="{title}">{" ".join(words)}</span>\n'


def _word(line: Line, word: Word, number: str) -> str:
    text = xml(word.text)
    if line.chars:  # else nobody knows where each stands
        text = "".join(
            f'<span class="ocrx_cinfo" title="x_bboxes{_box([line.part(c.start, c.end)])[4:]}; '
            f'x_conf {100 * c.score:.0f}">{xml(c.text)}</span>'
            for c in word.chars
        )
    title = f"{_box([word.quad])}; x_wconf {100 * word.score:.0f}"
    return f'<span class="ocrx_word" id="word_{number}" title="{title}">{text}</span>'


def _box(quads: Iterable[Quad]) -> str:
    return "bbox " + " ".join(map(str, box_of(quads)))
