"""What kind of set a path holds, and the functions that open it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from shizi.data import icdar, voc
from shizi.data.annotators import pages_of_label_studio, pages_of_labelme
from shizi.data.bad import BadRows
from shizi.data.doctr import lines_of_doctr, pages_of_doctr
from shizi.data.icdar import pages_of_icdar
from shizi.data.items import PageItem
from shizi.data.lines import Lines, lines_of_lmdb, lines_of_text
from shizi.data.pages import pages_of_jsonl, pages_of_paddle, pages_of_pictures
from shizi.data.reading import numbered_rows, read_json
from shizi.data.voc import pages_of_voc
from shizi.errors import DataError

ANGLES = (0, 90, 180, 270)


LineForm = Literal["lmdb", "text", "doctr lines"]
PageForm = Literal["jsonl", "paddle", "voc", "icdar", "doctr pages", "labelme", "label studio"]


class Labels(NamedTuple):
    """A set of one form; ``path`` is its label file, or the folder where it has none.

    ``root`` is the folder that its pictures are relative to, where that was told.
    """

    form: LineForm | PageForm
    path: Path
    root: Path | None = None


def open_lines(path: Path, bad: BadRows) -> Lines:
    """Open a line set, or all line sets below a folder.

    Pictures are read when they are asked for; docs/data.md names the forms.

    Args:
        path: a label file, a set's folder, or a folder of sets.
        bad: takes the rows that are left out.

    Raises:
        DataError: there is no line set, or ``bad`` is strict and a row is wrong.
    """
    found = find_sets(path)
    sets = [labels for labels in found if not is_pages(labels)]
    if found and not sets:
        raise DataError(f"{path} is a page set; cut its lines out first: shizi data convert")
    if not sets:
        raise DataError(f"{path} holds no line set: expected labels.tsv, data.mdb or rec_gt.txt")
    return Lines.joined(_lines(labels, bad) for labels in sets)


def open_pages(path: Path, bad: BadRows) -> list[PageItem]:
    """Open a page set, or all page sets below a folder; docs/data.md names the forms.

    Args:
        path: a label file, a set's folder, or a folder of sets.
        bad: takes the rows that are left out.

    Raises:
        DataError: there is no page set, or ``bad`` is strict and a row is wrong.
    """
    found = find_sets(path)
    sets = [labels for labels in found if is_pages(labels)]
    if found and not sets:
        raise DataError(f"{path} is a line set; pages with their lines in them are wanted")
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
    return labels.form in get_args(PageForm)


def find_sets(path: Path) -> list[Labels]:
    """Return the sets that a path holds: itself, or those in the folders below it.

    ``FILE@FOLDER`` names a label file whose pictures are relative to another folder.

    Raises:
        DataError: there is nothing at the path.
    """
    if path.is_file():
        return [_file(path)]
    if path.is_dir():
        return list(_folder(path)) or [
            labels
            for folder in sorted(path.iterdir())
            if folder.is_dir()
            for labels in find_sets(folder)
        ]
    name, at, root = str(path).rpartition("@")
    if at and Path(name).is_file() and Path(root).is_dir():
        labels = _file(Path(name))
        if labels.form not in ("text", "paddle"):
            raise DataError(f"{name} says itself where its pictures are; leave {at}{root} out")
        return [labels._replace(root=Path(root))]
    raise DataError(f"cannot read {path}: there is no such file or folder")


def weighed(paths: Sequence[Path]) -> tuple[list[Path], list[float]]:
    """Part ``PATH:WEIGHT`` into paths and weights; a path without one weighs 1.

    Returns:
        The paths, and the weights, none where no path has one.

    Raises:
        DataError: a weight is not above 0.
    """
    parts = [(path, None) if path.exists() else _parted(path) for path in paths]
    if all(weight is None for _, weight in parts):
        return list(paths), []
    weights = [1.0 if weight is None else weight for _, weight in parts]
    if not all(weight > 0 for weight in weights):
        raise DataError("the weight of a set is a number above 0; leave out what is not wanted")
    return [path for path, _ in parts], weights


def _parted(path: Path) -> tuple[Path, float | None]:
    match = re.fullmatch(r"(.+):(\d+(?:\.\d+)?)", str(path))
    return (Path(match[1]), float(match[2])) if match else (path, None)


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


def _lines(labels: Labels, bad: BadRows) -> Lines:
    match labels.form:
        case "lmdb":
            return lines_of_lmdb(labels.path, bad)
        case "doctr lines":
            return lines_of_doctr(labels.path, bad)
        case _:
            return lines_of_text(labels.path, bad, labels.root)


def _pages(labels: Labels, bad: BadRows) -> list[PageItem]:
    path = labels.path
    match labels.form:
        case "jsonl":
            return pages_of_jsonl(path, bad)
        case "paddle":
            return pages_of_paddle(path, bad, labels.root)
        case "icdar":
            return pages_of_icdar(path, bad)
        case "doctr pages":
            return pages_of_doctr(path, bad)
        case "labelme":
            return pages_of_labelme([path] if path.is_file() else sorted(path.glob("*.json")), bad)
        case "label studio":
            return pages_of_label_studio(path, bad)
        case _ if path.is_file():
            return pages_of_voc(path.parents[2], bad, path)
        case _:
            return pages_of_voc(path, bad)


LABEL_FILES = ("labels.tsv", "labels.jsonl", "labels.json", "Label.txt", "rec_gt.txt", "gt.txt")
"""Names that a folder's label file may have; PPOCRLabel writes both Label.txt and rec_gt.txt."""


def _folder(folder: Path) -> Iterator[Labels]:
    if (folder / "data.mdb").exists():
        yield Labels("lmdb", folder)
        return
    if (folder / voc.ANNOTATIONS).is_dir():
        yield Labels("voc", folder)
        return
    files = [folder / name for name in LABEL_FILES if (folder / name).exists()]
    if files:
        yield from map(_file, files)
    elif icdar.pairs(folder):
        yield Labels("icdar", folder)
    elif any(_is_labelme(file) for file in islice(sorted(folder.glob("*.json")), 1)):
        yield Labels("labelme", folder)


def _is_labelme(file: Path) -> bool:
    try:
        return _of_json(file).form == "labelme"
    except DataError:
        return False


_PLACED = re.compile(r'\[\{.*"(points|transcription)"\s*:')
"""How a page's lines begin in PaddleOCR's label files."""


def _file(file: Path) -> Labels:
    if file.name == "data.mdb":
        return Labels("lmdb", file.parent)
    if file.suffix == ".jsonl":
        return Labels("jsonl", file)
    if file.suffix == ".json":
        return _of_json(file)
    if file.parent.name == "Main" and file.parents[1].name == "ImageSets":
        return Labels("voc", file)
    _, first = next(numbered_rows(file, BadRows(quiet=True)), (1, ""))
    return Labels("paddle" if _PLACED.match(first.partition("\t")[2]) else "text", file)


def _of_json(file: Path) -> Labels:
    """Tell the forms of JSON apart by their outermost values."""
    match read_json(file):
        case [{"annotations": _}, *_]:
            return Labels("label studio", file)
        case {"shapes": _}:
            return Labels("labelme", file)
        case dict() as entries if entries:
            texts = isinstance(next(iter(entries.values())), str)
            return Labels("doctr lines" if texts else "doctr pages", file)
    raise DataError(f"{file} is not of docTR, labelme or Label Studio; shizi reads .jsonl itself")
