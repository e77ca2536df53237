"""PDF pages as pictures, drawn by PDFium in a process that can be killed."""

from __future__ import annotations

import atexit
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from shizi.errors import PdfError, TooLongError
from shizi.extras import needed
from shizi.images.limits import ImageLimits, PageOptions
from shizi.page import Box, Image

_AUTO_DPI = 200
_AUTO_SIDE = 2400  # pixels: A4 at 200 dpi has 2339
_LONGEST = 100_000  # points a side, 35 m: beyond it a page is a mistake or a trap
_PIXEL = 8  # bytes that a drawn pixel takes: PDFium's, on its way, and ours


class Worker:
    """A process of PDFium. Asked too long, it is killed, and so it is where asking is cut short.

    See :mod:`shizi.images.pdfium` for what is said.
    """

    def __init__(self) -> None:
        path = os.pathsep.join(filter(None, sys.path))  # what is found here is found there
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "shizi.images.pdfium"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._late = False
        try:
            self._say_hello()
        except BaseException:
            self.close()
            raise

    def _say_hello(self) -> None:
        """Wait until it has started, which is nothing that a page should answer for."""
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise PdfError("PDFium does not start; reinstall pypdfium2")

    def ask(
        self, request: dict[str, Any], timeout: float, body: bytes = b""
    ) -> tuple[dict[str, Any], Image | None]:
        """Send a request and wait for its answer, with the pixels (H, W, 3) if it has some.

        Raises:
            TimeoutError: none came in time; this worker is dead.
            EOFError: the process is gone.
        """
        timer = threading.Timer(timeout, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            return self._answer(request, body)
        except (OSError, EOFError, ValueError) as error:  # half an answer is no JSON
            self.close()
            raise TimeoutError if self._late else EOFError from error
        except BaseException:  # an interrupt: what would come now is the answer to an old question
            self.close()
            raise
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()

    def _answer(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], Image | None]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({**request, "bytes": len(body)}).encode() + b"\n")
        stdin.write(body)
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "stride" not in answer:
            return answer, None
        height, width = answer["height"], answer["width"]
        rows = np.empty((height, answer["stride"]), np.uint8)
        if stdout.readinto(rows.data) < rows.nbytes:  # type: ignore[attr-defined]
            raise EOFError
        return answer, np.ascontiguousarray(rows[:, : 3 * width]).reshape(height, width, 3)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not yet written
                pipe.close()


_IDLE: list[Worker] = []
"""A worker kept for the next PDF, since starting one takes 0.15 s."""


def _forget() -> None:
    _IDLE.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)  # it is the parent's


@atexit.register
def close_idle() -> None:
    """End the worker that is kept."""
    while _IDLE:
        _IDLE.pop().close()


