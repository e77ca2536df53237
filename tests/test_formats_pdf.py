"""Searchable PDF: what is seen stays as it is, and what is found lies where it was read."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from pictures import encode

from shizi.errors import PdfError, WriteError
from shizi.formats import write
from shizi.formats.pdf.font import MOST, UNIT, WIDEST, Font, _program
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import pages
from shizi.page import WHOLE, Char, Image, Line, Origin, Page, Quad, Sheet

pikepdf = pytest.importorskip("pikepdf")
pdfium = pytest.importorskip("pypdfium2")
pytest.importorskip("img2pdf")
poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no poppler")

WHITE = np.full((200, 300, 3), 255, np.uint8)


def line(left: float, top: float, text: str, *, size: int = 20, vertical: bool = False) -> Line:
    """A line of square characters."""
    n = len(text)
    width, height = (size, size * n) if vertical else (size * n, size)
    corners = [[0, 0], [width, 0], [width, height], [0, height]]
    chars = tuple(Char(c, 0.9, i / n, (i + 1) / n) for i, c in enumerate(text))
    quad = Quad.from_array(np.array(corners) + np.array([left, top]))
    return Line(quad, text, 0.9, chars, vertical=vertical)


def turned(found: Line, turns: int, width: int, height: int) -> Line:
    """The line on a page of (width, height) that is turned clockwise by so many quarters."""
    points = found.quad.to_array()
    for _ in range(turns):
        points = np.stack([height - points[:, 1], points[:, 0]], -1)
        width, height = height, width
    return Line(Quad.from_array(points), found.text, 0.9, found.chars, vertical=found.vertical)


def sheet(*lines: Line, image: Image | None = WHITE, **more: Any) -> Sheet:
    height, width = WHITE.shape[:2]
    number, dpi = more.pop("number", 1), more.pop("dpi", 72)
    page = Page("x.png", width, height, lines=lines, number=number, dpi=dpi)
    return Sheet(page, image, **more)


def written(sheets: Sheet | Sequence[Sheet]) -> bytes:
    out = io.BytesIO()
    write(sheets, out, "pdf")
    return out.getvalue()


def seen(data: bytes) -> list[Image]:
    """What each page shows, a pixel a point."""
    with pdfium.PdfDocument(data) as document:
        return [page.render(rev_byteorder=True).to_numpy()[..., :3].copy() for page in document]


def copied(data: bytes) -> list[list[str]]:
    """What PDFium copies of each page, by line."""
    with pdfium.PdfDocument(data) as document:
        return [page.get_textpage().get_text_range().splitlines() for page in document]


def extracted(data: bytes, tmp_path: Path, *options: str) -> str:
    (tmp_path / "x.pdf").write_bytes(data)
    command = ["pdftotext", *options, str(tmp_path / "x.pdf"), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def boxes(data: bytes, wanted: str, index: int = 0) -> list[list[float]]:
    """Where PDFium finds each character of a text: left, top, right, bottom in pixels of the page
    as it is shown, a pixel a point.
    """
    with pdfium.PdfDocument(data) as document:
        page = document[index]
        text = page.get_textpage()
        start, count = text.search(wanted).get_next()
        left, low, right, top = page.get_bbox()
        found = []
        for i in range(start, start + count):
            a, b, c, d = text.get_charbox(i)
            corners = np.array([[a - left, top - d], [c - left, top - b]])
            for _ in range(page.get_rotation() // 90):
                x, y = corners.T
                tall = top - low if _ % 2 == 0 else right - left
                corners = np.stack([tall - y, x], -1)
            found.append([*corners.min(0), *corners.max(0)])
        return found


def document(*texts: str, **page: Any) -> bytes:
    """A PDF with a page a text, in a font of its own."""
    pdf = pikepdf.new()
    font = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
    )
    for text in texts:
        pdf.add_blank_page(page_size=(300, 200))
        new = pdf.pages[-1]
        new.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        # Left unbalanced: what is put over it must not be scaled.
        drawn = f"2 0 0 2 0 0 cm 1 0 0 rg 10 10 40 20 re f BT /F 12 Tf 20 60 Td ({text}) Tj ET"
        new.obj.Contents = pdf.make_stream(drawn.encode())
        for key, value in page.items():
            new.obj[f"/{key}"] = value
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def test_text_lies_unseen_over_each_character() -> None:
    made = written(sheet(line(40, 60, "识字 OCR"), line(40, 100, "第二行")))
    assert copied(made) == [["识字 OCR", "第二行"]]
    for i, (left, top, right, bottom) in enumerate(boxes(made, "识字 OCR")):
        assert [left, top, right, bottom] == pytest.approx(
            [40 + 20 * i, 60, 60 + 20 * i, 80], abs=0.6
        )
    assert (seen(made)[0] == 255).all()


def test_uneven_characters_keep_their_places() -> None:
    edges = [0.0, 0.05, 0.31, 0.36, 0.93, 1.0]
    chars = tuple(Char(c, 0.9, *edges[i : i + 2]) for i, c in enumerate("i识l字."))
    whole = Quad.from_array([[40, 60], [140, 60], [140, 80], [40, 80]])
    made = written(sheet(Line(whole, "i识l字.", 0.9, chars)))
    found = boxes(made, "i识l字.")
    assert [box[0] for box in found] == pytest.approx([40 + 100 * e for e in edges[:-1]], abs=0.5)


def test_a_gap_within_a_word_is_no_blank() -> None:
    chars = (Char("目", 0.9, 0.0, 0.1), Char("录", 0.9, 0.9, 1.0))
    wide = Quad.from_array([[40, 60], [180, 60], [180, 80], [40, 80]])
    wider = Quad.from_array([[4, 180], [296, 180], [296, 190], [4, 190]])
    made = written(sheet(Line(wide, "目录", 0.9, chars), Line(wider, "目录", 0.9, chars)))
    assert copied(made)[0][0] == "目录"


def test_lines_without_places_of_characters_are_found_too() -> None:
    plain = Line(line(40, 60, "识字").quad, "识字", 0.9)
    assert boxes(written(sheet(plain)), "识字")[1] == pytest.approx([60, 60, 80, 80], abs=0.6)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_turned_lines_are_read_in_order(turns: int, tmp_path: Path) -> None:
    texts = ["春眠不觉晓", "处处闻啼鸟", "夜来风雨声"]
    lines = [turned(line(40, 40 + 30 * i, t), turns, 300, 200) for i, t in enumerate(texts)]
    size = (300, 200) if turns % 2 else (200, 300)
    page = Page("x", *size[::-1], lines=tuple(lines), dpi=72)
    made = written(Sheet(page, np.full((*size, 3), 255, np.uint8)))
    assert copied(made) == [texts]
    if shutil.which("pdftotext"):
        assert extracted(made, tmp_path).split() == texts


def test_columns_are_read_from_right_to_left(tmp_path: Path) -> None:
    texts = ["春眠不覺曉", "處處聞啼鳥", "花落知"]
    lines = [line(200 - 40 * i, 20, text, vertical=True) for i, text in enumerate(texts)]
    made = written(sheet(*lines))
    assert copied(made) == [texts]
    assert boxes(made, "聞啼") == [
        pytest.approx([160, 60, 180, 80], abs=0.6),
        pytest.approx([160, 80, 180, 100], abs=0.6),
    ]
    if shutil.which("pdftotext"):
        assert extracted(made, tmp_path).split() == texts


@poppler
def test_a_line_that_slopes_stays_one(tmp_path: Path) -> None:
    text = "物业服务中心定于今日上午更换水泵"
    corners = np.array([[10, 60], [290, 68], [290, 84], [10, 76]])
    n = len(text)
    chars = tuple(Char(c, 0.9, i / n, (i + 1) / n) for i, c in enumerate(text))
    made = written(sheet(Line(Quad.from_array(corners), text, 0.9, chars)))
    assert extracted(made, tmp_path).split() == [text]


def test_rare_characters_and_several_in_one_code_survive() -> None:
    text = "𠀀𪚥㐂é�👍"
    assert copied(written(sheet(line(20, 40, text)))) == [[text]]
    both = (Char("e\u0301", 0.9, 0, 0.5), Char("\x07", 0.9, 0.5, 1))
    odd = Line(line(20, 40, "ab").quad, "e\u0301\x07", 0.9, both)
    assert copied(written(sheet(odd))) == [["e\u0301\\x07"]]


def test_the_font_is_in_the_file_and_whole() -> None:
    made = written(sheet(line(40, 60, "识字OCR")))
    with pikepdf.open(io.BytesIO(made)) as pdf:
        font = pdf.pages[0].obj.Resources.Font["/Unseen1"]
        child = font.DescendantFonts[0]
        program = child.FontDescriptor.FontFile2.read_bytes()
        glyphs = child.CIDToGIDMap.read_bytes()
        (_, widths) = child.W
    assert len(widths) == 5
    assert len(glyphs) == 2 * (len(widths) + 1)
    fonttools = pytest.importorskip("fontTools.ttLib")
    face = fonttools.TTFont(io.BytesIO(program), checkChecksums=2, lazy=False)
    assert face["maxp"].numGlyphs == WIDEST + 1
    names = face.getGlyphOrder()
    for code, width in enumerate(widths, 1):
        glyph = int.from_bytes(glyphs[2 * code : 2 * code + 2])
        assert face["hmtx"][names[glyph]][0] == width == UNIT * glyph
        assert face["glyf"][names[glyph]].numberOfContours == 1
    assert len(_program()) < 8000


def test_a_font_that_is_full_gives_way_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shizi.formats.pdf.layer.MOST", 8)
    made = written([sheet(line(20, 40, text)) for text in ("春眠不觉晓", "处处闻啼鸟", "夜来")])
    assert copied(made) == [["春眠不觉晓"], ["处处闻啼鸟"], ["夜来"]]
    assert MOST == 0xFFFF


def test_codes_are_given_once() -> None:
    font = Font(pikepdf.new())
    assert [font.code(*at) for at in (("识", 4), ("字", 4), ("识", 5), ("识", 4))] == [1, 2, 3, 1]


def test_a_jpeg_is_kept_to_the_byte() -> None:
    data = encode(WHITE[:, :, 0], "JPEG", quality=40, dpi=(144, 144))
    made = written(sheet(line(40, 60, "识字"), image=None, dpi=144, origin=Origin(data)))
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert pdf.pages[0].obj.Resources.XObject.Im0.read_raw_bytes() == data
        assert [float(v) for v in pdf.pages[0].mediabox] == [0, 0, 150, 100]
    assert len(made) < len(data) + 6000
    assert boxes(made, "字")[0] == pytest.approx([30, 30, 40, 40], abs=0.6)


def test_a_photo_that_a_camera_turned_stands_upright() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    data = encode(WHITE.transpose(1, 0, 2)[:, :, 0], "JPEG", exif=exif)
    made = written(sheet(line(40, 60, "识字"), image=None, origin=Origin(data)))
    assert seen(made)[0].shape[:2] == (200, 300)
    assert boxes(made, "字")[0] == pytest.approx([60, 60, 80, 80], abs=0.6)


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("WEBP", "RGB"), ("BMP", "RGB")])
def test_other_pictures_keep_every_pixel(kind: str, mode: str) -> None:
    picture = PIL.Image.effect_noise((300, 200), 90).convert(mode)
    data = encode(picture, kind, **({"lossless": True} if kind == "WEBP" else {}))
    made = written(sheet(line(40, 60, "识字"), image=None, origin=Origin(data)))
    assert (seen(made)[0] == np.asarray(picture.convert("RGB"))).all()
    assert copied(made) == [["识字"]]


def test_pages_of_a_fax_stay_as_they_are() -> None:
    frames = [PIL.Image.effect_noise((300, 200), 200).convert("1") for _ in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:], compression="group4")
    origin = Origin(file.getvalue())
    wanted = [(3, "丙"), (1, "甲")]
    made = written([sheet(line(20, 20, t), image=None, number=n, origin=origin) for n, t in wanted])
    assert copied(made) == [["丙"], ["甲"]]
    with pikepdf.open(io.BytesIO(made)) as pdf:
        for page in pdf.pages:
            assert page.obj.Resources.XObject.Im0.Filter[0] == "/CCITTFaxDecode"
    shown = seen(made)
    for page, (number, _) in zip(shown, wanted, strict=True):
        assert (page == np.asarray(frames[number - 1].convert("RGB"))).all()


def test_without_resolution_a_page_is_no_larger_than_a4() -> None:
    huge = np.full((5000, 3000), 255, np.uint8)
    page = Page("x", 3000, 5000)
    made = written(Sheet(page, np.stack([huge] * 3, -1)))
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert float(pdf.pages[0].mediabox[3]) == pytest.approx(842, abs=1)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_pages_of_a_pdf_get_text_and_keep_the_rest(turn: int) -> None:
    data = document("", Rotate=turn, CropBox=[20, 10, 280, 190])
    before = seen(data)[0]
    height, width = before.shape[:2]
    page = Page("x.pdf#1", width, height, lines=(line(40, 60, "识字"),))
    made = written(Sheet(page, origin=Origin(data)))
    assert (seen(made)[0] == before).all()
    assert copied(made) == [["识字"]]
    assert boxes(made, "字")[0] == pytest.approx([60, 60, 80, 80], abs=0.6)


def test_a_page_that_has_text_keeps_it() -> None:
    data = document("own text")
    origin, page = Origin(data), Page("x", 300, 200, lines=(line(40, 60, "识字"),))
    kept, added = (written(Sheet(page, origin=origin, own_text=own)) for own in (WHOLE, ()))
    assert copied(kept) == [["own text"]]
    assert copied(added) == [["识字own text"]]


def test_text_of_an_earlier_reading_gives_way() -> None:
    first = written(sheet(line(40, 60, "旧")))
    assert copied(written(sheet(line(40, 60, "新"), image=None, origin=Origin(first)))) == [["新"]]
    with pikepdf.open(io.BytesIO(document(""))) as pdf, pikepdf.open(io.BytesIO(first)) as old:
        pdf.pages[0].add_overlay(old.pages[0])
        out = io.BytesIO()
        pdf.save(out)
    assert copied(out.getvalue()) == [["旧"]]
    nested = written(sheet(line(40, 60, "新"), image=None, origin=Origin(out.getvalue())))
    assert copied(nested) == [["新"]]
    assert (seen(nested)[0] == seen(out.getvalue())[0]).all()


def test_the_loader_says_which_pages_have_text() -> None:
    data = document("own text", "")
    assert [page.own_text for page in pages(data)] == [WHOLE, ()]
    forced = pages(data, ImageLimits(), PageOptions(force=True))
    assert [page.own_text for page in forced] == [(), ()]


def test_a_speck_becomes_a_page_too() -> None:
    for kind in ("PNG", "JPEG"):
        speck = encode(PIL.Image.new("L", (1, 2), 255), kind)
        made = written(Sheet(Page("x", 1, 2), origin=Origin(speck)))
        with pikepdf.open(io.BytesIO(made)) as pdf:
            assert [float(v) for v in pdf.pages[0].mediabox] == [0, 0, 3, 6]


@pytest.mark.parametrize("turn", [0, 90])
def test_a_scan_with_a_page_number_put_over_it_is_read_beside_the_number(turn: int) -> None:
    scan = written(sheet())
    with pikepdf.open(io.BytesIO(scan)) as pdf, pikepdf.open(io.BytesIO(document("7"))) as stamp:
        pdf.pages[0].Rotate = turn
        pdf.pages[0].add_overlay(stamp.pages[0], pikepdf.Rectangle(0, 0, 300, 200))
        out = io.BytesIO()
        pdf.save(out)
    (picture,) = pages(out.getvalue())
    ((left, top, right, bottom),) = picture.own_text
    assert 0 < (right - left) * (bottom - top) < 0.03
    height, width = picture.image.shape[:2]
    ink = picture.image[round(top * height) : round(bottom * height) + 1]
    assert (ink[:, round(left * width) : round(right * width) + 1] < 128).any()
    number = line(left * width - 2, top * height - 2, "7", size=round(20 * width / 300))
    found = Page("x", width, height, lines=(line(80, 60, "识字"), number))
    made = written(Sheet(found, origin=picture.origin, own_text=picture.own_text))
    assert sorted("".join(copied(made)[0])) == sorted("7识字")
    assert [page.own_text for page in pages(made)] == [WHOLE]


def test_the_first_pdf_lends_what_a_document_has() -> None:
    with pikepdf.open(io.BytesIO(document("", "", ""))) as pdf:
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("chapter", 2))
        with pdf.open_metadata() as meta:
            meta["pdfaid:part"], meta["pdfaid:conformance"] = "2", "B"
        out = io.BytesIO()
        pdf.save(out)
    origin = Origin(out.getvalue())
    found = [sheet(line(40, 60, f"第{n}"), number=n, origin=origin) for n in (1, 3)]
    other = sheet(line(40, 60, "图"))
    made = written([*found, other])
    assert copied(made) == [["第1"], ["第3"], ["图"]]
    with pikepdf.open(io.BytesIO(made)) as pdf:
        with pdf.open_outline() as outline:
            assert outline.root[0].title == "chapter"
            assert outline.root[0].destination[0].objgen == pdf.pages[1].objgen
        assert pdf.open_metadata().pdfa_status == "2B"


def test_pages_come_in_the_order_asked_for() -> None:
    origin = Origin(document("a", "b", "c"))
    found = [
        Sheet(Page(f"x#{n}", 300, 200, number=n), origin=origin, own_text=WHOLE) for n in (3, 1, 3)
    ]
    assert copied(written(found)) == [["c"], ["a"], ["c"]]


def test_the_same_pages_make_the_same_file() -> None:
    found = sheet(line(40, 60, "识字"), image=None, origin=Origin(encode(WHITE, "JPEG")))
    assert written(found) == written(found)


def test_a_password_is_kept() -> None:
    with pikepdf.open(io.BytesIO(document(""))) as pdf:
        out = io.BytesIO()
        pdf.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    origin = Origin(out.getvalue(), "u")
    made = written(sheet(line(40, 60, "识字"), image=None, origin=origin))
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(made))
    with pdfium.PdfDocument(made, password="u") as opened:
        assert opened[0].get_textpage().get_text_range() == "识字"


def test_a_signed_pdf_is_refused() -> None:
    with pikepdf.open(io.BytesIO(document(""))) as pdf:
        pdf.Root.AcroForm = pikepdf.Dictionary(SigFlags=3, Fields=[])
        out = io.BytesIO()
        pdf.save(out)
    with pytest.raises(WriteError, match="signed"):
        written(sheet(line(40, 60, "识字"), origin=Origin(out.getvalue())))


def test_what_has_no_picture_is_refused() -> None:
    with pytest.raises(WriteError, match=r"Reader\.sheets"):
        written(sheet(line(40, 60, "识字"), image=None))
    with pytest.raises(WriteError, match="at least one page"):
        written([])


def test_errors_are_of_one_family() -> None:
    with pytest.raises((WriteError, PdfError)):
        written(sheet(line(40, 60, "识字"), image=None, origin=Origin(b"%PDF-1.4 nothing")))
