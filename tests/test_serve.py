"""What is read comes in the format asked for, every file's result or its reason."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import unquote

import PIL.Image
import pytest
from serving import (
    BROKEN,
    FAULTY,
    PNG,
    SLOW,
    TEXTS,
    Served,
    pages_read,
    png,
    several,
    tiff,
)

from shizi.formats import FORMATS

# What is read


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_answered_with_its_media_type(api: Served, format: str) -> None:
    answer = api.post(f"/v1/read?format={format}", content=PNG)
    assert answer.status_code == 200
    assert answer.content
    assert answer.headers["Content-Type"].partition(";")[0] != "application/octet-stream"


def test_a_bare_body_is_one_file_and_text_the_default(api: Served) -> None:
    answer = api.post("/v1/read", content=PNG)
    assert answer.text == "识字\n你好 world\n\n第二段\n"
    named = api.post("/v1/read?format=json&name=票据.png", content=PNG)
    assert named.json()[0]["image"] == "票据.png"


def test_a_file_is_one_whatever_curl_calls_it(api: Served) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api.post("/v1/read", content=PNG, headers=kind).text.startswith(TEXTS[0])
    pages = api.post("/v1/read?format=json", content=PNG).content
    assert api.post("/v1/format", content=pages, headers=kind).text.startswith(TEXTS[0])


def test_options_are_fields_of_the_form_or_part_of_the_address(api: Served) -> None:
    for given in (
        api.post("/v1/read?format=json&pages=2", files=several(("a.tif", tiff(30, 31, 32)))),
        api.post(
            "/v1/read",
            files=several(("a.tif", tiff(30, 31, 32))),
            data={"format": "json", "pages": "2"},
        ),
    ):
        assert [page["image"] for page in given.json()] == ["a.tif#2"]


def test_neighbours_of_a_broken_picture_get_their_result(api: Served) -> None:
    files = several(("a.png", PNG), ("b.png", BROKEN), ("c.png", png(FAULTY)), ("d.png", PNG))
    answer = api.post("/v1/read?format=json", files=files)
    assert answer.status_code == 207
    first, second, third, fourth = answer.json()
    assert first["lines"] and fourth["lines"]
    assert (second["image"], second["status"], third["status"]) == ("b.png", 422, 500)
    assert second["error"].startswith("b.png: is not a picture")
    assert third["error"] == "c.png: unexpected RuntimeError: engine failed"


def test_formats_that_hold_no_failures_tell_them_in_a_header(api: Served) -> None:
    files = several(("坏.png", BROKEN), ("a.png", PNG))
    answer = api.post("/v1/read?format=text", files=files)
    assert answer.status_code == 207
    (failure,) = json.loads(unquote(answer.headers["Shizi-Failures"]))
    assert failure["image"] == "坏.png"
    assert answer.text.startswith(TEXTS[0])


@pytest.mark.parametrize("format", ["text", "json", "jsonl", "markdown", "hocr"])
def test_where_nothing_can_be_read_the_status_says_so(api: Served, format: str) -> None:
    answer = api.post(f"/v1/read?format={format}&name=x", content=BROKEN)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("x: is not a picture")


def test_json_lines_come_page_by_page(api: Served) -> None:
    document = tiff(30, 31, SLOW)
    with api.client.stream("POST", "/v1/read?format=jsonl", content=document) as answer:
        lines = answer.iter_lines()
        pages = [json.loads(next(lines)) for _ in range(2)]
        assert [page["number"] for page in pages] == [1, 2]
        assert pages[0]["pages"] == 3
        api.reader.go.set()  # the third was not read before
        assert [json.loads(line)["number"] for line in lines] == [3]
    api.reader.go.clear()


def test_pictures_come_along_when_asked_for(api: Served) -> None:
    (page,) = api.post("/v1/read?format=json&pictures=1", content=PNG).json()
    assert page["picture"].startswith("data:image/jpeg;base64,")
    assert "picture" not in api.post("/v1/read?format=json", content=PNG).json()[0]


def test_pages_that_were_corrected_are_written_in_any_format(api: Served) -> None:
    pages = api.post("/v1/read?format=json", content=PNG).json()
    pages[0]["lines"][0] |= {"text": "认字", "chars": []}
    assert "认字" in api.post("/v1/format?format=markdown", json=pages).text
    assert "认字" in api.post("/v1/format?format=hocr", json=pages).text
    for drawn in ("picture", "pdf"):
        assert api.post(f"/v1/format?format={drawn}", json=pages).status_code == 400
    assert api.post("/v1/format?format=pdf", json=[]).status_code == 400


def test_with_their_file_corrected_pages_become_a_pdf_or_a_picture(api: Served) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    pytest.importorskip("pikepdf")
    file = several(("a.tif", tiff(60, 61, 62)))
    pages = api.post("/v1/read?format=json", files=file).json()
    pages[2]["lines"][0] |= {"text": "认字", "chars": []}
    given = {"format": "pdf", "result": json.dumps([pages[2], pages[0]])}
    made = api.post("/v1/format", files=file, data=given)
    assert (made.status_code, made.headers["Content-Type"]) == (200, "application/pdf")
    with pdfium.PdfDocument(made.content) as book:
        texts = [page.get_textpage().get_text_range().split()[0] for page in book]
    assert texts == ["认字", "识字"]
    given = {"format": "picture", "result": json.dumps(pages[2:])}
    drawn = api.post("/v1/format", files=file, data=given)
    assert PIL.Image.open(io.BytesIO(drawn.content)).format == "JPEG"


def test_pages_must_be_those_of_their_file(api: Served) -> None:
    (page,) = api.post("/v1/read?format=json", content=PNG).json()
    file, result = several(("a.png", PNG)), json.dumps([page])
    for files, data, status in (
        (several(("b.png", png(61))), {"result": result}, 400),
        (several(("b.png", BROKEN)), {"result": result}, 422),
        (several(("b.tif", tiff(60, 60))), {"result": json.dumps([page | {"number": 3}])}, 422),
        (file, {"result": json.dumps([page | {"number": 0}])}, 400),
        (file, {"result": json.dumps([page] * 201)}, 413),
        (file, {"result": "["}, 400),
        (file, {"result": "[]"}, 400),
        (file, {}, 400),
        (file * 2, {"result": result}, 400),
    ):
        given = {"format": "pdf", **data}
        answer = api.post("/v1/format", files=files, data=given)
        assert (answer.status_code, list(answer.json())) == (status, ["error", "status"]), data
    other = {"format": "json", "result": json.dumps([page, page | {"width": 9}])}
    assert api.post("/v1/format", files=file, data=other).status_code == 207


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        {},
        [3],
        [{"lines": 3}],
        [{"image": "a", "width": "9", "height": 9, "angle": 0, "lines": []}],
        [{"image": "a", "width": 9, "height": 9, "angle": 0, "lines": [{"text": 3}]}],
        [{"image": 3, "width": 9, "height": 9, "angle": 0, "lines": []}],
    ],
)
def test_what_is_no_page_is_not_written(api: Served, wrong: object) -> None:
    assert api.post("/v1/format?format=hocr", json=wrong).status_code == 400


# What is refused


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("format=docx", "format: must be one of text, json"),
        ("dip=200", "dip: is no option"),
        ("dpi=many", "dpi: must be a whole number"),
        ("dpi=9999", "dpi: must be from 1 to 2400"),
        ("pages=3-1", "pages count up"),
        ("orientation=maybe", "orientation: must be true or false"),
        ("dpi=100&dpi=200", "dpi: is given twice"),
    ],
)
def test_wrong_options_are_named(api: Served, query: str, told: str) -> None:
    answer = api.post(f"/v1/read?{query}", content=PNG)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(told)


def test_a_form_without_files_is_refused(api: Served) -> None:
    fields = {"format": (None, "json")}
    assert api.post("/v1/read", files=fields).status_code == 400
    torn = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api.post("/v1/read", content=b"--y\r\n", headers=torn).status_code == 400


def test_paths_and_addresses_are_never_opened(api: Served, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    for given in (str(tmp_path / "a.png"), (tmp_path / "a.png").as_uri()):
        assert api.post("/v1/read", content=given.encode()).status_code == 422
        assert api.post("/v1/read", files={"file": (None, given)}).status_code == 400
        assert api.post("/v1/read", files=several((given, BROKEN))).status_code == 422


def test_a_format_of_one_page_refuses_several(api: Served) -> None:
    answer = api.post("/v1/read?format=picture", content=tiff(30, 31))
    assert answer.status_code == 400
    assert "one page" in answer.json()["error"]


def test_a_pdf_that_has_text_keeps_it_unless_that_is_not_wanted(api: Served) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    files = several(("a.png", PNG))
    made = api.post("/v1/read?format=pdf", files=files)
    assert made.headers["Content-Type"] == "application/pdf"
    for force, reads in (("0", False), ("1", True)):
        pages = pages_read(api)
        again = api.post(f"/v1/read?format=pdf&force={force}", content=made.content)
        assert again.status_code == 200
        assert again.headers.get("Shizi-Kept") == (None if reads else "1")
        with pikepdf.open(io.BytesIO(again.content)) as book:
            assert len(book.pages) == 1
        assert (pages_read(api) > pages) is reads
