"""The dashboard: one page that shows the picture, the events and the viewers of live rooms.

Whatever publishes never waits: a browser that cannot keep up is let go,
and gets the whole state again when it comes back.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from shizi.extras import needed
from shizi.live.event import Event
from shizi.live.options import DashboardOptions
from shizi.web.server import WebServer

with needed("the dashboard"):
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import FileResponse, PlainTextResponse, Response
    from starlette.routing import Mount, Route, WebSocketRoute
    from starlette.staticfiles import StaticFiles
    from starlette.websockets import WebSocket, WebSocketDisconnect

STATIC = Path(__file__).parent / "static"
EVENTS = 300
"""Events that a browser gets when it connects."""
BEHIND = 2000
"""Messages that a browser may be behind before it is let go."""
MOST_CLIENTS = 64


@dataclass(frozen=True)
class ViewerCard:
    """What the board shows of a viewer.

    Attributes:
        viewer: identity.
        user: nickname.
        tier: name of the tier.
        value: score.
        comments: number of them.
        gifts: number of them.
        coins: worth of the gifts.
        asked: number of comments by topic.
        last: clock time of the latest event, seconds since 1970.
    """

    viewer: str
    user: str
    tier: str
    value: float
    comments: int
    gifts: int
    coins: float = 0.0
    asked: Mapping[str, int] = field(default_factory=dict)
    last: float = 0.0


@dataclass(frozen=True)
class Stats:
    """How the reading of a room goes.

    Attributes:
        time: of the stream, seconds.
        clock: the same as clock time, seconds since 1970.
        speed: seconds of stream that a second of work gets through.
        latency: seconds from a row's first sight to its event, mean of the latest.
        dropped: frames that came too fast.
        reconnects: times that the stream broke and came back.
        events: told so far.
        orders: comments that tell of one.
        coins: worth of all gifts.
    """

    time: float
    speed: float
    latency: float
    dropped: int
    reconnects: int
    events: int
    clock: float = 0.0
    orders: int = 0
    coins: float = 0.0


class Channel:
    """The latest of everything in one room, and who listens. Lives in the server's loop."""

    def __init__(self) -> None:
        self.events: OrderedDict[str, str] = OrderedDict()
        self.latest: dict[str, str] = {}
        self.frame = b""
        self.clients: set[_Client] = set()

    def put(self, kind: str, key: str, text: str | bytes) -> None:
        """Keep a message and pass it on."""
        if isinstance(text, bytes):
            self.frame = text
            for client in self.clients:
                client.show(text)
            return
        if kind == "event":
            self.events[key] = text
            self.events.move_to_end(key)
            if len(self.events) > EVENTS:
                self.events.popitem(last=False)
        elif kind != "alert":  # whoever comes later has missed it
            self.latest[kind] = text
        for client in self.clients:
            client.put(text)


class _Client:
    """One browser: messages that wait for it, and the latest picture."""

    def __init__(self) -> None:
        self._texts: asyncio.Queue[str] = asyncio.Queue(BEHIND)
        self._frame = b""
        self._news = asyncio.Event()
        self._lost = False

    def put(self, text: str) -> None:
        try:
            self._texts.put_nowait(text)
        except asyncio.QueueFull:
            self._lost = True
        self._news.set()

    def show(self, frame: bytes) -> None:
        self._frame = frame  # only the latest counts
        self._news.set()

    async def serve(self, socket: WebSocket) -> None:
        while not self._lost:
            await self._news.wait()
            self._news.clear()
            while not self._texts.empty():
                await socket.send_text(self._texts.get_nowait())
            if self._frame:
                frame, self._frame = self._frame, b""
                await socket.send_bytes(frame)
        await socket.close(1013)  # try again later


