"""Pascal VOC annotations, as text-detection-ctpn uses them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shizi.data.bad import BadRows
from shizi.data.items import PageItem
from shizi.data.lines import numbered_rows
from shizi.data.pages import Label, make_page, pictures_in
from shizi.geometry import box_to_quad
from shizi.page import Quads

ANNOTATIONS, PICTURES = "Annotations", "JPEGImages"
SIDES = ("xmin", "ymin", "xmax", "ymax")
COLUMN = 16
"""Width of the proposals that text-detection-ctpn cuts lines into, pixels."""

Boxes = NDArray[np.float64]


def pages_of_voc(folder: Path, bad: BadRows, chosen: Path | None = None) -> list[PageItem]:
    """Read ``Annotations/*.xml`` beside ``JPEGImages``; the lines' texts are not known.

    Where all boxes of a picture are pieces of 16 px columns, they are put together into
    lines again: targets cut lines by themselves, at any scale.

    Args:
        folder: that holds both folders.
        bad: takes files that are no annotation or have no picture.
        chosen: a file of ImageSets/Main that names the pictures to take; all if None.

    Raises:
        DataError: ``bad`` is strict and a file is wrong.
    """
    pictures = {p.stem: p for p in pictures_in(folder / PICTURES)}
    if chosen:  # a row is a name, in some sets with a flag after it
        names = [row.split()[0] for _, row in numbered_rows(chosen, bad)]
        files = [folder / ANNOTATIONS / f"{name}.xml" for name in names]
    else:
        files = sorted((folder / ANNOTATIONS).glob("*.xml"))
    pages = []
    for file in files:
        try:
            boxes, difficult = _objects(file)
            picture = pictures[file.stem]
        except KeyError:
            bad.add(f"{file}:1: there is no picture {file.stem} in {folder / PICTURES}")
        except (OSError, ValueError, ET.ParseError) as error:
            bad.add(f"{file}:1: not an annotation ({error})")
        else:
            pages.append(make_page(picture, _labels(boxes, difficult, file), str(file), bad))
    return pages


def _objects(file: Path) -> tuple[Boxes, list[bool]]:
    """Boxes (N, 4), left, top, right, bottom, and which of them are marked difficult."""
    found = ET.parse(file).getroot().findall("object")
    boxes = [[float(thing.findtext(f"bndbox/{side}", "")) for side in SIDES] for thing in found]
    difficult = [thing.findtext("difficult", "0").strip() == "1" for thing in found]
    return np.array(boxes, np.float64).reshape(-1, 4), difficult


def annotation(
    picture: str, size: tuple[int, int], quads: Quads, ignore: NDArray[np.bool_]
) -> ET.ElementTree[ET.Element]:
    """Return the annotation of a picture: an upright box of class text around each line.

    Args:
        picture: its file name.
        size: height and width, pixels.
        quads: shape (N, 4, 2).
        ignore: shape (N,); these are marked difficult.
    """
    root = ET.Element("annotation")
    ET.SubElement(root, "filename").text = picture
    shape = ET.SubElement(root, "size")
    for name, value in zip(("height", "width", "depth"), (*size, 3), strict=True):
        ET.SubElement(shape, name).text = str(value)
    for quad, difficult in zip(quads, ignore, strict=True):
        thing = ET.SubElement(root, "object")
        ET.SubElement(thing, "name").text = "text"
        ET.SubElement(thing, "difficult").text = str(int(difficult))
        box = ET.SubElement(thing, "bndbox")
        corners = (*quad.min(0), *quad.max(0))
        for side, value in zip(SIDES, corners, strict=True):
            ET.SubElement(box, side).text = str(round(float(value)))
    ET.indent(root)
    return ET.ElementTree(root)


def _labels(boxes: Boxes, difficult: list[bool], file: Path) -> Iterator[Label]:
    origin = first_column(boxes)
    if origin is not None:
        for i, quad in enumerate(rejoined(boxes, origin), 1):
            yield Label(quad, "", False, f"{file}: line {i}")
    else:
        for i, (quad, skip) in enumerate(zip(box_to_quad(boxes), difficult, strict=True), 1):
            yield Label(quad, "", skip, f"{file}: object {i}")


def first_column(boxes: Boxes) -> int | None:
    """Where columns of 16 px begin if each of the boxes (N, 4) lies within one; else None.

    Pixels are counted from 0 or, as VOC does, from 1. Where a line ends on the first pixel of
    a column, text-detection-ctpn's last piece is 17 px wide; this is tried second.
    """
    if not len(boxes):
        return None
    left, right = boxes[:, 0], boxes[:, 2]
    for wide in (False, True):
        for origin in (0, 1):
            over = wide & (right > left) & ((right - origin) % COLUMN == 0)  # (N,)
            if bool(((left - origin) // COLUMN == (right - over - origin) // COLUMN).all()):
                return origin
    return None


def rejoined(boxes: Boxes, origin: int) -> Quads:
    """Put proposals (N, 4) that continue each other together into lines (M, 4, 2).

    A piece at the start of a column continues one that ends with the column before, when
    the two share most of their height. A line's edges are fitted through those of its
    pieces, so it may be tilted.
    """
    order = np.argsort(boxes[:, 0], kind="stable")
    chains: list[list[int]] = []
    for i in map(int, order):
        starts = (boxes[i, 0] - origin) % COLUMN == 0
        ends = [(_shared(boxes[c[-1]], boxes[i]), n) for n, c in enumerate(chains) if starts]
        shared, best = max(ends, default=(0.0, 0))
        if shared > 0.5:
            chains[best].append(i)
        else:
            chains.append([i])
    return np.array([_outline(boxes[c]) for c in chains], np.float32).reshape(-1, 4, 2)


def _shared(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """IoU of two boxes' heights if b begins one pixel after a's last, otherwise 0."""
    if b[0] - a[2] != 1:
        return 0.0
    inter = min(a[3], b[3]) - max(a[1], b[1])
    union = max(a[3], b[3]) - min(a[1], b[1])
    return float(max(inter, 0) / max(union, 1e-6))


def _outline(pieces: Boxes) -> Quads:
    """The quad (4, 2) around pieces (N, 4) from left to right."""
    left, right = pieces[0, 0], pieces[-1, 2]
    middle = (pieces[:, 0] + pieces[:, 2]) / 2
    degree = min(1, len(pieces) - 1)
    top, low = (np.polyfit(middle, pieces[:, side], degree) for side in (1, 3))
    corners = [(x, np.polyval(edge, x)) for edge, x in ((top, left), (top, right))]
    corners += [(x, np.polyval(edge, x)) for edge, x in ((low, right), (low, left))]
    return np.array(corners, np.float32)
