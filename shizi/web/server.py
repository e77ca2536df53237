"""A server in a thread of its own, which leaves signals to the program."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from shizi.errors import ShiziError
from shizi.extras import needed
from shizi.web.guard import Guard
from shizi.web.options import WebOptions

with needed("serving a page"):
    import uvicorn
    from starlette.types import ASGIApp

_LARGEST = 65536
"""Most bytes of a message that a browser sends over a WebSocket."""

_STALLED = 10.0
"""Seconds after which a connection ends whose other side takes nothing of what waits for it."""

_LOOK = 1.0
"""Seconds between two looks at what waits."""

_START, _END, _GRACE = 15.0, 5.0, 1.0
"""Seconds within which a server starts and ends, and that it leaves to answers at its end."""


class WebServer:
    """Serves an application (ASGI) from a thread; a context manager.

    A connection whose other side stops reading is cut off, so that it holds nothing for ever.

    Args:
        app: what answers.
        options: where.

    Raises:
        ShiziError: the address cannot be listened on.
    """

    def __init__(self, app: ASGIApp, options: WebOptions) -> None:
        config = uvicorn.Config(
            Guard(app, options.host, options.hosts),
            options.host,
            options.port,
            log_level="warning",
            ws_max_size=_LARGEST,
            timeout_graceful_shutdown=_GRACE,  # type: ignore[arg-type]
        )
        self._options, self._server = options, _Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True, name="shizi-web")
        self.url = ""
        """Address of the page, once it is served."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server.ready.wait(_START)
        if not self._server.started:
            where = f"{self._options.host}:{self._options.port}"
            raise ShiziError(f"cannot listen on {where}; choose another port")
        port = self._server.servers[0].sockets[0].getsockname()[1]
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(
            self._options.host, self._options.host
        )
        self.url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_END)

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Have a function called in the server's loop, soon; from any thread, without waiting."""
        with suppress(RuntimeError):  # the loop has ended
            self._server.loop.call_soon_threadsafe(function, *arguments)


class _Server(uvicorn.Server):
    """Uvicorn that tells when it listens, and lets go of connections that nobody reads."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop

    def run(self, sockets: Any = None) -> None:
        with suppress(SystemExit):  # how uvicorn says that the port is taken
            super().run(sockets)
        self.ready.set()

    async def startup(self, sockets: Any = None) -> None:
        self.loop = asyncio.get_running_loop()
        self._looking = self.loop.create_task(self._look())
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: Any = None) -> None:
        self._looking.cancel()
        # From here on nobody is there whom it would help to know what was cut off.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        for transport in self._transports():
            if transport.get_write_buffer_size():
                transport.abort()  # it would wait for its reader
        await super().shutdown(sockets)

    def _transports(self) -> list[asyncio.Transport]:
        found = [getattr(c, "transport", None) for c in self.server_state.connections]
        return [transport for transport in found if transport is not None]

    async def _look(self) -> None:
        """Cut off connections of which nothing was taken for a while."""
        waits: dict[asyncio.Transport, tuple[int, float]] = {}  # bytes, and since when not fewer
        while True:
            now, before, waits = self.loop.time(), waits, {}
            for transport in self._transports():
                size = transport.get_write_buffer_size()
                last, since = before.get(transport, (0, now))
                waits[transport] = (size, since if 0 < last <= size else now)
                if size and now - waits[transport][1] >= _STALLED:
                    transport.abort()
            await asyncio.sleep(_LOOK)
