"""Line sets: crops with their texts, in a form that bears tens of millions of rows."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from shizi.charset import Charset
from shizi.data.bad import BadRows
from shizi.data.items import LineItem
from shizi.data.reading import numbered_rows, root_of
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


def lines_of_text(file: Path, bad: BadRows, root: Path | None = None) -> Lines:
    """Read a row a line: ``picture<TAB>text``, ``picture, "text"`` or ``picture 12 33 4``.

    The first is labels.tsv and PaddleOCR's form, which lets a JSON list of pictures share one
    text; the second is ICDAR's of word crops; the numbers of the third are rows, counted from
    0, of a list of characters beside the file. The first row tells which form it is.

    Args:
        file: the label file.
        bad: takes the rows that are left out.
        root: the folder that pictures are relative to; by default it is looked for.

    Raises:
        DataError: the file cannot be read, a list of characters is wanted and there is not
            one, or ``bad`` is strict and a row is wrong.
    """
    _, first = next(numbered_rows(file, BadRows(quiet=True)), (1, ""))
    parse = _parser(file, first)

    def rows() -> Iterator[_Row]:
        for number, row in numbered_rows(file, bad):
            try:
                picture, text = parse(row)
            except ValueError as error:
                bad.add(f"{file}:{number}: {error}")
                continue
            for name in _pictures(picture):
                yield _Row(number, name, text)

    if root:
        return _whole(_Table.pack(file, root, False, rows()))
    packed = _Table.pack(file, file.parent, False, rows())
    if not len(packed):
        return _whole(packed)
    return _whole(replace(packed, root=root_of(file, packed.fields(0)[0])))


def lines_of_rows(file: Path, root: Path, rows: Iterable[tuple[int, str, str]]) -> Lines:
    """Make a set of (number, picture, text), pictures relative to ``root``."""
    return _whole(_Table.pack(file, root, False, (_Row(*row) for row in rows)))


_WORD = re.compile(r'\s*([^,\t"]+?\.\w+)\s*,\s*"(.*)"\s*')
_NUMBERS = re.compile(r"(\S+\.\w+)((?:\s+\d+)+)\s*")

Parser = Callable[[str], tuple[str, str]]
"""Turns a row into picture and text; raises ValueError that says what was expected."""


def _parser(file: Path, first: str) -> Parser:
    """Choose how the rows of a file are read."""
    if "\t" not in first and _WORD.fullmatch(first):
        return _word
    if "\t" not in first and _NUMBERS.fullmatch(first):
        return partial(_spelt_out, characters_beside(file))
    return _tabbed


def _tabbed(row: str) -> tuple[str, str]:
    picture, tab, text = row.partition("\t")
    if not tab or not picture:
        raise ValueError("expected image<TAB>text")
    return picture, text


def _word(row: str) -> tuple[str, str]:
    match = _WORD.fullmatch(row)
    if match is None:
        raise ValueError('expected image, "text"')
    return match[1], re.sub(r'\\(["\\])', r"\1", match[2])


def _spelt_out(characters: Sequence[str], row: str) -> tuple[str, str]:
    match = _NUMBERS.fullmatch(row)
    if match is None:
        raise ValueError("expected image and the numbers of its characters")
    text = ""
    for number in map(int, match[2].split()):
        char = characters[number] if number < len(characters) else ""
        if len(char) != 1:
            raise ValueError(f"the list of characters has none at {number}, counted from 0")
        text += char
    return match[1], text


def characters_beside(file: Path) -> list[str]:
    """Read the list of characters, one a row, that a label file's numbers count in.

    Raises:
        DataError: there is none beside the file or a folder above, or more than one.
    """
    for folder in (file.parent, file.parent.parent):
        names = ("char*.txt", "key*.txt", "dict*.txt", "alphabet*.txt")
        found = sorted(path for name in names for path in folder.glob(name) if path != file)
        if len(found) > 1:
            told = ", ".join(path.name for path in found)
            raise DataError(f"{file} has numbers for characters, of which list? {told}; keep one")
        if found:
            rows = found[0].read_text(encoding="utf-8-sig").split("\n")
            return [row.rstrip("\r") for row in rows]
    raise DataError(
        f"{file} has numbers for characters; put their list beside it as chars.txt, one a row"
    )


def _pictures(field: str) -> list[str]:
    if field.startswith("["):
        try:
            return [str(name) for name in json.loads(field)]
        except ValueError:
            pass  # a name that begins with a bracket
    return [field]
