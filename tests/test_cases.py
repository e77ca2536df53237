"""Whole pictures, read with the shipped networks: kinds of page that once went wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from shizi import Reader, ReaderOptions

CASES = Path(__file__).parent / "cases"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CASES / "expected.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(ReaderOptions(threads=1))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_picture_is_read_as_it_stands(reader: Reader, name: str) -> None:
    """Without blanks; of some only the angle counts, of some not the order of the lines."""
    page, expected = reader.read(CASES / name), EXPECTED[name]
    assert page.angle == expected["angle"]
    if expected["text"]:
        texts, wanted = (
            ["".join(text.split()) for text in lines]
            for lines in ([line.text for line in page.lines], expected["text"])
        )
        if not expected["ordered"]:
            texts, wanted = sorted(texts), sorted(wanted)
        assert "".join(texts) == "".join(wanted)


def test_a_large_page_of_small_print_does_not_look_empty(reader: Reader) -> None:
    page = np.full((2600, 2600, 3), 255, np.uint8)
    rows = range(100, 2500, 24)
    for y in rows:
        for x in range(100, 2400, 300):
            where = (x + 7 * (y % 5), y)
            cv2.putText(page, "small print", where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1)
    quads, _ = reader.detector(page)
    middles = quads.mean(1)[:, 1]
    assert all((np.abs(middles - (y - 5)) < 8).any() for y in rows)
