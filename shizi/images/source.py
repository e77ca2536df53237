"""Where pictures come from: paths, folders, bytes, open files."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from shizi.errors import ImageError

Encoded: TypeAlias = str | Path | bytes | bytearray | memoryview | BinaryIO
"""A file: its path, its bytes, or an open binary file."""

Source: TypeAlias = Encoded | NDArray[Any] | PIL.Image.Image
"""What can be read: a path, a file's bytes, an open binary file, an RGB array, a PIL picture."""

_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2")
_WEB = (".png", ".gif", ".webp", ".avif")
_PLAIN = (".tif", ".tiff", ".bmp", ".dib", ".ppm", ".pgm", ".pbm")
SUFFIXES = frozenset((*_JPEG, *_WEB, *_PLAIN, ".pdf"))
"""Names that :func:`find` takes for a picture or a PDF."""


_GIVE = "give a path, the bytes of a file, a binary file, an array or a PIL picture"


def name_of(source: Source) -> str:
    """Name a source for people: the path as given, or ``<bytes>``, ``<array>`` and the like."""
    match source:
        case str() | Path():
            return str(source)
        case bytes() | bytearray() | memoryview():
            return "<bytes>"
        case np.ndarray():
            return "<array>"
        case PIL.Image.Image():
            return "<image>"
        case _ if hasattr(source, "read"):
            return "<file>"
        case _:
            return f"<{type(source).__name__}>"


def find(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Expand folders into the pictures and PDFs under them, in sorted order.

    Given files are kept whatever their name. So is a folder without pictures or one
    that may not be listed: loading it then says what is wrong. Hidden files and
    folders are passed over.
    """
    for path in map(Path, paths):
        found = False
        for file in _walk(path) if path.is_dir() else ():
            found = True
            yield file
        if not found:
            yield path


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            # A link to a folder may lead back up.
            yield from () if entry.is_symlink() else _walk(entry)
        elif entry.suffix.lower() in SUFFIXES:
            yield entry


def opened(source: Encoded, name: str) -> AbstractContextManager[BinaryIO]:
    """Open a source as a seekable binary file; a file that the caller opened stays open.

    Raises:
        ImageError: missing, a folder, not permitted, closed, empty, or not a source at all.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        file: BinaryIO = io.BytesIO(source)
    elif isinstance(source, str | Path):
        try:
            file = Path(source).open("rb")  # noqa: SIM115 - the caller closes it
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            raise ImageError(f"{name}: {_why_unopened(source, error)}") from error
    elif hasattr(source, "read"):
        file = source
    else:
        raise ImageError(f"{name}: is of type {type(source).__name__}; {_GIVE}")
    try:
        if not file.seekable():  # a pipe, such as the shell's <(…)
            with file:
                file = io.BytesIO(file.read())
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        text = isinstance(file.read(0), str)
    except (OSError, ValueError) as error:  # ValueError: the file is closed
        raise ImageError(f"{name}: cannot be read ({reason(error)}); give an open file") from error
    if not size:
        file.close()
        raise ImageError(f"{name}: is empty (0 bytes); copy or save the file again")
    if text:
        raise ImageError(f"{name}: is open as text; open it in binary mode, as in open(…, 'rb')")
    return nullcontext(file) if file is source else file


def _why_unopened(source: str | Path, error: Exception) -> str:
    if isinstance(error, OSError):
        match error.errno:
            case errno.ENOENT | errno.ENOTDIR:
                return f"no such file; {_instead(str(source))}"
            case errno.EISDIR:
                return "is a folder with no picture in it; name a picture or another folder"
            case errno.EACCES | errno.EPERM:
                if Path(source).is_dir():
                    return "the folder may not be listed; give yourself permission to read it"
                return "may not be read; give yourself permission to read it"
    return f"cannot be opened ({reason(error)}); check the path"


def _instead(path: str) -> str:
    """What to do about a path that there is not."""
    if "://" in path:
        return "only files are read: download it first"
    if any(sign in path for sign in "*?["):
        return "patterns are left to the shell: name the folder, or leave out the quotes"
    return "check the path"


def reason(error: Exception) -> str:
    """An exception's own words, on one line."""
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return " ".join(text.split())
