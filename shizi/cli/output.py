"""Where the results of a command go: standard output, a file, a folder of files or drawings."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from shizi.cli import STDIN, UsageError
from shizi.files import whole
from shizi.formats import FORMATS, FormatName
from shizi.formats.picture import is_drawing
from shizi.journal import Journal
from shizi.page import Sheet


@contextmanager
def opened(file: Path | None) -> Iterator[BinaryIO]:
    """Open a file, or standard output, for bytes.

    A regular file appears whole when all is written, or stays what it was.
    """
    if file is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.flush()
            yield sys.stdout.buffer
        else:  # one that takes text alone, such as a notebook's
            text = io.BytesIO()
            yield text
            sys.stdout.write(text.getvalue().decode("utf-8", "backslashreplace"))
    elif file.exists() and not file.is_file():  # a device or a named pipe
        with file.open("wb") as out:
            yield out
    else:
        with whole(file) as part, part.open("wb") as out:
            yield out


@contextmanager
def kept(target: Path, settings: str, *, resume: bool) -> Iterator[Journal]:
    """Keep pages beside the file that they are for, until it is written.

    If it is not, they stay, and stderr says so.
    """
    journal = Journal(target.with_name(f".{target.name}.pages"), settings, resume=resume)
    done = False
    try:
        yield journal
        done = True
    finally:
        journal.close(done=done)
        if not done and len(journal):
            pages = "1 page is" if len(journal) == 1 else f"{len(journal)} pages are"
            print(f"shizi: {pages} kept in {journal.path}; --resume goes on", file=sys.stderr)


class Drawings:
    """A folder of JPEG files, one a page, none of which hides another or any file not drawn here.

    The same pages get the same names again.
    """

    def __init__(self, folder: Path) -> None:
        _make(folder)
        self._folder = folder
        self._used: set[str] = set()

    def save(self, sheet: Sheet) -> Path:
        """Save a page's drawing under a name made of its source's, and return its path."""
        name = f"{_unlike(stem_of(sheet.page.source), self._used)}.jpg"
        while _is_foreign(self._folder / name):
            name = f"{_unlike(stem_of(sheet.page.source), self._used)}.jpg"
        with opened(self._folder / name) as out:
            FORMATS["picture"].write([sheet], out)
        return self._folder / name


class Folder:
    """A folder that gets a file for each input and format.

    Attributes:
        path: of the folder; made if it does not exist.
        drawn: the annotated pictures go there too.
        stems: how the files of each input are called but for their suffix, by its name.
    """

    def __init__(self, path: Path, formats: Iterable[FormatName], inputs: Iterable[str]) -> None:
        _make(path)
        formats = list(formats)
        self.path = path
        self.drawn = any(FORMATS[name].single for name in formats)
        self._formats = [name for name in formats if not FORMATS[name].single]
        self.stems: dict[str, str] = {}
        used: set[str] = set()
        for source in dict.fromkeys(inputs):
            self.stems[source] = _unlike(stem_of(source), used)

    def targets(self, stem: str) -> dict[FormatName, Path]:
        """The files of an input."""
        return {name: self.path / f"{stem}{FORMATS[name].suffix}" for name in self._formats}

    def there(self) -> Path | None:
        """The first of the files that exists already."""
        files = (path for stem in self.stems.values() for path in self.targets(stem).values())
        return next((path for path in files if path.exists()), None)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder}: is a file, or lies in one; name a folder") from error


def _unlike(stem: str, used: set[str]) -> str:
    """Number a name that is used already; case is no difference."""
    name, n = stem, 1
    while name.casefold() in used:
        n += 1
        name = f"{stem}-{n}"
    used.add(name.casefold())
    return name


def _is_foreign(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return not is_drawing(file)
    except FileNotFoundError:
        return path.is_symlink()
    except OSError:
        return True


def stem_of(source: str) -> str:
    """``folder/scan.pdf#3`` becomes ``scan-p3``."""
    source = re.sub(rf"^(-|{STDIN})(?=#|$)", "stdin", source)
    page = re.fullmatch(r"(.*)#(\d+)", source, re.DOTALL)
    return f"{Path(page[1]).stem}-p{page[2]}" if page else Path(source).stem
