"""What annotation tools write: labelme, Label Studio."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import cos, radians, sin
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from shizi.data.bad import BadRows
from shizi.data.items import PageItem
from shizi.data.pages import Label, legible, make_page, rectangle
from shizi.data.reading import picture_in, read_json
from shizi.errors import DataError


class _Sheet(NamedTuple):
    """One file of labelme."""

    file: Path
    picture: str
    shapes: list[dict[str, Any]]


def pages_of_labelme(files: Iterable[Path], bad: BadRows) -> list[PageItem]:
    """Read labelme's files, one a picture: ``{"imagePath", "shapes": [{"label", "points"}]}``.

    A shape says its description where any shape of the set has one, and otherwise its label;
    where all have one label, it is the name of a class and texts are not known.

    Raises:
        DataError: ``bad`` is strict and a file is wrong.
    """
    sheets = list(_sheets(files, bad))
    shapes = [shape for sheet in sheets for shape in sheet.shapes]
    key = "description" if any(shape.get("description") for shape in shapes) else "label"
    known = key == "description" or len({shape.get("label") for shape in shapes}) > 1
    pages = []
    for file, picture, own in sheets:
        texts = [str(shape.get(key) or "") if known else "" for shape in own]
        labels = [
            legible(_corners(shape), text, f"{file}: shape {i}")
            for i, (shape, text) in enumerate(zip(own, texts, strict=True), 1)
        ]
        pages.append(make_page(picture_in(file, picture), labels, str(file), bad))
    return pages


def _sheets(files: Iterable[Path], bad: BadRows) -> Iterator[_Sheet]:
    for file in files:
        try:
            content = read_json(file)
            shapes = [dict(shape) for shape in content["shapes"]]
            yield _Sheet(file, content["imagePath"].replace("\\", "/"), shapes)
        except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
            bad.add(f"{file}: not a file of labelme ({error})")


def _corners(shape: dict[str, Any]) -> Any:
    """The quad of a shape; None of one that bounds no area, such as a point."""
    if shape.get("shape_type") != "rectangle":
        return rectangle(shape.get("points"))
    try:
        (x0, y0), (x1, y1) = shape["points"]  # any two opposite corners
        left, right, top, low = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    except (KeyError, TypeError, ValueError):
        return None
    return [[left, top], [right, top], [right, low], [left, low]]


def pages_of_label_studio(file: Path, bad: BadRows) -> list[PageItem]:
    """Read Label Studio's JSON export of its template for OCR.

    A region is a rectangle or polygon in percent of the picture; a text area of the same id
    says what it reads. Of several annotations of a task the last that was not cancelled counts.

    Raises:
        DataError: the file cannot be read, or ``bad`` is strict and a task is wrong.
    """
    pages = []
    for number, task in enumerate(read_json(file), 1):
        where = f"{file}: task {number}"
        try:
            done = [a for a in task["annotations"] if not a.get("was_cancelled")]
            results = done[-1]["result"] if done else []
            labels = list(_regions(results, where))
            names = [value for value in task["data"].values() if isinstance(value, str)]
            if not names:
                raise ValueError("it names no picture")
            picture = _stored(file, names[0])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            bad.add(f"{where}: not a task with regions and texts ({error})")
            continue
        if not done:
            bad.add(f"{where}: has no annotation")
            continue
        pages.append(make_page(picture, labels, where, bad))
    return pages


def _regions(results: list[dict[str, Any]], where: str) -> Iterator[Label]:
    """Yield a label a region; its parts share an id."""
    texts: dict[str, str] = {}
    quads: dict[str, Any] = {}
    for result in results:
        value = result["value"]
        if "text" in value:
            told = value["text"]
            texts[result["id"]] = " ".join(told) if isinstance(told, list) else str(told)
        if "points" in value or "width" in value:
            size = float(result["original_width"]), float(result["original_height"])
            quads[result["id"]] = _region(value, size)
    for i, (key, quad) in enumerate(quads.items(), 1):
        yield legible(quad, texts.get(key, ""), f"{where}: region {i}")


def _region(value: dict[str, Any], size: tuple[float, float]) -> Any:
    """Corners in pixels of a region in percent; a rectangle is turned about its top left."""
    wide, high = size[0] / 100, size[1] / 100
    if "points" in value:
        return rectangle([[x * wide, y * high] for x, y in value["points"]])
    left, top = value["x"] * wide, value["y"] * high
    across, down = value["width"] * wide, value["height"] * high
    turn = radians(value.get("rotation") or 0)  # clockwise
    right, low = (across * cos(turn), across * sin(turn)), (-down * sin(turn), down * cos(turn))
    return [
        [left + a * right[0] + b * low[0], top + a * right[1] + b * low[1]]
        for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))
    ]


def _stored(file: Path, address: str) -> Path:
    """The picture of a task: by its name, with or without the mark that an upload puts first."""
    parts = urlsplit(address)
    name = PurePosixPath(unquote(parse_qs(parts.query).get("d", [parts.path])[0])).name
    plain = re.sub(r"^[0-9a-f]{8}-", "", name)
    found = picture_in(file, name)
    return found if found.exists() else picture_in(file, plain)
