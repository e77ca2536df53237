"""The service: endpoints of HTTP over one Reader."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from shizi import __version__
from shizi.errors import Failure, ShiziError
from shizi.extras import needed
from shizi.formats import FORMATS
from shizi.jobs import Read
from shizi.page import Image, Page, Sheet
from shizi.reader import Reader
from shizi.serve.answer import Answer, line, media_type, written
from shizi.serve.asked.order import Item, Order, read, wanted
from shizi.serve.asked.result import joined, result_of
from shizi.serve.asked.uploads import body_of, is_form, order_of
from shizi.serve.collect import Collection, corrections_of
from shizi.serve.desk.admission import Desk, GivenUpError, Place, Task
from shizi.serve.desk.front import Front
from shizi.serve.desk.metrics import Metrics
from shizi.serve.later import Later
from shizi.serve.openapi import openapi
from shizi.serve.options import ServeOptions
from shizi.serve.others import mistral, umi
from shizi.serve.refusal import RefusedError, refusal_of, status_of

with needed("serving"):
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import (
        FileResponse,
        JSONResponse,
        PlainTextResponse,
        Response,
        StreamingResponse,
    )
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

T = TypeVar("T")

STATIC = Path(__file__).parent / "static"
_PART = 1 << 16
_LOG = logging.getLogger(__name__)


class Service:
    """Reads for whoever asks.

    Args:
        reader: reads pages, from many threads.
        options: how much, and for whom.

    Attributes:
        app: what answers (ASGI).

    Raises:
        OptionError: the token is none.
        OSError: the token cannot be read, or lines cannot be collected.
    """

    def __init__(self, reader: Reader, options: ServeOptions) -> None:
        self._reader, self._options = reader, options
        self._turns = {turns: reader.told(orientation=turns) for turns in (True, False)}
        self._desk = Desk(options.side_by_side, options.queue, options.timeout)
        self._later = Later(options.keep, options.most_jobs)
        self._metrics = Metrics()
        self._collection = Collection(options.collect) if options.collect else None
        self.app = Front(self._starlette(), options.token(), self._metrics)

    def _starlette(self) -> Starlette:
        routes = [
            Route("/", self.page),
            Route("/healthz", self.health),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
            Route("/v1/about", self.about),
            Route("/v1/read", self.read, methods=["POST"]),
            Route("/v1/format", self.format, methods=["POST"]),
            Route("/v1/corrections", self.corrections, methods=["POST"]),
            Route("/v1/jobs", self.add_job, methods=["POST"]),
            Route("/v1/jobs/{id}", self.job, methods=["GET", "DELETE"]),
            Route("/v1/jobs/{id}/result", self.job_result, methods=["GET"]),
            Route("/v1/ocr", self.mistral, methods=["POST"]),
            Route("/api/ocr", self.umi, methods=["POST"]),
            Route("/api/ocr/get_options", self.umi_options),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        handlers: dict[Any, Any] = {
            RefusedError: _refused,
            HTTPException: _refused,
            ShiziError: _refused,
            Exception: _refused,
        }
        return Starlette(routes=routes, exception_handlers=handlers)

    def close(self, patience: float) -> bool:
        """Refuse what is new, finish what was taken, and send the answers.

        Args:
            patience: seconds that this may take.

        Returns:
            Whether all was finished.
        """
        end = time.monotonic() + patience
        done = self._desk.close(patience)
        while self.app.busy and time.monotonic() < end:
            time.sleep(0.05)
        return done and not self.app.busy

    def abandon(self) -> None:
        """Give up what is left."""
        self._desk.abandon()

    # Reading

    def _how(self, orientation: bool | None) -> Read:
        told = self._reader.options.orientation if orientation is None else orientation
        reader = self._turns[told]
        return lambda image, name: self._counted(reader, image, name)

    def _counted(self, reader: Reader, image: Image, name: str) -> Page:
        begun = time.monotonic()
        page = reader.read_image(image, name)
        self._metrics.read(len(page.lines), time.monotonic() - begun)
        return page

    def _items(self, order: Order, task: Task[Any]) -> Iterator[Item]:
        how, limits = self._how(order.wanted.orientation), self._reader.options.limits
        for item in read(order, task, how, limits, self._options.max_pages):
            if isinstance(item, Failure):
                self._metrics.failed()
                if status_of(item.error) >= 500:
                    _LOG.error("%s", item)
            yield item

    def _start(self, place: Place, order: Order, make: Callable[[Iterable[Item]], T]) -> Task[T]:
        return place.start(lambda task: make(self._items(order, task)), order.close)

    async def _read(
        self, request: Request, place: Place, order: Order, make: Callable[[Iterable[Item]], T]
    ) -> T:
        """Read an order while the client waits."""
        task = self._start(place, order, make)
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((task.result, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not task.result.done():
                task.give_up()
        return await task.result

    async def read(self, request: Request) -> Response:
        """``POST /v1/read``."""
        with self._desk.place() as place:
            order = await order_of(request, self._options)
            if order.wanted.format == "jsonl":
                return await self._stream(place, order)
            answer = await self._read(request, place, order, lambda i: written(i, order.wanted))
        return _sent(answer)

    async def _stream(self, place: Place, order: Order) -> Response:
        """Send each page as soon as it is read; the status is known with the first."""
        lines: asyncio.Queue[tuple[Item, bytes] | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(items: Iterable[Item]) -> None:
            for item in items:
                text = line(item, order.wanted)
                bare = Sheet(item.page) if isinstance(item, Sheet) else item
                loop.call_soon_threadsafe(lines.put_nowait, (bare, text))

        task = self._start(place, order, tell)
        task.result.add_done_callback(lambda _: lines.put_nowait(None))
        head, failure = [], None
        while (got := await lines.get()) is not None:
            head.append(got[1])
            if isinstance(got[0], Sheet):
                break
            failure = failure or got[0]
        else:
            await task.result
            assert failure is not None
            raise refusal_of(failure)

        async def body() -> AsyncIterator[bytes]:
            try:
                for text in head:
                    yield text
                while (got := await lines.get()) is not None:
                    yield got[1]
                if error := task.result.exception():
                    yield line(Failure(order.files[-1][0], error), order.wanted)  # type: ignore[arg-type]
            finally:
                task.give_up()

        return StreamingResponse(body(), media_type=media_type("jsonl"))

    # Jobs

    async def add_job(self, request: Request) -> Response:
        """``POST /v1/jobs``."""
        self._later.check()
        with self._desk.place() as place:
            order = await order_of(request, self._options)
            task = self._start(place, order, lambda items: written(items, order.wanted))
        job = self._later.add(task)
        where = {"Location": f"/v1/jobs/{job.id}"}
        return JSONResponse(job.told(self._later.keep), 202, where)

    async def job(self, request: Request) -> Response:
        """``GET`` and ``DELETE /v1/jobs/ID``."""
        id = request.path_params["id"]
        if request.method == "DELETE":
            self._later.drop(id)
            return Response(status_code=204)
        return JSONResponse(self._later.find(id).told(self._later.keep))

    async def job_result(self, request: Request) -> Response:
        """``GET /v1/jobs/ID/result``."""
        job = self._later.find(request.path_params["id"])
        if not job.task.result.done():
            raise RefusedError(
                409, "the job is not done yet; ask for its state", {"Retry-After": "1"}
            )
        return _sent(await job.task.result)

    # What others' clients speak

    def _order(
        self, data: bytes, name: str, pages: str | None = None, turn: bool | None = None
    ) -> Order:
        """Make an order of one file that came inside a body."""
        given = [] if pages is None else [("pages", pages)]
        found = wanted(given, self._options.timeout)
        return Order(((name, BytesIO(data)),), replace(found, orientation=turn))

    async def umi(self, request: Request) -> Response:
        """``POST /api/ocr``."""
        begun = time.time()
        try:
            with self._desk.place() as place:
                body = await body_of(request, self._options.max_upload)
                wish = umi.asked(body)
                order = self._order(wish.data, "picture", turn=wish.orientation)
                pages = await self._read(request, place, order, _pages)
            if len(pages) > 1:
                raise RefusedError(422, f"the file holds {len(pages)} pages; send one at once")
            told = umi.answer(pages[0], wish)
        except RefusedError as error:
            # As Umi-OCR does it, what ails the picture is told in the body alone.
            told = {"code": error.status, "data": str(error)}
            if error.status in (408, 429, 503):
                return JSONResponse(told, error.status, error.headers)
        told |= {"time": round(time.time() - begun, 4), "timestamp": begun}
        return JSONResponse(told)

    async def umi_options(self, _: Request) -> Response:
        """``GET /api/ocr/get_options``."""
        return JSONResponse(umi.options())

    async def mistral(self, request: Request) -> Response:
        """``POST /v1/ocr``."""
        try:
            with self._desk.place() as place:
                body = await body_of(request, self._options.max_upload)
                wish = mistral.asked(body)
                order = self._order(wish.data, wish.name, wish.pages)
                pages = await self._read(request, place, order, _pages)
        except RefusedError as error:
            return JSONResponse(mistral.refused(error), error.status, error.headers)
        return JSONResponse(mistral.answer(pages, wish))

    # The page, and what it needs

    async def page(self, _: Request) -> Response:
        """``GET /``."""
        return FileResponse(STATIC / "index.html")

    async def about(self, _: Request) -> Response:
        """``GET /v1/about``."""
        o = self._options
        formats = [
            {
                "name": name,
                "suffix": format.suffix,
                "media_type": media_type(name),
                "file": format.binary,
            }
            for name, format in FORMATS.items()
        ]
        limits = {"bytes": o.max_upload, "pages": o.max_pages}
        collects = self._collection is not None
        return JSONResponse(
            {"version": __version__, "formats": formats, "limits": limits, "collects": collects}
        )

    async def format(self, request: Request) -> Response:
        """``POST /v1/format``."""
        if not is_form(request):
            order, pages = await result_of(request, self._options)
            return _sent(await run_in_threadpool(written, map(Sheet, pages), order.wanted))
        with self._desk.place() as place:
            order, pages = await result_of(request, self._options)
            limits = self._reader.options.limits

            def write(task: Task[Answer]) -> Answer:
                return written(joined(order, pages, task, limits), order.wanted)

            answer = await place.start(write, order.close).result
        return _sent(answer)

    async def corrections(self, request: Request) -> Response:
        """``POST /v1/corrections``."""
        if self._collection is None:
            raise RefusedError(403, "no lines are collected here; start the service with a folder")
        with self._desk.place() as place:
            order, corrections = await corrections_of(request, self._options)
            collection, limits = self._collection, self._reader.options.limits

            def keep(_: Task[int]) -> int:
                return collection.add(order, corrections, limits)

            kept = await place.start(keep, order.close).result
        return JSONResponse({"kept": kept}, 201)

    async def health(self, _: Request) -> Response:
        """``GET /healthz``."""
        if self._desk.closed:
            return PlainTextResponse("stopping\n", 503)
        return PlainTextResponse("ok\n")

    async def metrics(self, _: Request) -> Response:
        """``GET /metrics``."""
        text = self._metrics.text(self._desk.taken, len(self._later))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def openapi(self, _: Request) -> Response:
        """``GET /openapi.json``."""
        return JSONResponse(openapi(self._options.max_upload, self._options.max_pages))


def _pages(items: Iterable[Item]) -> list[Page]:
    """Return the pages of an order all of which must be read."""
    pages = []
    for item in items:
        if isinstance(item, Failure):
            raise refusal_of(item)
        pages.append(item.page)
    return pages


def _sent(answer: Answer) -> Response:
    return StreamingResponse(_parts(answer), answer.status, answer.headers())


async def _parts(answer: Answer) -> AsyncIterator[bytes]:
    """What was written, in parts; several may take it at the same time."""
    at = 0
    while True:
        answer.body.seek(at)
        part = answer.body.read(_PART)
        if not part:
            return
        at += len(part)
        yield part


async def _gone(request: Request) -> None:
    """Wait until the client leaves."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refused(_: Request, error: Exception) -> Response:
    """Answer what went wrong: a status, and one line."""
    if isinstance(error, HTTPException):
        error = RefusedError(error.status_code, error.detail, error.headers)
    if isinstance(error, GivenUpError):
        error = RefusedError(408, "nobody waits for this any more")
    status = status_of(error)
    reason = str(error) if status != 500 else f"unexpected {type(error).__name__}: {error}"
    headers = error.headers if isinstance(error, RefusedError) else {}
    return JSONResponse({"error": reason, "status": status}, status, headers)
