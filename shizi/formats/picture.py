"""The annotated picture, a JPEG: see :mod:`shizi.formats.drawing`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import BinaryIO

import PIL.Image

from shizi.errors import WriteError
from shizi.formats.drawing import draw
from shizi.page import Sheet

_LONGEST = 65_500  # pixels a side of a JPEG
_MARK = b"drawn by shizi"


def write(sheets: Iterable[Sheet], out: BinaryIO) -> None:
    """Write the one page.

    Raises:
        WriteError: none, several, or one without its picture.
    """
    found = list(islice(sheets, 2))
    if len(found) != 1:
        raise WriteError(
            f"an annotated picture shows one page, not {'several' if found else 'none'}"
        )
    (sheet,) = found
    if sheet.image is None:
        raise WriteError(f"{sheet.page.source}: drawing needs the picture; give Sheet(page, image)")
    picture = PIL.Image.fromarray(draw(sheet.page, sheet.image))
    picture.thumbnail((_LONGEST, _LONGEST))
    picture.save(out, "JPEG", quality=90, comment=_MARK)


def is_drawing(file: BinaryIO) -> bool:
    """Whether a file was written by :func:`write`."""
    try:
        with PIL.Image.open(file, formats=("JPEG",)) as picture:
            return picture.info.get("comment") == _MARK
    except (OSError, ValueError, SyntaxError):
        return False
