"""Searchable PDF: the file that a page comes from is kept, and gets no more than text."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from pictures import encode
from searchable import WHITE, boxes, copied, document, line, pdfium, pikepdf, seen, sheet, written

from shizi.errors import PdfError, WriteError
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import pages
from shizi.page import WHOLE, Origin, Page, Sheet


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
