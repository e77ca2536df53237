"""What the readers of label files share: rows, JSON, and where the pictures lie."""

from __future__ import annotations

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shizi.data.bad import BadRows
from shizi.errors import DataError


def numbered_rows(file: Path, bad: BadRows) -> Iterator[tuple[int, str]]:
    """Yield the rows of a UTF-8 file that are not blank, numbered from 1, without their end.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with file.open("rb") as rows:
            for number, row in enumerate(rows, 1):
                if number == 1 and row.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                    raise DataError(f"{file} is UTF-16; save it as UTF-8")
                try:
                    text = row.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError:
                    bad.add(f"{file}:{number}: not UTF-8")
                    continue
                if text.strip():
                    yield number, text
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error


def read_json(file: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{file} is no JSON: {error}") from error


def root_of(file: Path, picture: Path | str) -> Path:
    """Return the folder that a label file's pictures are relative to.

    Tools name them relative to the file's own folder, to ``images`` in it or beside it, or to
    some folder above.
    """
    own = file.parent
    places = [own, own / "images", own.parent / "images", *own.parents]
    return next((place for place in places if (place / picture).exists()), own)


def picture_in(file: Path, name: str) -> Path:
    """Return the path of a picture that a label file names."""
    return root_of(file, name) / name
