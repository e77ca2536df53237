"""Too much, too long, broken off, damaged: everybody is answered, and nobody waits for ever."""

from __future__ import annotations

import random
import socket

import httpx
import PIL.Image
import pytest
from pictures import encode
from serving import PNG, SLOW, TEXTS, Served, pages_read, png, served, several, tiff, until_done

from shizi.errors import OptionError
from shizi.serve.asked import uploads
from shizi.serve.options import ServeOptions
from shizi.serve.refusal import RefusedError


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
    with served(ServeOptions(port=0, workers=1, timeout=0.05)) as api:
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
        assert pages_read(api) == 1


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


def test_numbers_out_of_range_are_refused_at_the_start() -> None:
    for wrong in ({"queue": -1}, {"max_pages": 0}, {"timeout": 0}, {"port": 70_000}):
        with pytest.raises(OptionError):
            ServeOptions(**wrong)  # type: ignore[arg-type]


def test_a_refusal_is_one_line() -> None:
    assert str(RefusedError(400, "a\nb\x1b")) == "a b\\x1b"
