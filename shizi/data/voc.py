"""Pascal VOC annotations, as text-detection-ctpn uses them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shizi.data.bad import BadRows
from shizi.data.items import PageItem
from shizi.data.pages import make_page, pictures_in
from shizi.data.proposals import Boxes, labels_of_boxes
from shizi.data.reading import numbered_rows
from shizi.page import Quads

ANNOTATIONS, PICTURES = "Annotations", "JPEGImages"
SIDES = ("xmin", "ymin", "xmax", "ymax")


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
            pages.append(
                make_page(picture, labels_of_boxes(boxes, str(file), difficult), str(file), bad)
            )
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
