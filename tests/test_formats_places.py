"""Formats that hold the place of everything: well formed, nested, and in pixels of the picture."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable

import pytest

from shizi.formats import FormatName, write
from shizi.page import Char, Line, Page, Quad

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"


def line(left: float, top: float, text: str, block: int, paragraph: int, **more: bool) -> Line:
    """A line of 20 pixels a character, 20 high."""
    size = len(text)
    quad = Quad.from_array(
        [[left, top], [left + 20 * size, top], [left + 20 * size, top + 20], [left, top + 20]]
    )
    chars = tuple(Char(c, 0.9, i / size, (i + 1) / size) for i, c in enumerate(text))
    return Line(quad, text, 0.9, chars, block, paragraph, **more)


PAGE = Page(
    'dir/a"b&<c>.png#7',
    300,
    200,
    lines=(
        line(10, 10, "识字 OCR", 0, 0),
        line(10, 40, "a <b> & 'c'", 0, 0),
        line(10, 80, "段落", 0, 1),
        line(200, 10, "栏", 1, 2),
    ),
    number=7,
    dpi=150.0,
)
EMPTY = Page("empty.png", 9, 9)


def written(kind: FormatName, *pages: Page) -> str:
    out = io.BytesIO()
    write(pages, out, kind)
    return out.getvalue().decode()


def bbox(element: ElementTree.Element) -> list[int]:
    found = re.search(r"bbox (\d+) (\d+) (\d+) (\d+)", element.get("title", ""))
    assert found
    return [int(number) for number in found.groups()]


def texts(elements: Iterable[ElementTree.Element]) -> list[str]:
    return ["".join(element.itertext()) for element in elements]


def test_tsv_has_the_rows_of_tesseract() -> None:
    header, *rows = (row.split("\t") for row in written("tsv", EMPTY, PAGE).splitlines())
    assert header[:2] + header[-2:] == ["level", "page_num", "conf", "text"]
    assert all(len(row) == 12 for row in rows)
    assert rows[0] == ["1", "1", "0", "0", "0", "0", "0", "0", "9", "9", "-1", ""]
    words = [row for row in rows if row[0] == "5"]
    assert [row[-1] for row in words] == ["识字", "OCR", "a", "<b>", "&", "'c'", "段落", "栏"]
    sure = str(round(100 * PAGE.lines[0].words[1].score, 2))
    assert words[1] == ["5", "2", "1", "1", "1", "2", "70", "10", "60", "20", sure, "OCR"]
    assert [row[1:5] for row in words if row[-1] in ("段落", "栏")] == [
        ["2", "1", "2", "1"],
        ["2", "2", "1", "1"],
    ]


def test_hocr_nests_what_it_places() -> None:
    root = ElementTree.fromstring(written("hocr", EMPTY, PAGE))

    def all_of(kind: str) -> list[ElementTree.Element]:
        return [e for e in root.iter() if e.get("class") == kind]

    first, second = all_of("ocr_page")
    assert bbox(first) == [0, 0, 9, 9]
    assert second.get("title") == (
        """image "dir/a'b&<c>.png#7"; bbox 0 0 300 200; ppageno 6; scan_res 150 150"""
    )
    assert len(all_of("ocr_carea")) == 2
    assert len(all_of("ocr_par")) == 3
    assert texts(all_of("ocr_line")) == ["识字 OCR", "a <b> & 'c'", "段落", "栏"]
    words = all_of("ocrx_word")
    assert texts(words)[:2] == ["识字", "OCR"]
    assert bbox(words[1]) == [70, 10, 130, 30]
    assert f"x_wconf {100 * PAGE.lines[0].words[1].score:.0f}" in words[1].get("title", "")
    assert texts(all_of("ocrx_cinfo"))[:2] == ["识", "字"]
    assert all_of("ocrx_cinfo")[1].get("title") == "x_bboxes 30 10 50 30; x_conf 90"
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    declared = next(e for e in root.iter() if e.get("name") == "ocr-capabilities")
    used = {e.get("class") for e in root.iter() if e.get("class")}
    assert used == set((declared.get("content") or "").split())


def test_hocr_tells_how_far_a_line_is_turned() -> None:
    upright = line(100, 100, "识字", 0, 0)
    for turns, angle in ((0, None), (1, "90.0"), (2, "180.0"), (3, "270.0")):
        points = upright.quad.to_array()[[(i - turns) % 4 for i in range(4)]]
        turned = Line(Quad.from_array(points), "识字", 0.9)
        found = re.findall(
            r"textangle ([\d.]+)", written("hocr", Page("x", 300, 300, lines=(turned,)))
        )
        assert found == ([angle] if angle else [])
    column = line(100, 100, "直排", 0, 0, vertical=True)
    assert "textangle 270.0" in written("hocr", Page("x", 300, 300, lines=(column,)))


def test_alto_nests_what_it_places() -> None:
    root = ElementTree.fromstring(written("alto", PAGE, EMPTY))
    assert root.findtext(f".//{ALTO}fileName") == 'dir/a"b&<c>.png'
    assert root.findtext(f".//{ALTO}MeasurementUnit") == "pixel"
    first, second = root.iter(f"{ALTO}Page")
    assert first.attrib == {
        "ID": "page_1",
        "PHYSICAL_IMG_NR": "7",
        "HEIGHT": "200",
        "WIDTH": "300",
    }
    assert second.find(f".//{ALTO}String") is None
    blocks = first.findall(f"{ALTO}PrintSpace/{ALTO}ComposedBlock")
    assert [len(block.findall(f"{ALTO}TextBlock")) for block in blocks] == [2, 1]
    strings = list(first.iter(f"{ALTO}String"))
    assert [s.get("CONTENT") for s in strings][:4] == ["识字", "OCR", "a", "<b>"]
    assert [strings[1].get(k) for k in ("HPOS", "VPOS", "WIDTH", "HEIGHT")] == [
        "70",
        "10",
        "60",
        "20",
    ]
    assert [g.get("CONTENT") for g in strings[1]] == list("OCR")
    assert len(list(first.iter(f"{ALTO}SP"))) == 4
    ids = [e.get("ID") for e in root.iter() if e.get("ID")]
    assert len(ids) == len(set(ids))


_INSIDE = {  # what the schema of ALTO 4.4 allows within each, in that order
    "alto": ["Description", "Layout"],
    "Description": ["MeasurementUnit", "sourceImageInformation", "Processing"],
    "sourceImageInformation": ["fileName"],
    "Processing": ["processingSoftware"],
    "processingSoftware": ["softwareName"],
    "Layout": ["Page"],
    "Page": ["PrintSpace"],
    "PrintSpace": ["ComposedBlock"],
    "ComposedBlock": ["TextBlock"],
    "TextBlock": ["TextLine"],
    "TextLine": ["Shape", "String", "SP", "String"],
    "Shape": ["Polygon"],
    "String": ["Glyph"],
}
_NEEDED = {
    "Page": {"ID", "PHYSICAL_IMG_NR"},
    "ComposedBlock": {"ID"},
    "TextBlock": {"ID"},
    "String": {"CONTENT"},
    "Glyph": {"CONTENT"},
    "Polygon": {"POINTS"},
    "Processing": {"ID"},
}


def test_alto_is_as_its_schema_says() -> None:
    decomposed = (Char("e\u0301", 0.9, 0, 0.5), Char("\x07", 0.9, 0.5, 1))
    odd = (
        Line(line(0, 0, "ab", 0, 0).quad, "e\u0301\x07", 0.9, decomposed),
        line(0, 30, "  ", 0, 0),
        line(0, 60, "直排", 0, 0, vertical=True),
        line(0, 90, " a b ", 0, 0),
    )
    text = written("alto", PAGE, EMPTY, Page("x", 300, 200, lines=odd))
    assert text.count('BASEDIRECTION="ttb"') == 1
    for element in ElementTree.fromstring(text).iter():
        kind = element.tag.removeprefix(ALTO)
        inside = [child.tag.removeprefix(ALTO) for child in element]
        allowed = _INSIDE.get(kind, [])
        if kind == "TextLine":
            assert inside[:2] == ["Shape", "String"]
            assert "SP SP" not in " ".join(inside)
        else:
            assert inside == sorted(inside, key=allowed.index), kind
        assert set(element.attrib) >= _NEEDED.get(kind, set())
        for name in ("WC", "GC"):
            assert 0 <= float(element.get(name, 0)) <= 1
        for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"):
            assert float(element.get(name, 0)) >= 0
        if kind == "Glyph":
            assert len(element.get("CONTENT", "")) == 1
        if kind == "String" and inside:
            glyphs = "".join(child.get("CONTENT", "") for child in element)
            assert glyphs == element.get("CONTENT")


def test_html_is_paragraphs() -> None:
    text = written("html", PAGE)
    assert "<h2>dir/a&quot;b&amp;&lt;c&gt;.png#7</h2>" in text
    assert re.findall("<p>(.*)</p>", text) == [
        "识字 OCR a &lt;b&gt; &amp; &#x27;c&#x27;",
        "段落",
        "栏",
    ]


@pytest.mark.parametrize("kind", ["html", "hocr", "alto"])
def test_odd_texts_stay_well_formed(kind: FormatName) -> None:
    odd = "\x00\x1b]<&\"'>\ufffe\ud800\n识"
    found = written(kind, Page(odd, 300, 200, lines=(line(0, 0, odd, 0, 0),)), EMPTY)
    ElementTree.fromstring(
        found.replace("<!DOCTYPE html>", "").replace('<meta charset="utf-8">', "")
    )
    assert "\x1b" not in found
    assert ElementTree.fromstring(written(kind).replace('<meta charset="utf-8">', "")) is not None


@pytest.mark.parametrize("kind", ["hocr", "alto"])
def test_lines_without_characters_have_words_but_no_cells(kind: FormatName) -> None:
    plain = Line(line(0, 0, "ab cd", 0, 0).quad, "ab cd", 0.9)
    found = written(kind, Page("x", 300, 200, lines=(plain,)))
    assert "cd" in found
    assert 'class="ocrx_cinfo"' not in found
    assert "Glyph" not in found
