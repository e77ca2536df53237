"""What a client sends, laid on disk where it is large, and never more than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from shizi.extras import needed
from shizi.serve.asked.order import Files, Order, wanted
from shizi.serve.options import ServeOptions
from shizi.serve.refusal import RefusedError

with needed("serving"):
    import python_multipart  # noqa: F401 - what Starlette reads forms with
    from starlette.datastructures import UploadFile
    from starlette.requests import ClientDisconnect, Request
    from starlette.types import Message, Receive

_IN_MEMORY = 1 << 20
"""Bytes of a file that are kept in memory."""

_MOST_FILES = 100
"""Files of a request."""

_SILENCE = 30.0
"""Seconds within which a client must send more."""

_NO_FILE = "no file was sent; send one as the body, or several as a form's files"
_FORM = "multipart/form-data"
"""The only kind of form that holds files; curl calls any file the other kind unless told not to."""


def limited(receive: Receive, most: int) -> Receive:
    """Return what receives the same, but no more than some bytes, and does not wait for ever."""
    got = 0

    async def receive_some() -> Message:
        nonlocal got
        try:
            message = await asyncio.wait_for(receive(), _SILENCE)
        except TimeoutError:
            raise RefusedError(408, f"nothing came for {_SILENCE:g} s; send it again") from None
        got += len(message.get("body", b""))
        if got > most:
            raise too_large(most)
        return message

    return receive_some


def too_large(most: int) -> RefusedError:
    """Return the refusal of a request of more than ``most`` bytes."""
    return RefusedError(
        413, f"the request is beyond the limit of {most:,} bytes; send less at once"
    )


def bounded(request: Request, most: int) -> Request:
    """Return the request, of which no more than some bytes can be read.

    Raises:
        RefusedError: it says that it is larger.
    """
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > most:
        raise too_large(most)
    return Request(request.scope, limited(request.receive, most))


@contextmanager
def _whole() -> Iterator[None]:
    """Refuse a request that breaks off."""
    try:
        yield
    except ClientDisconnect:
        raise RefusedError(400, "the request broke off") from None


async def body_of(request: Request, most: int) -> bytes:
    """Read the body of a request, at most some bytes.

    Raises:
        RefusedError: there is more, or it does not come.
    """
    with _whole():
        return await bounded(request, most).body()


async def order_of(request: Request, options: ServeOptions) -> Order:
    """Read an order: one file as the body, or files and options as fields of a form.

    Raises:
        RefusedError: it makes no sense, is too large, or breaks off.
    """
    given = list(request.query_params.multi_items())
    asked = wanted(given, options.timeout)  # before the files are taken
    if is_form(request):
        files, fields = await form_of(request, options.max_upload)
        with closed_on_error(files):
            order = Order(files, wanted(given + fields, options.timeout))
    else:
        order = Order(((asked.name, await _body(bounded(request, options.max_upload))),), asked)
    if not order.files:
        raise RefusedError(
            400, "no file was sent; send one as the body, or several as a form's files"
        )
    return order


@contextmanager
def closed_on_error(files: Files) -> Iterator[None]:
    """Let go of files that become no order."""
    try:
        yield
    except BaseException:
        for _, file in files:
            file.close()
        raise


def is_form(request: Request) -> bool:
    """Say whether the body is a form."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == _FORM


async def form_of(request: Request, most: int) -> tuple[Files, list[tuple[str, str]]]:
    """Read a form of at most some bytes: its files, and its other fields.

    Raises:
        RefusedError: there is more, or it does not come.
    """
    with _whole():
        form = await bounded(request, most).form(
            max_files=_MOST_FILES, max_fields=_MOST_FILES, max_part_size=most
        )
    files, fields = [], []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append((value.filename or "upload", value.file))
        else:
            fields.append((name, value))
    return tuple(files), fields


async def _body(request: Request) -> BinaryIO:
    file = cast(BinaryIO, SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the order's
    try:
        with _whole():
            async for part in request.stream():
                file.write(part)
        if not file.tell():
            raise RefusedError(400, _NO_FILE)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file
