"""What kind of set a path holds, and the functions that open it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from shizi.data import icdar, voc
from shizi.data.bad import BadRows
from shizi.data.icdar import pages_of_icdar
from shizi.data.items import PageItem
from shizi.data.lines import Lines, lines_of_lmdb, lines_of_text, numbered_rows
from shizi.data.pages import pages_of_jsonl, pages_of_paddle, pages_of_pictures
from shizi.data.voc import pages_of_voc
from shizi.errors import DataError

ANGLES = (0, 90, 180, 270)


class Labels(NamedTuple):
    """A set of one form; ``path`` is its label file, or the folder where it has none."""

    form: Literal["lmdb", "text", "jsonl", "paddle", "voc", "icdar"]
    path: Path


def open_lines(path: Path, bad: BadRows) -> Lines:
    """Open a line set, or all line sets below a folder.

    Understood are the folder of an LMDB, labels.tsv or its folder, and label files of
    PaddleOCR for recognition. Pictures are read when they are asked for.

    Args:
        path: a label file, a set's folder, or a folder of sets.
        bad: takes the rows that are left out.

    Raises:
        DataError: there is no line set, or ``bad`` is strict and a row is wrong.
    """
    parts = []
    for form, where in find_sets(path):
        if form == "lmdb":
            parts.append(lines_of_lmdb(where, bad))
        elif form == "text":
            parts.append(lines_of_text(where, bad))
    if not parts:
        raise DataError(f"{path} holds no line set: expected labels.tsv, data.mdb or rec_gt.txt")
    return Lines.joined(parts)


def open_pages(path: Path, bad: BadRows) -> list[PageItem]:
    """Open a page set, or all page sets below a folder.

    Understood are labels.jsonl or its folder, label files of PaddleOCR for detection,
    folders of Pascal VOC or a file of their ImageSets/Main, and folders of ICDAR 2013 or 2015.

    Args:
        path: a label file, a set's folder, or a folder of sets.
        bad: takes the rows that are left out.

    Raises:
        DataError: there is no page set, or ``bad`` is strict and a row is wrong.
    """
    sets = [labels for labels in find_sets(path) if is_pages(labels)]
    if not sets:
        raise DataError(f"{path} holds no page set: expected labels.jsonl, Label.txt, VOC or ICDAR")
    return [page for labels in sets for page in _pages(labels, bad)]


def open_upright(path: Path, bad: BadRows) -> list[PageItem]:
    """Open pages that stand upright, or that are known to be turned, for orientation.

    Understood is all that :func:`open_pages` understands, a folder with the folders 0, 90,
    180 and 270 (degrees clockwise by which the pictures in them are turned), and any folder
    of upright pictures.

    Raises:
        DataError: there is no picture, or ``bad`` is strict and a row is wrong.
    """
    turned = [(path / str(angle), angle) for angle in ANGLES]
    if any(folder.is_dir() for folder, _ in turned):
        return [page for folder, angle in turned for page in pages_of_pictures(folder, angle)]
    if any(is_pages(labels) for labels in find_sets(path)):
        return open_pages(path, bad)
    pages = pages_of_pictures(path)
    if not pages:
        raise DataError(f"{path} holds no picture")
    return pages


def is_pages(labels: Labels) -> bool:
    """Say whether a set's labels are of pages; the others are of lines."""
    return labels.form in ("jsonl", "paddle", "voc", "icdar")


def find_sets(path: Path) -> list[Labels]:
    """Return the sets that a path holds: itself, or those in the folders below it.

    Raises:
        DataError: there is nothing at the path.
    """
    if path.is_file():
        return [_file(path)]
    if not path.is_dir():
        raise DataError(f"cannot read {path}: there is no such file or folder")
    return list(_folder(path)) or [
        labels
        for folder in sorted(path.iterdir())
        if folder.is_dir()
        for labels in find_sets(folder)
    ]


def apart(paths: Sequence[Path]) -> dict[str, Path]:
    """Name sets by the last parts of their paths, as many as tell them from each other.

    Raises:
        DataError: a set is named twice.
    """
    whole = [path.resolve() for path in paths]
    if twice := next((p for p, w in zip(paths, whole, strict=True) if whole.count(w) > 1), None):
        raise DataError(f"{twice} is named twice; name it once")
    return {_tail(place, whole): path for place, path in zip(whole, paths, strict=True)}


def _tail(place: Path, others: Sequence[Path]) -> str:
    """The last parts of a path, as many as no other path ends with."""
    for count in range(1, len(place.parts)):
        tail = place.parts[-count:]
        if sum(other.parts[-count:] == tail for other in others) == 1:
            return "/".join(tail)
    return str(place)


def _pages(labels: Labels, bad: BadRows) -> list[PageItem]:
    match labels.form:
        case "jsonl":
            return pages_of_jsonl(labels.path, bad)
        case "paddle":
            return pages_of_paddle(labels.path, bad)
        case "icdar":
            return pages_of_icdar(labels.path, bad)
        case _ if labels.path.is_file():
            return pages_of_voc(labels.path.parents[2], bad, labels.path)
        case _:
            return pages_of_voc(labels.path, bad)


def _folder(folder: Path) -> Iterator[Labels]:
    if (folder / "data.mdb").exists():
        yield Labels("lmdb", folder)
    elif (folder / voc.ANNOTATIONS).is_dir():
        yield Labels("voc", folder)
    else:
        # PPOCRLabel writes both Label.txt and rec_gt.txt.
        names = ("labels.tsv", "labels.jsonl", "Label.txt", "rec_gt.txt")
        files = [folder / name for name in names if (folder / name).exists()]
        yield from map(_file, files)
        if not files and icdar.pairs(folder):
            yield Labels("icdar", folder)


def _file(file: Path) -> Labels:
    if file.name == "data.mdb":
        return Labels("lmdb", file.parent)
    if file.suffix == ".jsonl":
        return Labels("jsonl", file)
    if file.parent.name == "Main" and file.parents[1].name == "ImageSets":
        return Labels("voc", file)
    _, first = next(numbered_rows(file, BadRows()), (1, ""))
    return Labels("paddle" if first.partition("\t")[2].startswith("[{") else "text", file)
