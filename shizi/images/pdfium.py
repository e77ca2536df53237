"""The process that PDFium runs in: ``python -m shizi.images.pdfium``.

A page of two kilobytes may keep PDFium busy for hours, deaf to signals, and a broken one may
take the process with it; a process of its own can be killed. It says ``{}`` when it has
started; then it takes a request a line, JSON, and answers with a line, after which a drawn page
sends its pixels:

- ``{"open": path or null, "bytes": n, "password": …}`` and n bytes -> ``{"pages": n}``
- ``{"size": index}`` -> ``{"size": [width, height]}`` in points
- ``{"draw": index, "scale": pixels a point}`` -> ``{"width", "height", "stride"}``, RGB rows
- ``{"text": index}`` -> ``{"text": [[left, top, right, bottom], …]}`` in shares of the page,
  all of it unless the page is a scan with a scrap of text over it
- ``{"close": true}`` -> ``{}``

or ``{"error": …}``: ``password``, ``broken``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import sys
import threading
from typing import Any, BinaryIO

import pypdfium2
from pypdfium2 import raw

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_PAGES = 32  # drawn before a PDF is opened afresh
_MOST = 0.5  # of a page that a picture covers, if it is a scan of it
_SCRAP = 0.03  # of a page that its text covers, if it is a scrap
_BASE = 100_000_000  # bytes of Python and PDFium before anything is open, with some to spare


_Box = tuple[float, float, float, float]
_WHOLE: _Box = (0.0, 0.0, 1.0, 1.0)


def main() -> None:
    """Answer requests until the other side goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other side decides
    requests: queue.Queue[tuple[dict[str, Any], bytes]] = queue.Queue()
    threading.Thread(target=_take, args=(sys.stdin.buffer, requests), daemon=True).start()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever PDFium may print
    answers.write(b"{}\n")
    answers.flush()
    desk = _Desk()
    while True:
        request, body = requests.get()
        pixels: Any = b""
        try:
            answer, pixels = desk.answer(request, body)
        except pypdfium2.PdfiumError as error:
            wrong = getattr(error, "err_code", None) == _WRONG_PASSWORD
            answer = {"error": "password" if wrong else "broken"}
        except (ValueError, MemoryError):
            answer = {"error": "broken"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.write(pixels)
        answers.flush()


def _take(stdin: BinaryIO, requests: queue.Queue[tuple[dict[str, Any], bytes]]) -> None:
    """Queue what comes; leave at once when the other side is gone, whatever PDFium is doing."""
    for line in iter(stdin.readline, b""):
        request = json.loads(line)
        requests.put((request, stdin.read(request.get("bytes", 0))))
    os._exit(0)


class _Desk:
    """Holds one PDF. PDFium keeps what it has loaded, so it is opened afresh now and then."""

    def __init__(self) -> None:
        self._pdf: Any = None

    def answer(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], Any]:
        if "close" in request:
            self._close()
            return {}, b""
        if "open" in request:
            _allow(request["memory"])
            self._source, self._password = request["open"] or body, request["password"]
            self._open()
            return {"pages": len(self._pdf)}, b""
        if "size" in request:
            return {"size": self._pdf[request["size"]].get_size()}, b""
        if "text" in request:
            return {"text": _own_text(self._pdf[request["text"]])}, b""
        if self._drawn == _PAGES:
            self._open()
        self._drawn += 1
        return _draw(self._pdf[request["draw"]], request["scale"])

    def _open(self) -> None:
        self._close()
        self._pdf = pypdfium2.PdfDocument(self._source, password=self._password)
        self._pdf.init_forms()  # so that filled-in fields are drawn
        self._drawn = 0

    def _close(self) -> None:
        if self._pdf is not None:
            self._pdf.close()
        self._pdf = None


def _draw(page: Any, scale: float) -> tuple[dict[str, Any], Any]:
    bitmap = page.render(scale=scale, rev_byteorder=True)  # opaque, so of three channels
    page.close()
    answer = {"width": bitmap.width, "height": bitmap.height, "stride": bitmap.stride}
    return answer, memoryview(bitmap.buffer)


def _own_text(page: Any) -> list[_Box]:
    """Return where a page has text."""
    text = page.get_textpage()
    found: list[_Box] = []
    if text.get_text_range().strip():
        found = [_WHOLE]
        if _is_scan(page):
            boxes = [_share(page, text.get_rect(n)) for n in range(text.count_rects())]
            if sum((c - a) * (d - b) for a, b, c, d in boxes) < _SCRAP:
                found = boxes
    text.close()
    page.close()
    return found


def _is_scan(page: Any) -> bool:
    """Whether a picture covers most of a page, and nobody has put unseen text over it."""
    width, height = page.get_size()
    pictured = False
    for part in page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_TEXT)):
        if part.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, low, right, top = part.get_bounds()
            pictured = pictured or (right - left) * (top - low) > _MOST * width * height
        elif raw.FPDFTextObj_GetTextRenderMode(part) == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
            return False
    return pictured


def _share(page: Any, rect: _Box) -> _Box:
    """Return a box (left, low, right, top) in points in shares of the page as it is shown."""
    x, y, fine = ctypes.c_int(), ctypes.c_int(), 1_000_000
    found = []
    for corner in (rect[:2], rect[2:]):
        raw.FPDF_PageToDevice(page, 0, 0, fine, fine, 0, *corner, x, y)
        found.append((x.value / fine, y.value / fine))
    (a, b), (c, d) = found
    return min(a, c), min(b, d), max(a, c), max(b, d)


def _allow(extra: int) -> None:
    """Let this process grow by so many bytes, where the system can see to it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (_BASE + extra, hard))


if __name__ == "__main__":
    main()
