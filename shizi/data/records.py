"""Records of LMDB files, as crnn.pytorch and deep-text-recognition-benchmark write them.

``num-samples`` counts the samples; sample 1 is ``image-000000001``, an encoded picture, and
``label-000000001``, its text in UTF-8.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shizi.errors import DataError

if TYPE_CHECKING:
    import lmdb

COUNT = b"num-samples"


def image_key(number: int) -> str:
    """Key of the picture of sample ``number``, counted from 1."""
    return f"image-{number:09d}"


def label_key(number: int) -> str:
    """Key of the text of sample ``number``, counted from 1."""
    return f"label-{number:09d}"


def read_record(path: Path, key: str) -> bytes:
    """Read one record; safe from many threads and after a fork.

    Raises:
        DataError: the file cannot be opened, or is damaged.
        KeyError: there is no such record.
    """
    with _reading(path) as transaction:
        value = transaction.get(key.encode())
    if value is None:
        raise KeyError(key)
    return bytes(value)


def read_labels(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Yield the number of every sample and its text, None where the file lacks it.

    Raises:
        DataError: the file cannot be opened, or does not say how many samples it has.
    """
    with _reading(path) as transaction:
        count = bytes(transaction.get(COUNT, b""))
        if not count.isdigit():
            raise DataError(f"{path} is no LMDB of line crops: it has no record num-samples")
        for number in range(1, int(count) + 1):
            value = transaction.get(label_key(number).encode())
            yield number, None if value is None else bytes(value)


_OPENING = threading.Lock()


@contextmanager
def _reading(path: Path) -> Iterator[lmdb.Transaction]:
    import lmdb

    try:
        with _OPENING:
            environment = _environment(str(path.resolve()))
        with environment.begin() as transaction:
            yield transaction
    except lmdb.Error as error:
        raise DataError(f"cannot read {path}: {error}") from error


@cache
def _environment(path: str) -> lmdb.Environment:
    """Open a file, once in each process: LMDB does not bear a second opening."""
    import lmdb

    return lmdb.open(path, readonly=True, lock=False, readahead=False)


def _after_fork() -> None:
    _environment.cache_clear()  # nor does it bear a fork
    _OPENING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_OPENING.acquire,
        after_in_parent=_OPENING.release,
        after_in_child=_after_fork,
    )
