"""``shizi serve``: an HTTP API and a web page.

What needs optional packages is imported by the function that uses it: help needs none.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Annotated

from cyclopts import Group, Parameter

from shizi.reader import Reader, ReaderOptions
from shizi.serve.options import TOKEN, ServeOptions

_SERVING, _READING = ServeOptions(), ReaderOptions()
_PANELS = [Group.create_ordered(name) for name in ("Service", "Reading")]

_PATIENCE = 300.0
"""Seconds that finishing what was taken may take."""


def serve(
    *,
    serving: Annotated[ServeOptions, Parameter(name="*", group=_PANELS[0])] = _SERVING,
    reading: Annotated[ReaderOptions, Parameter(name="*", group=_PANELS[1])] = _READING,
) -> int:
    """Read for others: a web page for people, an HTTP API for programs.

    SIGTERM or Ctrl-C stops it: nothing more is taken, what was taken is finished. A second one
    ends it at once.

    Args:
        serving: where, how much, and for whom.
        reading: how pages are read.

    Returns:
        The exit code: 0 when all that was taken was finished.
    """
    from shizi.serve.service import Service
    from shizi.web.server import WebServer

    token = serving.token()
    service = Service(Reader(reading), serving)
    stopped = threading.Event()

    def stop(number: int, _: object) -> None:
        for other in (signal.SIGTERM, signal.SIGINT):
            signal.signal(other, signal.default_int_handler)
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with WebServer(service.app, serving) as web:
        print(f"shizi: serving at {web.url}", file=sys.stderr)
        if token is None and serving.host not in ("127.0.0.1", "localhost", "::1"):
            told = f"anybody who reaches it may ask; --token-file or {TOKEN} asks for a token"
            print(f"shizi: {told}", file=sys.stderr)
        try:
            stopped.wait()
            return 0 if service.close(_PATIENCE) else 1
        finally:
            service.abandon()
