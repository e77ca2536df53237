"""Where the results of a command go: standard output, a file, a folder of drawings."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import PIL.Image

from shizi.files import whole
from shizi.page import Image

_JPEG_SIDE = 65_500


@contextmanager
def opened(file: Path | None) -> Iterator[TextIO]:
    """Open a file, or standard output, for text in UTF-8.

    A regular file appears whole when all is written, or stays what it was.
    """
    if file is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Names of files may hold bytes that are no UTF-8; escaped so, JSON stays JSON.
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        yield sys.stdout
    elif file.exists() and not file.is_file():  # a device or a named pipe
        with file.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as out:
            yield out
    else:
        with (
            whole(file) as part,
            part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as out,
        ):
            yield out


class Drawings:
    """A folder of JPEG files, one a page, none of which hides another or an input."""

    def __init__(self, folder: Path, inputs: Iterable[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        here = folder.resolve()
        paths = map(Path, inputs)
        self._used = {p.name.casefold() for p in paths if p.parent.resolve() == here}

    def save(self, source: str, picture: Image) -> Path:
        """Save a page's drawing under a name made of its source's, and return its path."""
        stem = _stem(source)
        name, n = f"{stem}.jpg", 1
        while name.casefold() in self._used:
            n += 1
            name = f"{stem}-{n}.jpg"
        self._used.add(name.casefold())
        image = PIL.Image.fromarray(picture)
        image.thumbnail((_JPEG_SIDE, _JPEG_SIDE))
        image.save(self._folder / name, quality=90)
        return self._folder / name


def _stem(source: str) -> str:
    """``folder/scan.pdf#3`` becomes ``scan-p3``."""
    if source.startswith("-"):
        source = f"stdin{source[1:]}"
    page = re.fullmatch(r"(.*)#(\d+)", source)
    return f"{Path(page[1]).stem}-p{page[2]}" if page else Path(source).stem
