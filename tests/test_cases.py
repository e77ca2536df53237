"""Whole pictures, read with the shipped networks: kinds of page that once went wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shizi import Reader, ReaderOptions

CASES = Path(__file__).parent / "cases"
EXPECTED: dict[str, list[str]] = json.loads((CASES / "expected.json").read_text("utf-8"))
FREE = ("couplet.png", "couplet_text.png", "poem.png")
"""Pictures whose lines have no order."""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(ReaderOptions(threads=1))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_picture_is_read_as_it_stands(reader: Reader, name: str) -> None:
    page = reader.read(CASES / name)
    texts = ["".join(line.text.split()) for line in page.lines]
    expected = ["".join(text.split()) for text in EXPECTED[name]]
    assert page.angle == 0
    if name in FREE:
        assert sorted(texts) == sorted(expected)
    else:
        assert "".join(texts) == "".join(expected)
