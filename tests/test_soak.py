"""The short form of ``make soak``: damaged files, odd pictures, many threads."""

from __future__ import annotations

import soak

from shizi import Reader, ReaderOptions


def test_damaged_files_are_pages_or_one_line() -> None:
    told = soak.decode(300, seed=5)
    assert told["refused"] > 50
    assert told["decoded"] > 50


def test_odd_pictures_are_read_and_threads_agree() -> None:
    reader = Reader(ReaderOptions(threads=1))
    soak.read(12, 5, reader)
    soak.together(16, 4, 5, reader)
