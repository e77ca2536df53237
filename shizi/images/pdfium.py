"""The process that PDFium runs in: ``python -m shizi.images.pdfium``.

A page of two kilobytes may keep PDFium busy for hours, deaf to signals, and a broken one may
take the process with it; a process of its own can be killed. It says ``{}`` when it has
started; then it takes a request a line, JSON, and answers with a line, after which a drawn page
sends its pixels:

- ``{"open": path or null, "bytes": n, "password": …}`` and n bytes -> ``{"pages": n}``
- ``{"size": index}`` -> ``{"size": [width, height]}`` in points
- ``{"draw": index, "scale": pixels a point}`` -> ``{"width", "height", "stride"}``, RGB rows
- ``{"text": index}`` -> ``{"text": whether the page holds any}``
- ``{"close": true}`` -> ``{}``

or ``{"error": …}``: ``password``, ``broken``.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from typing import Any, BinaryIO

import pypdfium2

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_PAGES = 32  # drawn before a PDF is opened afresh
_BASE = 100_000_000  # bytes of Python and PDFium before anything is open, with some to spare


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
            return {"text": _has_text(self._pdf[request["text"]])}, b""
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


def _has_text(page: Any) -> bool:
    text = page.get_textpage()
    found = bool(text.get_text_range().strip())
    text.close()
    page.close()
    return found


def _allow(extra: int) -> None:
    """Let this process grow by so many bytes, where the system can see to it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (_BASE + extra, hard))


if __name__ == "__main__":
    main()
