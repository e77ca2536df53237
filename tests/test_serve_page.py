"""The web page in a real browser, and the training set that it helps to make."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import PIL.Image
import pytest
from serving import CELLS, TEXTS, Served, png, served, tiff

from shizi.data import read_lines
from shizi.serve.options import ServeOptions

pytestmark = pytest.mark.skipif(
    not shutil.which("chromium"), reason="needs the chromium package"
)  # fmt: skip

pdfium = pytest.importorskip("pypdfium2")
pytest.importorskip("pikepdf")
sync_api = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        found = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield found
        found.close()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with served(ServeOptions(port=0, workers=1, collect=tmp_path / "set")) as asked:
        yield asked


def opened(browser: Any, api: Served, problems: list[str], width: int = 1400, **more: Any) -> Any:
    page = browser.new_page(viewport={"width": width, "height": 800}, locale="zh-CN", **more)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(api.url)
    page.wait_for_selector("#download option:nth-child(2)", state="attached")
    return page


def give(page: Any, *files: tuple[str, bytes]) -> None:
    given = [{"name": name, "mimeType": "", "buffer": data} for name, data in files]
    page.set_input_files("#files", given)
    page.wait_for_selector(".tab.waiting", state="detached")


def saved(page: Any, format: str) -> Path:
    with page.expect_download() as download:
        page.select_option("#download", format)
    return Path(download.value.path())


@pytest.mark.parametrize("width", [1400, 390])
def test_files_are_read_and_shown_side_by_side(browser: Any, api: Served, width: int) -> None:
    problems: list[str] = []
    page = opened(browser, api, problems, width)
    give(page, ("<b>.png", png(300, 200)), ("scan.tif", tiff(30, 31)), ("bad.png", b"x"))
    assert page.locator(".tab").count() == 4
    assert "is not a picture" in page.inner_text(".tab.failed")
    assert page.locator(".line").all_inner_texts() == list(TEXTS)
    assert page.locator("polygon").count() == 3
    assert page.locator("#text p").count() == 2
    page.hover(".line >> nth=1")
    assert page.locator("polygon.lit").count() == 1
    assert "lit" in (page.locator("polygon").nth(1).get_attribute("class") or "")
    page.hover("polygon >> nth=2")
    assert "lit" in (page.locator(".line").nth(2).get_attribute("class") or "")
    page.fill("#search", "WOR")
    assert page.inner_text("#found") == "1/1"
    assert page.inner_text("mark") == "wor"
    page.click(".tab >> nth=2")
    assert "2/2" in page.inner_text(".tab.here")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
    # The broken file's status is all that a browser complains of.
    assert [p for p in problems if "422" not in p] == []


def test_cells_of_a_row_stand_beside_each_other(browser: Any, api: Served) -> None:
    problems: list[str] = []
    page = opened(browser, api, problems)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    give(page, ("a.png", png(CELLS)))
    first, second, third = (page.locator(".line").nth(n).bounding_box() for n in range(3))
    assert first["y"] == second["y"] < third["y"]
    assert first["x"] + first["width"] < second["x"]
    page.click("#copy")
    assert page.evaluate("navigator.clipboard.readText()") == "识字\t你好 world\n\n第二段\n"
    page.close()
    assert not problems


def test_where_nothing_can_be_dropped_the_page_says_tap(browser: Any, api: Served) -> None:
    problems: list[str] = []
    page = opened(browser, api, problems, 390, has_touch=True, is_mobile=True)
    assert page.inner_text("#target strong") == "点这里选图片或 PDF"
    page.close()
    assert not problems


def test_the_page_speaks_the_browsers_language_and_the_other(browser: Any, api: Served) -> None:
    problems: list[str] = []
    page = opened(browser, api, problems)
    assert page.inner_text("#target strong") == "把图片或 PDF 拖到这里"
    page.click("#language")
    assert page.inner_text("#target strong") == "Drop pictures or PDFs here"
    assert page.evaluate("document.documentElement.lang") == "en"
    page.reload()
    assert page.inner_text("#target strong") == "Drop pictures or PDFs here"
    page.close()
    assert not problems


def test_pictures_can_be_dropped_and_pasted(browser: Any, api: Served) -> None:
    problems: list[str] = []
    page = opened(browser, api, problems)
    for kind, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """([kind, field, bytes]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`));
              const Kind = kind === "drop" ? DragEvent : ClipboardEvent;
              document.body.dispatchEvent(new Kind(kind, { [field]: data, bubbles: true }));
            }""",
            [kind, field, list(png())],
        )
        page.wait_for_selector(f".tab[title='{kind}.png']:not(.waiting)")
    page.close()
    assert not problems


def test_corrections_are_taken_away_and_collected(
    browser: Any, api: Served, tmp_path: Path
) -> None:
    problems: list[str] = []
    page = opened(browser, api, problems)
    give(page, ("a.tif", tiff(300, 300)))
    page.click(".tab >> nth=1")
    page.dblclick(".line >> nth=0")
    page.keyboard.type("认字 <i>")
    page.keyboard.press("Enter")
    page.dblclick(".line >> nth=1")
    page.keyboard.type("not this")
    page.keyboard.press("Escape")
    assert page.inner_text("#count") == "改了 1 行"
    first, second = json.loads(saved(page, "json").read_text("utf-8"))
    assert [line["text"] for line in first["lines"]] == list(TEXTS)
    assert [line["text"] for line in second["lines"]] == ["认字 <i>", *TEXTS[1:]]
    assert "was" not in second["lines"][0]
    assert "认字" in saved(page, "text").read_text("utf-8")
    with pdfium.PdfDocument(saved(page, "pdf")) as book:
        texts = [made.get_textpage().get_text_range() for made in book]
    assert ["认字<i>" in "".join(text.split()) for text in texts] == [False, True]
    with PIL.Image.open(saved(page, "picture")) as drawn:
        assert drawn.format == "JPEG"
    page.click("#collect")
    page.wait_for_selector("#collect", state="hidden")
    assert page.inner_text("#count") == "改了 1 行 · 训练集现有 1 行"
    page.close()
    assert not problems
    (item,) = read_lines(tmp_path / "set")
    assert item.text == "认字 <i>"
    crop = cv2.imread(str(item.path))
    assert crop is not None and crop.shape[1] > crop.shape[0]


def test_a_line_that_is_corrected_again_gets_its_last_text(api: Served, tmp_path: Path) -> None:
    quad = [[1, 1], [59, 1], [59, 9], [1, 9]]
    for text in ("一", "二"):
        answer = api.post(
            "/v1/corrections",
            files={"file": ("a.png", png())},
            data={"page": "1", "lines": json.dumps([{"quad": quad, "text": text}])},
        )
        assert answer.status_code == 201
        assert answer.json() == {"kept": 1}
    (row,) = (tmp_path / "set" / "labels.tsv").read_text("utf-8").splitlines()
    assert row.endswith("\t二")


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "3",
        "[]",
        '[{"quad": [[0, 0], [9, 0], [9, 9], [0, 9]], "text": "a\\tb"}]',
        '[{"quad": [[0, 0], [9, 0], [9, 9], [0, 9]], "text": " "}]',
        '[{"quad": [[0, 0], [9, 0]], "text": "a"}]',
        '[{"quad": [[0, 0], [0, 0], [0, 0], [0, 0]], "text": "a"}]',
        '[{"quad": [[0, 0], [999, 0], [999, 9], [0, 9]], "text": "a"}]',
    ],
)
def test_what_is_no_correction_is_refused(api: Served, lines: str, tmp_path: Path) -> None:
    answer = api.post("/v1/corrections", files={"file": ("a.png", png())}, data={"lines": lines})
    assert answer.status_code == 400
    assert not (tmp_path / "set" / "labels.tsv").exists()


def test_nothing_is_collected_unless_that_was_wanted() -> None:
    with served() as api:
        assert api.post("/v1/corrections", files={"file": ("a.png", png())}).status_code == 403


def test_with_a_token_the_page_asks_for_it(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    with served(ServeOptions(port=0, workers=1, token_file=tmp_path / "token")) as api:
        page = browser.new_page()
        page.goto(api.url)
        page.fill("#token", "s3cret")
        page.keyboard.press("Enter")
        page.wait_for_selector("#download option:nth-child(2)", state="attached")
        give(page, ("a.png", png()))
        assert page.locator(".line").count() == 3
        page.close()
