"""Reading is stood in for; a folder of pictures, good and bad."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest
from fake_reader import FakeReader
from pictures import SAMPLE, encode

from shizi.cli import read
from shizi.reader import ReaderOptions


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> list[ReaderOptions]:
    monkeypatch.setattr(read, "Reader", FakeReader)
    FakeReader.made = []
    return FakeReader.made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two good pictures, a bad one between, and a PDF of two pages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encode(SAMPLE, "PNG"))
    (tmp_path / "in" / "b.jpg").write_bytes(b"nothing of the kind")
    (tmp_path / "in" / "c.png").write_bytes(encode(SAMPLE[:10, :30], "PNG"))
    more = [PIL.Image.new("L", (30, 20))]
    pdf = encode(PIL.Image.new("L", (20, 30)), "PDF", save_all=True, append_images=more)
    (tmp_path / "d.pdf").write_bytes(pdf)
    return tmp_path


Captured = pytest.CaptureFixture[str]
