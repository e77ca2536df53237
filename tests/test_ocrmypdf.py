"""The plugin for OCRmyPDF, in OCRmyPDF itself; reading is stood in for."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from shizi.page import Char, Image, Line, Page, Quad

ocrmypdf = pytest.importorskip("ocrmypdf")
pdfium = pytest.importorskip("pypdfium2")

from ocrmypdf.exceptions import BadArgsError, ExitCode  # noqa: E402

import shizi.ocrmypdf as plugin  # noqa: E402

TEXTS = ("春眠不觉晓 ab", "处处闻啼鸟")


def lines(*, vertical: bool = False) -> tuple[Line, ...]:
    found = []
    for i, text in enumerate(TEXTS):
        n, x, y = len(text), 40, 60 + 50 * i
        box = np.array([[x, y], [x + 20 * n, y], [x + 20 * n, y + 20], [x, y + 20]])
        if vertical:  # from right to left
            left = 300 - 50 * i
            box = np.array(
                [[left, 40], [left + 20, 40], [left + 20, 40 + 20 * n], [left, 40 + 20 * n]]
            )
        chars = tuple(Char(c, 0.9, k / n, (k + 1) / n) for k, c in enumerate(text))
        found.append(Line(Quad.from_array(box), text, 0.9, chars, vertical=vertical))
    return tuple(found)


@dataclass
class FakeReader:
    """Finds the same lines in every picture."""

    lines: tuple[Line, ...]
    angle: int = 0
    score: float = 0.99

    def read(self, source: Path) -> Page:
        with PIL.Image.open(source) as picture:
            dpi = picture.info["dpi"][0]
            return Page(str(source), *picture.size, lines=self.lines, dpi=dpi)

    def upright(self, image: Image) -> FakeReader:
        return self


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    fake = FakeReader(lines())
    monkeypatch.setattr(plugin, "_made", lambda: fake)
    return fake


def scan(folder: Path, width: int = 400, height: int = 300) -> Path:
    """A PDF of a grey picture, 144 dpi."""
    picture = PIL.Image.effect_noise((width, height), 20).convert("RGB")
    picture.save(folder / "in.pdf", resolution=144)
    return folder / "in.pdf"


def made(source: Path, **options: object) -> bytes:
    target = source.with_name("out.pdf")
    options = {"output_type": "pdf", "progress_bar": False, "optimize": 0, **options}
    code = ocrmypdf.ocr(source, target, plugins=["shizi.ocrmypdf"], jobs=1, **options)
    assert code == ExitCode.ok
    return target.read_bytes()


def copied(data: bytes) -> list[str]:
    with pdfium.PdfDocument(data) as document:
        return document[0].get_textpage().get_text_range().split("\r\n")


def test_pages_get_text_over_each_character(reader: FakeReader, tmp_path: Path) -> None:
    sidecar = tmp_path / "text.txt"
    data = made(scan(tmp_path), sidecar=sidecar)
    assert copied(data) == list(TEXTS)
    assert sidecar.read_text() == "\n".join(TEXTS) + "\n"
    with pdfium.PdfDocument(data) as document:
        text = document[0].get_textpage()
        height = document[0].get_size()[1]
        left, low, right, top = text.get_charbox(1)
    assert [left, height - top, right, height - low] == pytest.approx([30, 30, 40, 40], abs=0.6)


def test_columns_are_copied_from_right_to_left(reader: FakeReader, tmp_path: Path) -> None:
    reader.lines = lines(vertical=True)
    assert copied(made(scan(tmp_path))) == list(TEXTS)


def test_turned_pages_are_turned_upright(reader: FakeReader, tmp_path: Path) -> None:
    source = scan(tmp_path)
    reader.angle = 90
    data = made(source, rotate_pages=True)
    with pdfium.PdfDocument(data) as document, pdfium.PdfDocument(source) as before:
        shown, original = (d[0].render(scale=1).to_numpy() for d in (document, before))
    # Turned counter-clockwise by as much as it stood clockwise.
    assert np.abs(shown.astype(int) - np.rot90(original)).mean() < 12


def test_the_renderer_of_ocrmypdf_can_be_had(reader: FakeReader, tmp_path: Path) -> None:
    found = "".join(copied(made(scan(tmp_path), pdf_renderer="fpdf2")))
    assert "春眠不觉晓" in found
    assert "ab" in found


def test_another_engine_can_be_asked_for(reader: FakeReader, tmp_path: Path) -> None:
    assert copied(made(scan(tmp_path), ocr_engine="none")) == [""]
    with pytest.raises(BadArgsError, match="leave this plugin out"):
        made(scan(tmp_path), ocr_engine="tesseract")


def test_the_tree_holds_words_and_characters() -> None:
    column = lines(vertical=True)[0]
    page = plugin.element(Page("x", 400, 300, lines=(*lines(), column), dpi=144.0), 4)
    assert (page.dpi, page.page_number, page.bbox.right) == (144, 4, 400)
    assert [word.text for word in page.words][:3] == ["春眠不觉晓", "ab", "处处闻啼鸟"]
    assert [child.text for child in page.words[1].children] == ["a", "b"]
    assert [line.textangle for line in page.lines] == [None, None, 270]


def test_the_slope_is_that_of_most_of_the_writing() -> None:
    assert plugin.slope(()) == 0
    turn = np.radians(3)
    sloping = [
        Line(
            Quad.from_array(
                line.quad.to_array()
                @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            ),
            line.text,
            0.9,
            vertical=line.vertical,
        )
        for line in (*lines(), *lines(vertical=True))
    ]
    assert plugin.slope(sloping) == pytest.approx(3, abs=0.01)


def test_level_pages_stay_level(reader: FakeReader, tmp_path: Path) -> None:
    assert copied(made(scan(tmp_path), deskew=True)) == list(TEXTS)


def test_hocr_is_written_for_those_who_ask(reader: FakeReader, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    PIL.Image.new("L", (400, 300), 255).save(picture, dpi=(144, 144))
    plugin.Engine.generate_hocr(picture, tmp_path / "a.hocr", tmp_path / "a.txt", None)
    assert "ocrx_cinfo" in (tmp_path / "a.hocr").read_text()
    assert io.StringIO((tmp_path / "a.txt").read_text()).readline() == f"{TEXTS[0]}\n"