class Publisher(ABC):
    """Tells the dashboard of rooms. Every message replaces the last one of its kind and key."""

    @abstractmethod
    def send(self, room: str, kind: str, key: str, message: str | bytes) -> None:
        """Pass on a message (JSON), or a picture (JPEG); may be called from any thread."""

    def publish_event(self, room: str, event: Event, **facts: Any) -> None:
        """Show an event; one with the same id is replaced.

        Args:
            room: where it happened.
            event: what happened.
            facts: ``clock`` (seconds since 1970), ``viewer``, ``tier``, ``about`` (topics) and
                ``asks`` (topics that want an answer), as far as known.
        """
        self._put(room, "event", {"event": event.to_dict() | facts}, event.id)

    def publish_alert(self, room: str, alert: Mapping[str, Any]) -> None:
        """Show word of a viewer who matters."""
        self._put(room, "alert", {"alert": alert})

    def publish_board(self, room: str, tiers: Mapping[str, int], viewers: list[ViewerCard]) -> None:
        """Show how many viewers each tier has, and the most valuable ones, best first."""
        cards = [asdict(viewer) for viewer in viewers]
        self._put(room, "board", {"tiers": dict(tiers), "viewers": cards})

    def publish_gifts(self, room: str, gifts: list[Mapping[str, Any]]) -> None:
        """Show the gifts so far: ``name``, ``count`` and ``worth`` of each."""
        self._put(room, "gifts", {"gifts": gifts})

    def publish_minutes(self, room: str, minutes: Mapping[int, Mapping[str, int]]) -> None:
        """Show how many events of each kind there were in the latest minutes of the stream."""
        self._put(room, "minutes", {"minutes": {m: dict(n) for m, n in minutes.items()}})

    def publish_stats(self, room: str, stats: Stats) -> None:
        """Show how the reading goes."""
        self._put(room, "stats", asdict(stats))

    def publish_state(self, room: str, state: str) -> None:
        """Show how a room stands: an empty text while all is well."""
        self._put(room, "state", {"state": state})

    def show(self, room: str, jpeg: bytes) -> None:
        """Show a picture of the stream."""
        self.send(room, "picture", "", jpeg)

    def _put(self, room: str, kind: str, values: Mapping[str, Any], key: str = "") -> None:
        self.send(room, kind, key, json.dumps({"type": kind, **values}, ensure_ascii=False))


class Dashboard(Publisher):
    """Serves the page from a thread of its own; a context manager.

    Whatever publishes returns at once.

    Args:
        rooms: their names.
        options: where the page is served.
        kept: rooms with a store, which the page may ask.
        more: routes under which it is asked.

    Raises:
        ShiziError: the address cannot be listened on.
    """

    def __init__(
        self,
        rooms: list[str],
        options: DashboardOptions,
        kept: Collection[str] = (),
        more: Sequence[Route] = (),
    ) -> None:
        self._channels = {room: Channel() for room in rooms}
        self._kept = frozenset(kept)
        self._server = WebServer(_app(self, more), options)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def url(self) -> str:
        """Address of the page."""
        return self._server.url

    def send(self, room: str, kind: str, key: str, message: str | bytes) -> None:
        """See :class:`Publisher`."""
        self._server.call(self._channels[room].put, kind, key, message)

    def hello(self, room: str) -> str:
        """Return the first message of a connection."""
        rooms, kept = list(self._channels), room in self._kept
        facts = {"type": "hello", "rooms": rooms, "room": room, "kept": kept}
        return json.dumps(facts, ensure_ascii=False)

    def channel(self, room: str) -> tuple[str, Channel] | None:
        """Return a room by name, the first one for an empty name."""
        name = room or next(iter(self._channels))
        return (name, self._channels[name]) if name in self._channels else None


def _app(dashboard: Dashboard, more: Sequence[Route]) -> Starlette:
    async def page(_: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def listen(socket: WebSocket) -> None:
        found = dashboard.channel(socket.query_params.get("room", ""))
        full = found is not None and len(found[1].clients) >= MOST_CLIENTS
        if found is None or full:
            await socket.close(1008)
            return
        room, channel = found
        await socket.accept()
        client = _Client()
        for text in (dashboard.hello(room), *channel.latest.values(), *channel.events.values()):
            client.put(text)
        if channel.frame:
            client.show(channel.frame)
        channel.clients.add(client)
        try:
            serving = asyncio.ensure_future(client.serve(socket))
            leaving = asyncio.ensure_future(_gone(socket))
            await asyncio.wait((serving, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, leaving):
                task.cancel()
            await asyncio.gather(serving, leaving, return_exceptions=True)
            channel.clients.discard(client)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/health", health),
            *more,
            WebSocketRoute("/socket", listen),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )


async def _gone(socket: WebSocket) -> None:
    """Wait until the browser leaves; what it says is ignored."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
