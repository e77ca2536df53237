"""``shizi read``: what it prints and how it goes on after a failure."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import PIL.Image
import pytest
from fake_reader import FakeReader
from pictures import encode

from shizi.cli import main
from shizi.page import Image, Page
from shizi.reader import ReaderOptions

Captured = pytest.CaptureFixture[str]


def test_searchable_pdfs_of_pictures_and_pdfs(folder: Path, capsys: Captured) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    pdfium = pytest.importorskip("pypdfium2")

    def pages(path: Path) -> list[str]:
        with pdfium.PdfDocument(path) as document:
            return [page.get_textpage().get_text_range() for page in document]

    every = ["in/a.png", "d.pdf"]
    assert main(["read", *every, "--format", "pdf", "-o", "all.pdf"]) == 0
    assert [text[:2] for text in pages(folder / "all.pdf")] == ["40", "56", "84"]
    assert main(["read", *every, "--format", "text,pdf", "--out", "out"]) == 0
    assert len(pages(folder / "out" / "d.pdf")) == 2
    assert (folder / "out" / "a.txt").read_text().startswith("40")
    assert main(["read", "d.pdf", "--pages", "2", "--format", "pdf", "-o", "second.pdf"]) == 0
    assert [text[:2] for text in pages(folder / "second.pdf")] == ["84"]

    with pikepdf.open(folder / "d.pdf") as pdf:
        pdf.Root.AcroForm = pikepdf.Dictionary(SigFlags=1, Fields=[])
        pdf.save(folder / "signed.pdf")
    capsys.readouterr()
    many = ["signed.pdf", "in/a.png"]
    assert main(["read", *many, "--format", "pdf,text", "--out", "more"]) == 1
    assert "signed.pdf#1: is signed" in capsys.readouterr().err
    assert sorted(path.name for path in (folder / "more").iterdir()) == [
        "a.pdf",
        "a.txt",
        "signed.txt",
    ]


def test_a_pdf_keeps_its_own_text_unless_that_is_to_be_read_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    pytest.importorskip("pikepdf")
    assert main(["read", "d.pdf", "--format", "pdf", "-o", "once.pdf"]) == 0
    assert capsys.readouterr().err == ""

    def fail(self: FakeReader, image: Image, name: str) -> Page:
        raise RuntimeError

    monkeypatch.setattr(FakeReader, "read_image", fail)
    again = ["read", "once.pdf", "--format", "pdf", "-o", "twice.pdf"]
    assert main(again) == 0
    told = capsys.readouterr().err
    assert re.fullmatch(r"shizi: \d pages keep the text of before, unread; --force .*\n", told)
    assert main([*again, "--force"]) == 1


def test_text_of_one_and_of_several(folder: Path, capsys: Captured) -> None:
    assert main(["read", "in/a.png"]) == 0
    assert capsys.readouterr().out == "40乘24\n"
    assert main(["read", "in/a.png", "./in/c.png"]) == 0
    assert capsys.readouterr().out == "# in/a.png\n40乘24\n\n# ./in/c.png\n30乘10\n"


def test_a_bad_file_is_named_and_costs_no_other(folder: Path, capsys: Captured) -> None:
    assert main(["read", "in", "missing.png", "--format", "jsonl"]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(row)["image"] for row in out.splitlines()] == ["in/a.png", "in/c.png"]
    bad, missing = err.splitlines()
    assert bad.startswith("shizi: in/b.jpg: is not a picture")
    assert missing.startswith("shizi: missing.png: no such file")


def test_a_failing_reader_costs_one_page(folder: Path, capsys: Captured) -> None:
    red = PIL.Image.new("RGB", (9, 9), (255, 0, 0))
    more = [PIL.Image.new("RGB", (8, 8))]
    Path("two.tif").write_bytes(encode(red, "TIFF", save_all=True, append_images=more))
    assert main(["read", "two.tif", "in/a.png", "--format", "jsonl"]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(row)["image"] for row in out.splitlines()] == ["two.tif#2", "in/a.png"]
    assert err == "shizi: two.tif#1: unexpected RuntimeError: engine failed\n"


def test_pdf_pages(folder: Path, capsys: Captured) -> None:
    assert main(["read", "d.pdf", "--format", "jsonl", "--pages", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["image"] == "d.pdf#2"
    assert main(["read", "d.pdf", "in/a.png", "--pages", "3"]) == 1
    out, err = capsys.readouterr()
    assert out == "40乘24\n"
    assert err == "shizi: d.pdf: has no page 3, its last is page 2\n"


@pytest.mark.parametrize("before", [[], ["--format", "text"]])
def test_standard_input(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, before: list[str]
) -> None:
    data = io.BytesIO(Path("in/a.png").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    assert main(["read", *before, "-", "in/c.png"]) == 0
    assert capsys.readouterr().out == "# -\n40乘24\n\n# in/c.png\n30乘10\n"


def test_options_reach_the_reader(folder: Path, fake: list[ReaderOptions]) -> None:
    arguments = ["--no-orientation", "--engine", "onnxruntime", "--threads", "3"]
    assert main(["read", "in/a.png", *arguments]) == 0
    assert main(["read", "in/a.png"]) == 0
    assert (fake[0].orientation, fake[0].engine, fake[0].threads) == (False, "onnxruntime", 3)
    assert fake[1] == ReaderOptions()


def test_no_bar_in_a_pipe(folder: Path, capsys: Captured) -> None:
    main(["read", "in/a.png", "in/c.png"])
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["read", "in/a.png", "in/b.jpg", "in/c.png"]) == 1
    shown = sys.stderr.getvalue()
    assert "0/3" in shown
    assert "c.png" in shown
    assert "shizi: in/b.jpg" in shown
