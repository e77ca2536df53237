"""docTR's labels.json: an object whose keys name the pictures in the folder ``images``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shizi.data.bad import BadRows
from shizi.data.items import PageItem
from shizi.data.lines import Lines, lines_of_rows
from shizi.data.pages import Label, make_page, rectangle
from shizi.data.reading import picture_in, read_json, root_of


def lines_of_doctr(file: Path, bad: BadRows) -> Lines:
    """Read ``{"picture": "text"}``, the form for recognition.

    Raises:
        DataError: the file cannot be read, or ``bad`` is strict and a text is none.
    """
    rows = []
    for number, (picture, text) in enumerate(read_json(file).items(), 1):
        if isinstance(text, str):
            rows.append((number, picture, text))
        else:
            bad.add(f"{file}: entry {number}: expected a text")
    root = root_of(file, rows[0][1]) if rows else file.parent
    return lines_of_rows(file, root, rows)


def pages_of_doctr(file: Path, bad: BadRows) -> list[PageItem]:
    """Read ``{"picture": {"polygons": […]}}``, the form for detection; texts are not known.

    The polygons, in pixels, may be grouped by class.

    Raises:
        DataError: the file cannot be read, or ``bad`` is strict and an entry is wrong.
    """
    pages = []
    for number, (picture, entry) in enumerate(read_json(file).items(), 1):
        where = f"{file}: entry {number}"
        try:
            polygons: Any = entry["polygons"]
            if isinstance(polygons, dict):
                polygons = [polygon for group in polygons.values() for polygon in group]
            labels = [
                Label(rectangle(polygon), "", False, f"{where}: polygon {i}")
                for i, polygon in enumerate(polygons, 1)
            ]
        except (KeyError, TypeError) as error:
            bad.add(f"{where}: expected polygons ({error})")
            continue
        pages.append(make_page(picture_in(file, picture), labels, where, bad))
    return pages
