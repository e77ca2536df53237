"""The shipped weights on the sample pictures: what is read must stay as good as this."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from rapidfuzz.distance import Levenshtein

from shizi.images.load import load
from shizi.page import Page
from shizi.reader import Reader, ReaderOptions

SAMPLES = Path(__file__).parents[2] / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    reader = Reader(ReaderOptions(threads=2))
    found = reader.read_many(sorted(p for p in SAMPLES.iterdir() if p.suffix != ".json"))
    return {Path(page.source).name: page for page in found if isinstance(page, Page)}


def plain(text: str) -> str:
    """Width of marks, spaces, and the look-alikes 〇 and ○ do not count."""
    text = text.replace("○", "〇")
    return unicodedata.normalize("NFKC", text).replace(" ", "")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_reads_as_expected(pages: dict[str, Page], name: str) -> None:
    page, truth = pages[name], EXPECTED[name]
    assert page.angle == truth.get("angle", 0)
    read = {plain(line.text) for line in page.lines}
    lines = [plain(line) for line in truth["lines"]]
    exact = sum(line in read for line in lines)
    assert exact >= 0.75 * len(lines), sorted(set(lines) - read)
    best = [min(Levenshtein.distance(line, r) for r in read) for line in lines]
    assert sum(best) <= 0.04 * sum(map(len, lines))


def test_strings_that_must_never_change(pages: dict[str, Page]) -> None:
    assert "停水检修通知" in pages["notice.jpg"].text
    assert "禾木便利店" in pages["receipt.jpg"].text
    assert "北巷老周 送出小心心 ×3" in pages["live.png"].text
    assert "阅览室使用须知" in pages["rotated.jpg"].text
    assert any(line.vertical and line.text == "李記鐘錶" for line in pages["sign.jpg"].lines)


def test_quads_of_a_rotated_page_follow_its_text(pages: dict[str, Page]) -> None:
    page = pages["rotated.jpg"]
    title = next(line for line in page.lines if "阅览室使用须知" in line.text)
    (x0, y0), (x1, y1), *_ = title.quad.points
    assert abs(x1 - x0) < 0.2 * (y1 - y0)  # the text runs downwards in the picture


def test_no_quad_leaves_a_picture_that_its_text_fills() -> None:
    reader = Reader(ReaderOptions(threads=1))
    image = load(SAMPLES / "notice.jpg")
    title = next(li for li in reader.read(image).lines if "停水检修通知" in li.text)
    left, top, right, low = map(round, title.quad.bounds)
    page = reader.read(image[top + 6 : low - 6, left + 6 : right - 6])
    assert page.lines
    for x, y in (point for line in page.lines for point in line.quad.points):
        assert 0 <= x <= page.width
        assert 0 <= y <= page.height


def test_reading_is_the_same_from_many_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    reader = Reader(ReaderOptions(threads=2))
    paths = [SAMPLES / "sign.jpg", SAMPLES / "live.png"] * 3
    alone = [reader.read(p).text for p in paths[:2]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: reader.read(p).text, paths))
    assert together == alone * 3
