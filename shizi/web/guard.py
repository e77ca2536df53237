"""Who may ask: names by which a server answers, and pages from which it may be asked.

A page elsewhere can have its own name point at this machine (DNS rebinding) and would then count
as the same origin; only the name in ``Host`` tells. An address in figures cannot be rebound.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from shizi.extras import needed

with needed("serving a page"):
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.responses import PlainTextResponse
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocketClose

LOCAL = ("localhost", "127.0.0.1", "::1")
"""Names of this machine that nobody else can have."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; connect-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer that does not set them itself."""

_REFUSED = 1008
"""Code with which a WebSocket is refused: a policy forbids it (RFC 6455, 7.4.1)."""


class Guard:
    """Lets through what may ask; stands before an application (ASGI).

    Args:
        app: what answers.
        bound: address that the server listens on; where it is that of all networks, any address
            in figures is one of this machine.
        hosts: further names by which the server may be asked, and pages of which may ask.
    """

    def __init__(self, app: ASGIApp, bound: str, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._added = {_tidy(host) for host in hosts}
        self._hosts = {*LOCAL, _tidy(bound), *self._added}
        self._everywhere = bound in ("", "0.0.0.0", "::")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        refusal = self.refusal(Headers(scope=scope))
        if refusal and scope["type"] == "websocket":
            return await WebSocketClose(_REFUSED)(scope, receive, send)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if refusal:
            return await PlainTextResponse(refusal, 403)(scope, receive, dressed)
        return await self._app(scope, receive, dressed)

    def refusal(self, headers: Headers) -> str:
        """Tell why a request is refused; empty for one that may be answered."""
        hosts, origin = headers.getlist("host"), headers.get("origin")
        name = _name(hosts[0]) if len(hosts) == 1 else ""
        if not self._known(name):
            return f"not served under the name {name!r}; add it to the allowed hosts\n"
        if origin is None:
            return ""
        scheme, _, where = origin.partition("://")
        same = scheme in ("http", "https") and where.lower() == hosts[0].lower()
        return "" if same or _name(where) in self._added else "not answered to other pages\n"

    def _known(self, name: str) -> bool:
        return name in self._hosts or (self._everywhere and _is_address(name))


def _name(host: str) -> str:
    """Name in ``name:port``, small; empty where there is none."""
    try:
        return _tidy(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return ""


def _tidy(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
