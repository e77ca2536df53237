"""A table parted by tabs, as Tesseract writes it: a row a page, block, paragraph, line and word.

The columns are ``level page_num block_num par_num line_num word_num left top width height conf
text``; levels count from 1, page, to 5, word. Only words have a text and a ``conf`` of 0 to 100.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, TypeAlias

from shizi.formats.encode import put
from shizi.formats.tree import PixelBox, box_of, tree
from shizi.page import Page, Sheet
from shizi.terminal import printable

_COLUMNS = "level page_num block_num par_num line_num word_num left top width height conf text"
_Row: TypeAlias = tuple[Sequence[int], PixelBox, float, str]


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write the header, and the rows of each page as it comes; pages count from 1."""
    put(out, "\t".join(_COLUMNS.split()) + "\n")
    for number, sheet in enumerate(sheets, 1):
        for places, box, score, text in _rows(sheet.page):
            counts = [number, *places, *[0] * (4 - len(places))]
            left, top, right, bottom = box
            confidence = -1 if math.isnan(score) else round(100 * score, 2)
            row = [len(places) + 1, *counts, left, top, right - left, bottom - top, confidence]
            put(out, "\t".join([*map(str, row), printable(text)]) + "\n")


def _rows(page: Page) -> Iterator[_Row]:
    none = math.nan
    yield (), (0, 0, page.width, page.height), none, ""
    for b, block in enumerate(tree(page), 1):
        yield (b,), box_of([line.quad for part in block for line in part]), none, ""
        for p, paragraph in enumerate(block, 1):
            yield (b, p), box_of([line.quad for line in paragraph]), none, ""
            for n, line in enumerate(paragraph, 1):
                yield (b, p, n), box_of([line.quad]), none, ""
                for w, word in enumerate(line.words, 1):
                    yield (b, p, n, w), box_of([word.quad]), word.score, word.text
