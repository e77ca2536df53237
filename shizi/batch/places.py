"""Where inputs and results lie: paths here, addresses in :mod:`shizi.batch.cloud`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shizi.batch import cloud
from shizi.batch.options import is_address
from shizi.files import whole


def plain(folder: str) -> str:
    """Return the absolute path of a folder, or its address as the store itself writes it.

    Raises:
        ShiziError: the store is not known.
    """
    return cloud.plain(folder) if is_address(folder) else os.path.abspath(folder)  # noqa: PTH100


def stamp(path: str) -> str | None:
    """Tell how a file looks, so that a change of it shows; None where there is none.

    Raises:
        OSError: nobody can tell.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - names of any bytes, a million times
    except (FileNotFoundError, NotADirectoryError):
        return None
    return f"{found.st_size}:{found.st_mtime_ns}"


def stamps(folder: str) -> Callable[[str], str | None]:
    """Return what tells of the files of a folder: :func:`stamp`, or one look at an address.

    Raises:
        ShiziError: the address cannot be listed.
    """
    return cloud.stamps(folder) if is_address(folder) else stamp


@contextmanager
def fetched(source: str) -> Iterator[Path]:
    """Yield a path to an input, of a copy where it has an address."""
    if is_address(source):
        with cloud.fetched(source) as copy:
            yield copy
    else:
        yield Path(source)


@contextmanager
def put(target: str) -> Iterator[Path]:
    """Yield a path to write to; at the end the result appears at its place, whole."""
    if is_address(target):
        with cloud.put(target) as part:
            yield part
    else:
        path = Path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            yield part


def stamp_of(target: str) -> str:
    """Tell how a result looks that was just written."""
    found = cloud.stamp(target) if is_address(target) else stamp(target)
    return found or ""
