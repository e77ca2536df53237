"""Line sets: crops with their texts, in a form that bears tens of millions of rows."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from shizi.charset import Charset
from shizi.data.bad import BadRows
from shizi.data.items import LineItem
from shizi.data.records import image_key, read_labels
from shizi.errors import DataError


class _Row(NamedTuple):
    number: int  # of the row in the file, or of the sample, counted from 1
    picture: str
    text: str


@dataclass(frozen=True)
class _Table:
    """The rows of one label file, end to end in one string of bytes.

    Attributes:
        file: what ``where`` names.
        root: the folder that pictures are relative to, or the LMDB that holds them.
        keyed: the pictures are records of an LMDB.
        data: ``picture<TAB>text`` of every row.
        ends: shape (N,), where each row ends in ``data``.
        numbers: shape (N,), the number of each row in the file.
    """

    file: Path
    root: Path
    keyed: bool
    data: bytes
    ends: NDArray[np.int64]
    numbers: NDArray[np.int32]

    @classmethod
    def pack(cls, file: Path, root: Path, keyed: bool, rows: Iterable[_Row]) -> _Table:
        data, ends, numbers = bytearray(), [], []
        for number, picture, text in rows:
            data += f"{picture}\t{text}".encode()
            ends.append(len(data))
            numbers.append(number)
        packed = np.array(ends, np.int64), np.array(numbers, np.int32)
        return cls(file, root, keyed, bytes(data), *packed)

    def __len__(self) -> int:
        return len(self.ends)

    def fields(self, row: int) -> tuple[str, str]:
        """Picture and text of a row."""
        start = int(self.ends[row - 1]) if row else 0
        picture, _, text = self.data[start : int(self.ends[row])].decode().partition("\t")
        return picture, text

    def item(self, row: int) -> LineItem:
        picture, text = self.fields(row)
        where = f"{self.file}:{self.numbers[row]}"
        if self.keyed:
            return LineItem(self.root, text, picture, where)
        return LineItem(self.root / picture, text, "", where)


@dataclass(frozen=True)
class Lines(Sequence[LineItem]):
    """Line crops and their texts. An item is made when it is asked for.

    A row costs the bytes of its text and of its picture's name, and twenty more.
    """

    _tables: tuple[_Table, ...]
    _rows: NDArray[np.int64]  # (N,) counted through all tables

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> LineItem: ...
    @overload
    def __getitem__(self, index: slice) -> Lines: ...
    def __getitem__(self, index: int | slice) -> LineItem | Lines:
        """Return one item, or some of the lines."""
        if isinstance(index, slice):
            return replace(self, _rows=self._rows[index])
        table, row = self._place(int(self._rows[index]))
        return table.item(row)

    def texts(self) -> Iterator[str]:
        """Yield the text of every line: quicker than making the items."""
        for row in self._rows.tolist():
            table, place = self._place(row)
            yield table.fields(place)[1]

    def _place(self, row: int) -> tuple[_Table, int]:
        """The table of a row, and its place there."""
        index = bisect_right(self._starts, row) - 1
        return self._tables[index], row - self._starts[index]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(map(len, self._tables))]

    def take(self, indices: Iterable[int]) -> Lines:
        """Return the lines at these indices, in this order."""
        return replace(self, _rows=self._rows[np.fromiter(indices, np.int64)])

    @classmethod
    def joined(cls, parts: Iterable[Lines]) -> Lines:
        """Put several sets one after the other."""
        tables: list[_Table] = []
        rows = [np.zeros(0, np.int64)]
        for part in parts:
            rows.append(part._rows + sum(map(len, tables)))
            tables += part._tables
        return cls(tuple(tables), np.concatenate(rows))


def _whole(table: _Table) -> Lines:
    return Lines((table,), np.arange(len(table), dtype=np.int64))


def spelt(lines: Lines, charset: Charset, bad: BadRows) -> Lines:
    """Leave out lines that are empty or that the charset cannot spell."""

    def good() -> Iterator[int]:
        for i, text in enumerate(lines.texts()):
            missing = charset.missing(text)
            if text and not missing:
                yield i
            else:
                reason = f"the charset lacks {missing!r}" if missing else "the text is empty"
                bad.add(f"{lines[i].where}: {reason}")

    return lines.take(good())


def lines_of_lmdb(path: Path, bad: BadRows) -> Lines:
    """Read the labels of an LMDB; its pictures are read when they are asked for.

    Raises:
        DataError: it cannot be read, or ``bad`` is strict and a label is missing.
    """

    def rows() -> Iterator[_Row]:
        for number, label in read_labels(path):
            try:
                if label is None:
                    raise ValueError("the sample has no label")
                yield _Row(number, image_key(number), label.decode())
            except ValueError as error:  # UnicodeDecodeError is one
                bad.add(f"{path}:{number}: {error}")

    return _whole(_Table.pack(path, path, True, rows()))


def lines_of_text(file: Path, bad: BadRows) -> Lines:
    """Read rows of ``picture<TAB>text``: labels.tsv, or a label file of PaddleOCR.

    PaddleOCR lets a JSON list of pictures share one text.

    Raises:
        DataError: the file cannot be read, or ``bad`` is strict and a row is wrong.
    """

    def rows() -> Iterator[_Row]:
        for number, row in numbered_rows(file, bad):
            picture, tab, text = row.partition("\t")
            if not tab or not picture:
                bad.add(f"{file}:{number}: expected image<TAB>text")
            else:
                for name in _pictures(picture):
                    yield _Row(number, name, text)

    packed = _Table.pack(file, file.parent, False, rows())
    if not len(packed):
        return _whole(packed)
    return _whole(replace(packed, root=root_of(file, packed.item(0).path.relative_to(file.parent))))


def _pictures(field: str) -> list[str]:
    if field.startswith("["):
        try:
            return [str(name) for name in json.loads(field)]
        except ValueError:
            pass  # a name that begins with a bracket
    return [field]


def numbered_rows(file: Path, bad: BadRows) -> Iterator[tuple[int, str]]:
    """Yield the rows of a UTF-8 file that are not blank, numbered from 1, without their end.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with file.open("rb") as rows:
            for number, row in enumerate(rows, 1):
                try:
                    text = row.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError:
                    bad.add(f"{file}:{number}: not UTF-8")
                    continue
                if text.strip():
                    yield number, text
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error


def root_of(file: Path, picture: Path | str) -> Path:
    """Return the folder that a label file's pictures are relative to: its own or the one above.

    PaddleOCR's tools write either.
    """
    above = file.parent.parent
    return (
        above
        if not (file.parent / picture).exists() and (above / picture).exists()
        else file.parent
    )
