"""What stands before every endpoint: the token, the counts, and an end for what is not read."""

from __future__ import annotations

import asyncio
import hmac
from contextlib import suppress

from shizi.extras import needed
from shizi.serve.desk.metrics import Metrics

with needed("serving"):
    from starlette.datastructures import Headers
    from starlette.responses import JSONResponse
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OPEN = ("/", "/healthz", "/openapi.json")
"""Paths that need no token: nothing is read there, and a person must get the page to give one."""

_DRAINED = 8_000_000
"""Bytes of a refused request that are taken, for a client that is cut off hears no reason."""

_PATIENCE = 10.0
"""Seconds that this may take."""


class Front:
    """Asks for the token, counts requests, and lets those that are refused be heard out (ASGI).

    Attributes:
        busy: requests that are being answered.
    """

    def __init__(self, app: ASGIApp, token: str | None, metrics: Metrics) -> None:
        self._app, self._token, self._metrics = app, token, metrics
        self.busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        status, ended = 500, False

        async def receive_counted() -> Message:
            nonlocal ended
            message = await receive()
            ended = ended or message["type"] != "http.request" or not message.get("more_body")
            return message

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= 400 and not ended:
                    await _drain(scope, receive)
            await send(message)

        self.busy += 1
        try:
            if self._admitted(scope):
                await self._app(scope, receive_counted, send_counted)
            else:
                refusal = JSONResponse(
                    {"error": "give the service's token as Authorization: Bearer TOKEN"},
                    401,
                    {"WWW-Authenticate": "Bearer"},
                )
                await refusal(scope, receive_counted, send_counted)
        finally:
            self.busy -= 1
            endpoint = getattr(scope.get("endpoint"), "__name__", "none")
            self._metrics.answered(endpoint, status)

    def _admitted(self, scope: Scope) -> bool:
        path = scope["path"]
        if self._token is None or path in _OPEN or path.startswith("/static/"):
            return True
        kind, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self._token.encode())
        return same and kind.lower() == "bearer"


async def _drain(scope: Scope, receive: Receive) -> None:
    """Take what a client still sends, within limits."""
    if Headers(scope=scope).get("expect", "").lower() == "100-continue":
        return  # it waits to be asked for it
    got = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while got < _DRAINED:
                message = await receive()
                got += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
