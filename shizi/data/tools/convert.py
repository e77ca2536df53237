"""``shizi data convert``: any set becomes labels.tsv, labels.jsonl, an LMDB or Pascal VOC."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import PIL.Image

from shizi.crop import cut
from shizi.data import (
    BadRows,
    LineItem,
    PageItem,
    find_sets,
    is_pages,
    join_words,
    open_lines,
    open_pages,
    with_pictures,
)
from shizi.data.records import COUNT, image_key, label_key
from shizi.data.tools import tracked
from shizi.data.voc import ANNOTATIONS, PICTURES, annotation
from shizi.errors import DataError
from shizi.page import Image

if TYPE_CHECKING:
    import lmdb

FIRST_SIZE = 1 << 28
"""Bytes that an LMDB may hold before it has to grow; it is doubled then."""

Form = Literal["lines", "pages", "lmdb", "voc"]
Decoded = tuple[LineItem | PageItem, Image]
Crop = tuple[bytes, str]
"""An encoded picture and what it says."""


@dataclass(frozen=True)
class ConvertOptions:
    """What a set becomes.

    Attributes:
        to: lines (pictures and labels.tsv), lmdb (both of line crops), pages (pictures and
            labels.jsonl) or voc (Pascal VOC: upright boxes without texts). Line crops are cut
            out of pages where the source has pages.
        join_words: join word boxes that continue each other into lines first.
        val: share of the pictures, chosen at random, that go to OUT/val, the others to
            OUT/train; 0: all to OUT.
        seed: another seed chooses others.
        strict: stop at the first row that cannot be used.
    """

    to: Form
    join_words: bool = False
    val: float = 0.0
    seed: int = 1
    strict: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.val < 1:
            raise ValueError(f"--val is a share from 0 to below 1, not {self.val}")


def convert(source: Path, out: Path, options: ConvertOptions) -> tuple[int, int]:
    """Convert a set; ``out`` appears when all of it is written.

    Pictures are copied as they are stored, crops of pages saved as PNG.

    Returns:
        How many lines or pages were written, and how many rows were left out.

    Raises:
        DataError: there is no such set, nothing in it can be used, ``out`` exists already,
            pages are wanted of a line set, or a row is wrong and the options are strict.
    """
    bad = BadRows(options.strict)
    with _appearing(out) as folder:
        items = _open(source, options, bad)
        written = 0
        for name, indices in _shares(len(items), options):
            decoded = tracked(with_pictures(items, indices, bad), len(indices), "convert")
            written += _write(folder / name, options.to, decoded, bad)
        if not written:
            raise DataError(f"{source} holds nothing that can be converted")
    return written, bad.count


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """Yield a folder that becomes ``out`` at the end, or vanishes if that is not reached."""
    if out.exists():
        raise DataError(f"{out} exists already; name another folder, or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        yield part
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _open(source: Path, options: ConvertOptions, bad: BadRows) -> Sequence[LineItem | PageItem]:
    if not all(map(is_pages, find_sets(source))):
        if options.to in ("pages", "voc"):
            raise DataError(f"{source} holds line crops, which are no pages; choose --to lines")
        return open_lines(source, bad)
    pages = open_pages(source, bad)
    return [join_words(page) for page in pages] if options.join_words else pages


def _shares(count: int, options: ConvertOptions) -> list[tuple[str, Sequence[int]]]:
    """Folders under OUT and the items that go there."""
    if not options.val:
        return [("", range(count))]
    order = np.random.default_rng(options.seed).permutation(count)
    held = round(options.val * count)
    return [("train", sorted(order[held:].tolist())), ("val", sorted(order[:held].tolist()))]


def _write(folder: Path, form: Form, decoded: Iterable[Decoded], bad: BadRows) -> int:
    folder.mkdir(exist_ok=True)
    match form:
        case "lines":
            return _write_lines(folder, _crops(decoded, bad))
        case "pages":
            return _write_pages(folder, decoded)
        case "voc":
            return _write_voc(folder, decoded)
        case "lmdb":
            return _write_lmdb(folder, _crops(decoded, bad))


def _crops(decoded: Iterable[Decoded], bad: BadRows) -> Iterator[Crop]:
    """Yield line crops as they are stored, or cut out of pages; a text must be one line."""
    for item, image in decoded:
        for encoded, text in _crops_of(item, image):
            if "\n" in text or "\t" in text:
                bad.add(f"{item.where}: the text {text!r} has a tab or a line break")
            else:
                yield encoded, text


def _crops_of(item: LineItem | PageItem, image: Image) -> Iterator[Crop]:
    if isinstance(item, LineItem):
        yield item.encoded(), item.text
        return
    for quad, text, ignore in zip(item.quads, item.texts, item.ignore, strict=True):
        if text and not ignore:
            crop = cut(image, quad)
            yield cv2.imencode(".png", crop[:, :, ::-1])[1].tobytes(), text


def _save(folder: Path, number: int, encoded: bytes) -> str:
    """Write a picture; return its name relative to the set's folder."""
    name = f"images/{number // 1000:04d}/{number:07d}.{_kind(encoded)}"
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encoded)
    return name


