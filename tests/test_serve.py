"""The HTTP API: every file gets its result or its reason, and nobody waits for ever."""

from __future__ import annotations

import io
import json
import random
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import PIL.Image
import pytest
from pictures import encode
from serving import FAULTY, SLOW, TEXTS, Served, png, served, tiff

from shizi.errors import OptionError
from shizi.formats import FORMATS
from shizi.serve.asked import uploads
from shizi.serve.options import TOKEN, ServeOptions
from shizi.serve.refusal import RefusedError

PNG = png()
BROKEN = b"no picture"


@pytest.fixture(scope="module")
def api() -> Iterator[Served]:
    with served() as asked:
        yield asked


def several(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", file) for file in files]


def until_done(api: Served, where: str) -> dict[str, object]:
    while (told := api.get(where).json())["state"] in ("waiting", "reading"):
        time.sleep(0.01)
    return dict(told)


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


def test_too_much_is_refused_by_bytes_pixels_and_pages() -> None:
    options = ServeOptions(port=0, workers=1, max_upload=20_000, max_pages=2)
    with served(options) as api:
        assert api.post("/v1/read", content=bytes(20_001)).status_code == 413
        assert api.post("/v1/read", content=iter([bytes(9000)] * 3)).status_code == 413
        assert api.post("/v1/read", files=several(("a", bytes(20_001)))).status_code == 413
        assert api.post("/v1/ocr", content=bytes(20_001)).status_code == 413
        long = api.post("/v1/read", content=tiff(30, 31, 32))
        assert long.status_code == 413
        assert "more than 2 pages" in long.json()["error"]
        assert api.post("/v1/read?pages=2-3", content=tiff(30, 31, 32)).status_code == 200
        many = several(*[("a", PNG)] * 3)
        assert api.post("/v1/read", files=many).status_code == 413
        assert api.post("/v1/read", content=png(200_000, 1)).status_code == 413


def test_who_comes_when_all_places_are_taken_is_told_when_to_come_again() -> None:
    with served(ServeOptions(port=0, workers=1, queue=0)) as api:
        first = api.slow()
        for path in ("/v1/read", "/v1/jobs", "/v1/ocr", "/api/ocr"):
            answer = api.post(path, content=bytes(300_000))
            assert answer.status_code == 429, path
            assert int(answer.headers["Retry-After"]) >= 1
        api.reader.go.set()
        first.join(30)
        assert api.post("/v1/read", content=PNG).status_code == 200


def test_a_page_that_takes_too_long_is_given_up() -> None:
    with served(ServeOptions(port=0, workers=1, page_timeout=0.05)) as api:
        answer = api.post("/v1/read?name=x.png", content=png(SLOW))
        assert answer.status_code == 504
        assert answer.json()["error"].startswith("x.png: takes longer than 0.05 s")
        job = api.post("/v1/jobs", content=png(SLOW)).headers["Location"]
        api.reader.go.set()
        assert api.get("/healthz").status_code == 200
        until_done(api, job)


def test_a_client_that_stops_sending_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_SILENCE", 0.05)
    with served() as api, socket.create_connection(("127.0.0.1", httpx.URL(api.url).port)) as one:
        head = "POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        monkeypatch.setattr("shizi.serve.desk.front._PATIENCE", 0.05)
        one.sendall(head.encode())
        assert one.recv(1000).startswith(b"HTTP/1.1 408")


def test_what_was_taken_is_finished_when_the_service_stops() -> None:
    with served() as api:
        job = api.post("/v1/jobs", content=png(SLOW)).headers["Location"]
        assert api.reader.reading.acquire(timeout=30)
        assert not api.service.close(0)
        late = api.post("/v1/read", content=PNG)
        assert late.status_code == 503
        assert late.headers["Retry-After"]
        assert api.get("/healthz").status_code == 503
        api.reader.go.set()
        assert api.service.close(30)
        assert api.get(f"{job}/result").text.startswith(TEXTS[0])


def test_what_is_left_can_be_given_up() -> None:
    with served() as api:
        api.post("/v1/jobs", content=tiff(SLOW, 30, 31))
        api.post("/v1/jobs", content=PNG)
        assert api.reader.reading.acquire(timeout=30)
        assert not api.service.close(0)
        api.service.abandon()
        api.reader.go.set()
        for thread in api.service._desk._pool._threads:
            thread.join(30)
        assert _pages_read(api) == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "PDF"])
