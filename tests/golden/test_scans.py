"""OCRmyPDF with the shipped networks: pages as they come from a scanner."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import PIL.ImageDraw
import pytest

from shizi.formats.drawing import font

ocrmypdf = pytest.importorskip("ocrmypdf")
pdfium = pytest.importorskip("pypdfium2")
pikepdf = pytest.importorskip("pikepdf")

LEFT = ["天亮以前街上很静", "只有面馆的灯亮着", "老板先把汤坐上炉", "再去后院揉面三遍"]
RIGHT = ["六点以后人多起来", "卷帘门一扇扇拉开", "学生背着书包经过", "手里捏着一块葱饼"]


def draw(*columns: list[str]) -> PIL.Image.Image:
    """A page of A5 at 150 dpi."""
    page = PIL.Image.new("RGB", (874, 1240), (250, 248, 244))
    pen = PIL.ImageDraw.Draw(page)
    for i, column in enumerate(columns):
        for j, text in enumerate(column):
            pen.text((90 + 390 * i, 200 + 60 * j), text, fill=(30, 30, 30), font=font(34))
    return page


def test_scans_become_searchable_whatever_way_they_lie(tmp_path: Path) -> None:
    pages = [
        draw(LEFT + RIGHT).rotate(
            3, fillcolor=(250, 248, 244), resample=PIL.Image.Resampling.BICUBIC
        ),
        draw(LEFT + RIGHT).transpose(PIL.Image.Transpose.ROTATE_90),
        draw(LEFT, RIGHT),
    ]
    scans = io.BytesIO()
    pages[0].save(scans, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    with pikepdf.open(scans) as pdf:
        pdf.add_blank_page(page_size=(420, 595))
        page = pdf.pages[-1]
        page.obj.Resources = pikepdf.Dictionary(
            Font=pikepdf.Dictionary(
                F=pikepdf.Dictionary(
                    Type=pikepdf.Name.Font,
                    Subtype=pikepdf.Name.Type1,
                    BaseFont=pikepdf.Name.Helvetica,
                )
            )
        )
        page.obj.Contents = pdf.make_stream(b"BT /F 12 Tf 60 400 Td (born digital) Tj ET")
        pdf.save(tmp_path / "in.pdf")
    ocrmypdf.ocr(
        tmp_path / "in.pdf",
        tmp_path / "out.pdf",
        plugins=["shizi.ocrmypdf"],
        output_type="pdf",
        rotate_pages=True,
        deskew=True,
        skip_text=True,
        optimize=0,
        jobs=1,
        progress_bar=False,
    )
    with pdfium.PdfDocument(tmp_path / "out.pdf") as document:
        texts = [page.get_textpage().get_text_range().split("\r\n") for page in document]
        sizes = [page.get_size() for page in document]
    assert texts[:3] == [LEFT + RIGHT] * 3
    assert texts[3] == ["born digital"]
    assert sizes[1][0] < sizes[1][1]  # the page that lay on its side stands
