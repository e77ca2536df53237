"""A service with a reader that reads nothing, for tests of what is around it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import PIL.Image
from pictures import encode

from shizi.page import Image, Line, Page, Quad
from shizi.reader import Reader, ReaderOptions
from shizi.serve.options import ServeOptions
from shizi.serve.service import Service
from shizi.web.server import WebServer

FAULTY, SLOW, CELLS = 21, 22, 23
"""Widths of pictures that make the reader fail, and wait, and find two lines in one row."""

THREE = [PIL.Image.new("L", (50 + n, 30), 255) for n in range(3)]

TEXTS = ("识字", "你好 world", "第二段")


class FakeReader(Reader):
    """Finds the same three lines on every page; the last is a paragraph of its own."""

    def __init__(self, options: ReaderOptions | None = None) -> None:
        self.options = options or ReaderOptions()
        self.go = threading.Event()
        self.reading = threading.Semaphore(0)

    def told(self, *, orientation: bool) -> Reader:
        return self

    def read_image(self, image: Image, name: str = "<array>") -> Page:
        height, width = image.shape[:2]
        if width == FAULTY:
            raise RuntimeError("engine\nfailed")
        if width == SLOW:
            self.reading.release()
            assert self.go.wait(30)
        lines = []
        for n, text in enumerate(TEXTS):
            top = n * height / 3
            row = 0 if width == CELLS and n < 2 else None
            points = [[1, top + 1], [width - 1, top + 1], [width - 1, top + 9], [1, top + 9]]
            lines.append(
                Line(Quad.from_array(points), text, 0.9 - n / 10, paragraph=n // 2, row=row)
            )
        return Page(name, width, height, lines=tuple(lines))


def png(width: int = 60, height: int = 30) -> bytes:
    return encode(PIL.Image.new("L", (width, height), 255), "PNG")


def tiff(*widths: int) -> bytes:
    first, *rest = (PIL.Image.new("L", (width, 30), 255) for width in widths)
    return encode(first, "TIFF", save_all=True, append_images=rest)


class Served:
    """A service that is being asked."""

    def __init__(self, service: Service, reader: FakeReader, url: str) -> None:
        self.service, self.reader, self.url = service, reader, url.rstrip("/")
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def post(self, path: str, **named: object) -> httpx.Response:
        return self.client.post(path, **named)  # type: ignore[arg-type]

    def get(self, path: str, **named: object) -> httpx.Response:
        return self.client.get(path, **named)  # type: ignore[arg-type]

    def slow(self) -> threading.Thread:
        """Have a slow picture read by another client, and wait until its reading begins."""
        thread = threading.Thread(
            target=lambda: httpx.post(f"{self.url}/v1/read", content=png(SLOW), timeout=30)
        )
        thread.start()
        assert self.reader.reading.acquire(timeout=30)
        return thread


@contextmanager
def served(options: ServeOptions = ServeOptions(port=0, workers=1)) -> Iterator[Served]:
    reader = FakeReader()
    service = Service(reader, options)
    with WebServer(service.app, options) as web:
        asked = Served(service, reader, web.url)
        try:
            yield asked
        finally:
            reader.go.set()
            assert service.close(30)
            asked.client.close()


PNG = png()
BROKEN = b"no picture"


def several(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", file) for file in files]


def until_done(api: Served, where: str) -> dict[str, object]:
    while (told := api.get(where).json())["state"] in ("waiting", "reading"):
        time.sleep(0.01)
    return dict(told)


def pages_read(api: Served) -> int:
    (found,) = re.findall(r"^shizi_pages_total (\d+)$", api.get("/metrics").text, re.M)
    return int(found)