def _kind(encoded: bytes) -> str:
    """Name of a picture's format, for its file name."""
    return str(PIL.Image.open(io.BytesIO(encoded)).format).lower()


def _write_lines(folder: Path, crops: Iterable[Crop]) -> int:
    number = 0
    with (folder / "labels.tsv").open("w", encoding="utf-8", newline="\n") as rows:
        for number, (encoded, text) in enumerate(crops, 1):
            rows.write(f"{_save(folder, number, encoded)}\t{text}\n")
    return number


def _write_pages(folder: Path, decoded: Iterable[Decoded]) -> int:
    number = 0
    with (folder / "labels.jsonl").open("w", encoding="utf-8", newline="\n") as rows:
        for number, (item, _) in enumerate(decoded, 1):
            assert isinstance(item, PageItem)
            lines = [
                {"quad": quad.tolist(), "text": text, "ignore": bool(ignore)}
                for quad, text, ignore in zip(item.quads, item.texts, item.ignore, strict=True)
            ]
            row = {
                "image": _save(folder, number, item.encoded()),
                "lines": lines,
                "complete": item.complete,
            }
            rows.write(json.dumps(row, ensure_ascii=False) + "\n")
    return number


def _write_voc(folder: Path, decoded: Iterable[Decoded]) -> int:
    for name in (ANNOTATIONS, PICTURES):
        (folder / name).mkdir()
    number = 0
    for number, (item, image) in enumerate(decoded, 1):
        assert isinstance(item, PageItem)
        encoded = item.encoded()
        picture = f"{number:07d}.{_kind(encoded)}"
        (folder / PICTURES / picture).write_bytes(encoded)
        tree = annotation(picture, image.shape[:2], item.quads, item.ignore)
        tree.write(folder / ANNOTATIONS / f"{number:07d}.xml", encoding="utf-8")
    return number


def _write_lmdb(folder: Path, crops: Iterable[Crop]) -> int:
    """Write a thousand samples at a time; the file grows as it must."""
    import lmdb

    count = 0
    samples = enumerate(crops, 1)
    with lmdb.open(str(folder), map_size=FIRST_SIZE) as environment:
        while chunk := list(islice(samples, 1000)):
            records = [(image_key(n).encode(), encoded) for n, (encoded, _) in chunk]
            records += [(label_key(n).encode(), text.encode()) for n, (_, text) in chunk]
            count = chunk[-1][0]
            records.append((COUNT, str(count).encode()))
            _put(environment, records)
    (folder / "lock.mdb").unlink(missing_ok=True)  # readers of a finished file need none
    return count


def _put(environment: lmdb.Environment, records: list[tuple[bytes, bytes]]) -> None:
    import lmdb

    while True:
        try:
            with environment.begin(write=True) as transaction:
                transaction.cursor().putmulti(records)
        except lmdb.MapFullError:
            environment.set_mapsize(2 * environment.info()["map_size"])
        else:
            return