def test_damaged_files_are_read_or_refused(api: Served, kind: str) -> None:
    if kind == "PDF":
        pytest.importorskip("pypdfium2")
    whole = encode(PIL.Image.new("L", (60, 30), 200), kind)
    chance = random.Random(kind)
    damaged = [whole[: len(whole) * n // 8] for n in range(1, 8)]
    for _ in range(12):
        torn = bytearray(whole)
        for _ in range(3):
            torn[chance.randrange(len(torn))] = chance.randrange(256)
        damaged.append(bytes(torn))
    for data in damaged:
        for format in ("json", "pdf") if kind != "PDF" else ("json",):
            answer = api.post(f"/v1/read?format={format}", content=data)
            assert answer.status_code in (200, 207, 400, 413, 422), answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\n\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
        b'--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\nabc\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="dpi"\r\n\r\n\xff\r\n--x--\r\n',
        b"--x\r\n" + bytes(1000),
    ],
)
@pytest.mark.parametrize("path", ["/v1/read", "/v1/jobs", "/v1/format", "/v1/corrections"])
# Starlette leaves the file of a part that never ends to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_damaged_forms_are_refused(api: Served, path: str, body: bytes) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for headers in (kind, {"Content-Type": "multipart/form-data"}):
        answer = api.post(path, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["error"]


# Who may ask


def test_without_the_token_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    with served(ServeOptions(port=0, workers=1, token_file=tmp_path / "token")) as api:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            answer = api.post("/v1/read", content=PNG, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        right = {"Authorization": "Bearer s3cret"}
        assert api.post("/v1/read", content=PNG, headers=right).status_code == 200
        assert api.get("/metrics").status_code == 401
        assert api.get("/v1/jobs/x").status_code == 401
        assert api.post("/api/ocr", json={}).status_code == 401
        assert [api.get(p).status_code for p in ("/", "/healthz", "/openapi.json")] == [200] * 3


def test_the_token_comes_of_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    assert ServeOptions().token() is None
    monkeypatch.setenv(TOKEN, " abc ")
    assert ServeOptions().token() == "abc"
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(OptionError, match="holds no token"):
        ServeOptions(token_file=tmp_path / "empty").token()


def test_other_names_and_other_pages_are_not_answered(api: Served) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert api.post("/v1/read", content=PNG, headers=headers).status_code == 403
    assert "access-control-allow-origin" not in api.post("/v1/read", content=PNG).headers


# Jobs


def test_a_job_is_read_while_nobody_waits(api: Served) -> None:
    added = api.post("/v1/jobs?format=json", files=several(("a.png", PNG), ("b.png", BROKEN)))
    assert added.status_code == 202
    where = added.headers["Location"]
    told = until_done(api, where)
    assert (told["state"], told["status"], told["pages"]) == ("done", 207, 1)
    for _ in range(2):
        result = api.get(f"{where}/result")
        assert result.status_code == 207
        assert [page["image"] for page in result.json()] == ["a.png", "b.png"]
    assert api.client.delete(where).status_code == 204
    assert api.get(where).status_code == 404


def test_a_job_that_fails_says_why(api: Served) -> None:
    where = api.post("/v1/jobs?name=x", content=BROKEN).headers["Location"]
    told = until_done(api, where)
    assert (told["state"], told["status"]) == ("failed", 422)
    result = api.get(f"{where}/result")
    assert result.status_code == 422
    assert result.json()["error"] == told["error"]


def test_a_job_can_be_cancelled_between_pages() -> None:
    with served() as api:
        where = api.post("/v1/jobs", content=tiff(SLOW, 30, 31)).headers["Location"]
        assert api.reader.reading.acquire(timeout=30)
        assert api.get(f"{where}/result").status_code == 409
        assert api.get(where).json()["state"] == "reading"
        assert api.client.delete(where).status_code == 204
        api.reader.go.set()
        assert api.service.close(30)
        assert "shizi_pages_total 1\n" in api.get("/metrics").text


def test_jobs_are_bounded_and_kept_for_a_while() -> None:
    with served(ServeOptions(port=0, workers=1, most_jobs=1)) as api:
        first = api.post("/v1/jobs", content=png(SLOW)).headers["Location"]
        assert api.post("/v1/jobs", content=PNG).status_code == 429
        api.reader.go.set()
        until_done(api, first)
        second = api.post("/v1/jobs", content=PNG).headers["Location"]
        assert api.get(first).status_code == 404
        until_done(api, second)
        api.service._later.keep = 0
        assert api.get(second).status_code == 404


# What it tells of itself


def test_counts_are_there_for_prometheus(api: Served) -> None:
    api.post("/v1/read", content=PNG)
    text = api.get("/metrics").text
    assert 'shizi_requests_total{endpoint="read",status="200"}' in text
    assert "# TYPE shizi_pages_total counter" in text
    assert "shizi_places 0" in text


def test_openapi_names_every_endpoint_and_option(api: Served) -> None:
    told = api.get("/openapi.json").json()
    routes = {
        route.path: set(route.methods or ()) - {"HEAD"}  # type: ignore[attr-defined]
        for route in api.service._starlette().routes
        if hasattr(route, "methods") and route.path not in ("/", "/openapi.json")  # type: ignore[attr-defined]
    }
    assert set(told["paths"]) == set(routes)
    names = {option["name"] for option in told["paths"]["/v1/read"]["post"]["parameters"]}
    assert {"format", "pages", "dpi", "password", "orientation"} <= names
    assert told["info"]["version"]


def test_numbers_out_of_range_are_refused_at_the_start() -> None:
    for wrong in ({"queue": -1}, {"max_pages": 0}, {"page_timeout": 0}, {"port": 70_000}):
        with pytest.raises(OptionError):
            ServeOptions(**wrong)  # type: ignore[arg-type]


def test_a_refusal_is_one_line() -> None:
    assert str(RefusedError(400, "a\nb\x1b")) == "a b\\x1b"


def test_a_pdf_that_has_text_keeps_it_unless_that_is_not_wanted(api: Served) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    files = several(("a.png", PNG))
    made = api.post("/v1/read?format=pdf", files=files)
    assert made.headers["Content-Type"] == "application/pdf"
    for force, reads in (("0", False), ("1", True)):
        pages = _pages_read(api)
        again = api.post(f"/v1/read?format=pdf&force={force}", content=made.content)
        assert again.status_code == 200
        assert again.headers.get("Shizi-Kept") == (None if reads else "1")
        with pikepdf.open(io.BytesIO(again.content)) as book:
            assert len(book.pages) == 1
        assert (_pages_read(api) > pages) is reads


def _pages_read(api: Served) -> int:
    (found,) = re.findall(r"^shizi_pages_total (\d+)$", api.get("/metrics").text, re.M)
    return int(found)