class Document:
    """An open PDF; ``len`` of it is the number of pages."""

    def __init__(
        self, source: Path | bytes, name: str, options: PageOptions, limits: ImageLimits
    ) -> None:
        self._source, self._name = source, name
        self._options, self._limits = options, limits
        self._worker: Worker | None = None
        self._count = 0

    def open(self) -> None:
        """Open it, and count its pages.

        Raises:
            PdfError: it is broken or encrypted, or has no pages.
            TooLongError: it does not open in time.
        """
        self._count = self._start()

    def __len__(self) -> int:
        return self._count

    def draw(self, index: int, name: str) -> tuple[Image, float]:
        """Draw the page of an index from 0; return RGB (H, W, 3) and its pixels per inch.

        Raises:
            PdfError: the page cannot be drawn.
            TooLongError: it is not drawn in time.
        """
        try:
            if self._worker is None:
                self._start()
            answer, _ = self._ask({"size": index})
            scale = 0.0 if "error" in answer else self._scale(answer["size"], name)
            answer, image = self._ask({"draw": index, "scale": scale}) if scale else (answer, None)
        except TimeoutError as error:
            raise TooLongError(
                f"{name}: drawing takes longer than {self._options.timeout:g} s; "
                "give it more time if you trust it"
            ) from error
        except EOFError as error:
            raise PdfError(
                f"{name}: the page makes PDFium fail, or takes more than "
                f"{self._limits.max_bytes / 1e6:,.0f} MB; save the PDF again"
            ) from error
        if image is None:
            raise PdfError(f"{name}: the page is broken; save the PDF again")
        return image, 72 * scale

    def own_text(self, index: int) -> tuple[Box, ...]:
        """Tell where the page of an index from 0 has text of its own, seen or unseen.

        Returns:
            Boxes in shares of its sides; :data:`~shizi.page.WHOLE` unless it is the picture of a
            page with little text put over it, such as a page number.
        """
        try:
            if self._worker is None:
                self._start()
            answer, _ = self._ask({"text": index})
        except (TimeoutError, EOFError):  # nothing to keep, then
            return ()
        return tuple((a, b, c, d) for a, b, c, d in answer.get("text", ()))

    def close(self) -> None:
        """Leave the worker to the next PDF, if none waits for one already."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        if not _IDLE:
            with suppress(TimeoutError, EOFError):
                worker.ask({"close": True}, self._options.timeout)
                _IDLE.append(worker)
                return
        worker.close()

    def _ask(
        self, request: dict[str, Any], body: bytes = b""
    ) -> tuple[dict[str, Any], Image | None]:
        assert self._worker is not None
        try:
            return self._worker.ask(request, self._options.timeout, body)
        except BaseException:
            self._worker = None
            raise

    def _start(self) -> int:
        """Open the PDF in a worker, and return its number of pages."""
        name, password = self._name, self._options.password
        try:
            self._worker = _IDLE.pop()
        except IndexError:
            self._worker = Worker()
        request: dict[str, Any] = {"open": None, "password": password}
        request["memory"] = self._limits.max_bytes
        body = b""
        if isinstance(self._source, bytes):
            body = self._source
        else:
            request["open"] = str(self._source.resolve())
        try:
            answer, _ = self._ask(request, body)
        except TimeoutError as error:
            raise TooLongError(
                f"{name}: opening the PDF takes longer than {self._options.timeout:g} s; "
                "give it more time if you trust it"
            ) from error
        except EOFError as error:
            raise PdfError(f"{name}: the PDF makes PDFium fail; save it again") from error
        match answer:
            case {"error": "password"} if password is None:
                raise PdfError(f"{name}: the PDF is encrypted; give its password")
            case {"error": "password"}:
                raise PdfError(f"{name}: the password is wrong; give the right one")
            case {"error": _}:
                raise PdfError(f"{name}: the PDF is broken; copy or save it again")
            case {"pages": 0}:
                raise PdfError(f"{name}: the PDF has no pages; copy or save it again")
        return int(answer["pages"])

    def _scale(self, size: tuple[float, float], name: str) -> float:
        if max(size) > _LONGEST:
            raise PdfError(
                f"{name}: is {size[0]:.0f}x{size[1]:.0f} points large, beyond the limit of "
                f"{_LONGEST} a side; mend its MediaBox"
            )
        return scale_for(size, self._options.dpi, self._limits)


@contextmanager
def opened(
    source: Path | bytes,
    name: str,
    options: PageOptions = PageOptions(),
    limits: ImageLimits = ImageLimits(),
) -> Iterator[Document]:
    """Open a PDF to draw its pages.

    Args:
        source: the file, or what it holds.
        name: of the PDF, for errors.
        options: resolution, password, and time for each page.
        limits: pages are drawn smaller where they would exceed them.

    Raises:
        MissingExtraError: pypdfium2 is not installed.
        PdfError: the PDF is broken or encrypted, or has no pages.
        TooLongError: it does not open in time.
    """
    with needed(f"reading the PDF {name}"):
        if find_spec("pypdfium2") is None:
            raise ModuleNotFoundError(name="pypdfium2")
    document = Document(source, name, options, limits)
    try:
        document.open()
        yield document
    finally:
        document.close()


def scale_for(size: tuple[float, float], dpi: int | None, limits: ImageLimits) -> float:
    """Choose pixels per point for a page of ``size`` (width, height) points, 72 to the inch.

    Without ``dpi`` it is 200 dpi, less for pages larger than A4 so that they get a long
    side of 2400 pixels, but never below one pixel a point: scans are often wrapped so.
    """
    width, height = (max(side, 1.0) for side in size)
    longer = max(width, height)
    scale = dpi / 72 if dpi else min(_AUTO_DPI / 72, max(_AUTO_SIDE / longer, 1.0))
    # A pixel less a side, since PDFium rounds sizes up.
    by_side = (limits.max_side - 1) / longer
    by_area = math.sqrt(limits.max_bytes / _PIXEL / (width * height)) * (1 - 1 / longer)
    return min(scale, by_side, by_area)
