"""Searchable PDF: what is found lies where it was read."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from searchable import boxes, copied, line, pikepdf, seen, sheet, written

from shizi.formats.pdf.font import MOST, UNIT, WIDEST, Font, _program
from shizi.page import Char, Line, Page, Quad, Sheet

poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no poppler")


def turned(found: Line, turns: int, width: int, height: int) -> Line:
    """The line on a page of (width, height) that is turned clockwise by so many quarters."""
    points = found.quad.to_array()
    for _ in range(turns):
        points = np.stack([height - points[:, 1], points[:, 0]], -1)
        width, height = height, width
    return Line(Quad.from_array(points), found.text, 0.9, found.chars, vertical=found.vertical)


def extracted(data: bytes, tmp_path: Path, *options: str) -> str:
    (tmp_path / "x.pdf").write_bytes(data)
    command = ["pdftotext", *options, str(tmp_path / "x.pdf"), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


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
