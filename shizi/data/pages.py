"""Page sets: labels.jsonl, and PaddleOCR's label files for detection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.data.bad import BadRows
from shizi.data.items import PageItem
from shizi.data.reading import numbered_rows, root_of
from shizi.geometry import area, box_to_quad, is_mirrored, order_quad
from shizi.images.source import SUFFIXES
from shizi.page import Quads

ILLEGIBLE = ("###", "*")
"""Texts that say: there is text here, but nobody can read it."""

_PICTURES = SUFFIXES - {".pdf"}


FAULT = "expected four corners around an area"
MIRRORED = "expected the corners clockwise from the text's top-left; are x and y swapped?"


class Label(NamedTuple):
    """One line of a page as a file has it; the quad is anything of shape (4, 2).

    ``fault`` is what is wrong with it if that is no quad.
    """

    quad: Any
    text: str
    ignore: bool
    where: str
    fault: str = FAULT


def legible(quad: Any, text: str, where: str) -> Label:
    """Make a label of a format that marks illegible text with ``###`` or ``*``."""
    ignore = text in ILLEGIBLE
    return Label(quad, "" if ignore else text, ignore, where)


def make_page(path: Path, labels: Iterable[Label], where: str, bad: BadRows) -> PageItem:
    """Make a page of its lines; one whose quad is no quad, has no area or is mirrored is left out.

    Nobody knows then where that line stands, so the page does not count as complete.

    Raises:
        DataError: ``bad`` is strict and a quad is none, or has no area.
    """
    kept: list[tuple[NDArray[np.float32], Label]] = []
    complete = True
    for label in labels:
        quad = _quad(label.quad)
        if quad is None:
            bad.add(f"{label.where}: {label.fault}")
            complete = False
        elif is_mirrored(quad):
            bad.pass_over(f"{label.where}: {MIRRORED}")
            complete = False
        else:
            kept.append((quad, label))
    quads = np.array([quad for quad, _ in kept], np.float32).reshape(-1, 4, 2)
    ignore = np.array([label.ignore for _, label in kept], bool)
    texts = tuple(label.text for _, label in kept)
    return PageItem(path, quads, texts, ignore, complete=complete, where=where)


def _quad(points: Any) -> NDArray[np.float32] | None:
    try:
        quad = np.asarray(points, np.float32)
    except (TypeError, ValueError):
        return None
    good = quad.shape == (4, 2) and bool(np.isfinite(quad).all()) and float(area(quad)) >= 1
    return quad if good else None


def pages_of_jsonl(file: Path, bad: BadRows) -> list[PageItem]:
    """Read rows of ``{"image", "lines": [{"quad", "text", "ignore"}], "complete"}``.

    Raises:
        DataError: the file cannot be read, or ``bad`` is strict and a row is wrong.
    """
    pages = []
    for number, row in numbered_rows(file, bad):
        where = f"{file}:{number}"
        try:
            data = json.loads(row)
            labels = [
                Label(
                    line["quad"],
                    str(line.get("text", "")),
                    bool(line.get("ignore", False)),
                    f"{where}: line {i}",
                )
                for i, line in enumerate(data["lines"], 1)
            ]
            path, complete = file.parent / data["image"], bool(data.get("complete", True))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            bad.add(f"{where}: not a page label ({error})")
            continue
        page = make_page(path, labels, where, bad)
        pages.append(replace(page, complete=page.complete and complete))
    return pages


def pages_of_paddle(file: Path, bad: BadRows, root: Path | None = None) -> list[PageItem]:
    """Read PaddleOCR rows of ``picture<TAB>[{"transcription", "points"}]``.

    Outlines of more than four points become the smallest rectangle around them. What
    PPOCRLabel calls difficult is ignored.

    Args:
        file: the label file.
        bad: takes the rows that are left out.
        root: the folder that pictures are relative to; by default it is looked for.

    Raises:
        DataError: the file cannot be read, or ``bad`` is strict and a row is wrong.
    """
    pages = []
    for number, row in numbered_rows(file, bad):
        where = f"{file}:{number}"
        picture, _, labels = row.partition("\t")
        try:
            found = [
                _of_paddle(line, f"{where}: line {i}")
                for i, line in enumerate(json.loads(labels), 1)
            ]
        except (ValueError, KeyError, TypeError) as error:
            bad.add(f"{where}: expected image<TAB>[transcription, points] in JSON ({error})")
            continue
        place = (root or root_of(file, picture)) / picture
        pages.append(make_page(place, found, where, bad))
    return pages


def _of_paddle(line: dict[str, Any], where: str) -> Label:
    label = legible(rectangle(line["points"]), str(line["transcription"]), where)
    return label._replace(ignore=label.ignore or bool(line.get("difficult")))


def rectangle(points: Any) -> Any:
    """Return an outline as a hand has drawn it: of four points as it is, if it runs clockwise.

    Of one that runs the other way, as some draw them, the text's top-left is guessed to be that
    of the picture. Of more points the smallest rectangle around them is taken. What is no outline
    comes back as None.
    """
    try:
        if len(points) < 4:
            return None
        outline = np.asarray(points, np.float32)
        if len(points) == 4:
            return order_quad(outline) if is_mirrored(outline) else points
        return order_quad(cv2.boxPoints(cv2.minAreaRect(outline)))
    except (TypeError, ValueError, IndexError, cv2.error):
        return None


def quads_of_boxes(boxes: Any) -> Quads:
    """Return the quads (N, 4, 2) of boxes (N, 4) given by any two opposite corners."""
    x, y = np.sort(boxes[:, 0::2], 1), np.sort(boxes[:, 1::2], 1)  # (N, 2)
    return box_to_quad(np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], 1))


def pages_of_pictures(folder: Path, angle: int = 0) -> list[PageItem]:
    """Take every picture below a folder as a page whose text is not labelled."""
    none = np.zeros((0, 4, 2), np.float32)
    return [
        PageItem(path, none, (), np.zeros(0, bool), angle, complete=False)
        for path in pictures_in(folder, "**/*")
    ]


def pictures_in(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """Yield the pictures of a folder in the order of their names."""
    yield from sorted(p for p in folder.glob(pattern) if p.suffix.lower() in _PICTURES)
