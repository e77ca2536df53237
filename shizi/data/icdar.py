"""ICDAR 2013 and 2015: a text file a picture, a row a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from shizi.data.bad import BadRows
from shizi.data.items import PageItem
from shizi.data.pages import Label, legible, make_page, pictures_in, quads_of_boxes
from shizi.data.proposals import labels_of_boxes
from shizi.data.reading import numbered_rows

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_COMMA = r"\s*,\s*"
_GAP = r"(?:\s*,\s*|\s+)"
FAULT = 'expected x1,y1,…,x4,y4,text or left, top, right, bottom, "text"'
_QUAD = re.compile(rf"\s*{_COMMA.join([_NUMBER] * 8)}\s*(?:,(.*))?")
_PROPOSAL = re.compile(rf"\s*{_COMMA.join([_NUMBER] * 4)}\s*")
_BOX = re.compile(rf'\s*{_GAP.join([_NUMBER] * 4)}{_GAP}(".*")\s*')


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Find text files with a picture of the same name, a leading ``gt_`` apart.

    Both stand in one folder, or the text files in one and the pictures in another below it.
    """
    texts, pictures = _texts(folder), list(pictures_in(folder))
    if not texts or not pictures:
        below = [f for f in sorted(folder.iterdir()) if f.is_dir()]
        texts = [t for f in below for t in _texts(f)]
        pictures = [p for f in below for p in pictures_in(f)]
        if len({f.parent for f in texts}) != 1 or len({f.parent for f in pictures}) != 1:
            return []  # several sets, or none
    by_name = {picture.stem: picture for picture in pictures}
    named = [(t, by_name.get(t.stem) or by_name.get(t.stem.removeprefix("gt_"))) for t in texts]
    return [(text, picture) for text, picture in named if picture]


def _texts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.txt"))


def pages_of_icdar(folder: Path, bad: BadRows) -> list[PageItem]:
    """Read ``x1,y1,…,x4,y4,text`` (2015) or ``left, top, right, bottom, "text"`` (2013).

    The text ``###`` marks what is not to be learnt. In 2013's rows blanks may stand for commas.
    Files of ``left,top,right,bottom`` alone hold the proposals of text-detection-ctpn (branch
    banjin-dev), which are put together into lines again.

    Raises:
        DataError: a file cannot be read, or ``bad`` is strict and a row is wrong.
    """
    return [
        make_page(picture, _labels(text, bad), str(text), bad) for text, picture in pairs(folder)
    ]


def _labels(file: Path, bad: BadRows) -> Iterator[Label]:
    rows = list(numbered_rows(file, bad))
    boxes = {number: match for number, row in rows if (match := _PROPOSAL.fullmatch(row))}
    if 2 * len(boxes) > len(rows):  # a damaged row or two changes no form
        found = np.array([match.groups() for match in boxes.values()], np.float64)
        yield from labels_of_boxes(found, str(file))
        rows = [row for row in rows if row[0] not in boxes]
    for number, row in rows:
        where = f"{file}:{number}"
        if match := _QUAD.fullmatch(row):
            quad = np.array(match.groups()[:8], np.float32).reshape(4, 2)
        elif match := _BOX.fullmatch(row):
            (quad,) = quads_of_boxes(np.array([match.groups()[:4]], np.float32))
        else:
            yield Label(None, "", True, where, FAULT)
            continue
        yield legible(quad, _unquoted((match[match.re.groups] or "").strip()), where)


def _unquoted(text: str) -> str:
    """Drop the quotes around a text and the backslashes before those in it."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])
