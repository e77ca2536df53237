"""What a store answers over HTTP beside the dashboard: viewers, and questions open or answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shizi.errors import ShiziError
from shizi.extras import needed
from shizi.live.keep.history import History
from shizi.live.keep.store import Entry, Store
from shizi.live.mean.value import SPOKEN, Rules
from shizi.live.session import iso, session_at

with needed("the dashboard"):
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

MOST = 200
"""Viewers, or events looked through for questions, where the query names no number."""
_LIMIT = 5000
_LARGEST = 1000  # bytes of a body


class Query:
    """Answers from the stores of rooms.

    Args:
        stores: address of the store of each room; those without one cannot be asked.
        rules: of value.
    """

    def __init__(self, stores: Mapping[str, str], rules: Rules) -> None:
        self._stores, self._rules = stores, rules

    def routes(self) -> list[Route]:
        """Return the routes under ``/api``."""
        return [
            Route("/api/viewers", _answered(self.viewers)),
            Route("/api/viewers/{viewer}", _answered(self.viewer)),
            Route("/api/questions", _answered(self.questions)),
            Route("/api/questions/{event}", self.tick, methods=["POST"]),
        ]

    def viewers(self, asked: Mapping[str, str]) -> Any:
        """Viewers over all days and rooms of a room's store, best first.

        Args:
            asked: ``room``; ``tier``; ``search``: part of a nickname; ``most``.
        """
        tier, search = asked.get("tier", ""), asked.get("search", "").lower()
        with self._opened(asked) as (_, store):
            found = History(store).viewers(
                lambda past: tier in ("", past.tier) and search in past.user.lower()
            )
        few = [past.to_dict() for past in found[: _most(asked)]]
        return [{k: v for k, v in past.items() if k != "visits"} for past in few]

    def viewer(self, asked: Mapping[str, str]) -> Any:
        """One viewer with its visits and its latest events; None for one never seen."""
        with self._opened(asked) as (_, store):
            history = History(store)
            past = history.viewer(asked["viewer"])
            events = store.latest(asked["viewer"], _most(asked))
            dated = [self._dated(history, room, entry) for room, entry in events]
        return None if past is None else {**past.to_dict(), "events": dated}

    def questions(self, asked: Mapping[str, str]) -> Any:
        """Questions among the latest comments of a room, latest first.

        Args:
            asked: ``room``; ``open``: 1 for those alone that are not answered, 0 for the others;
                ``most``: comments looked through.
        """
        with self._opened(asked) as (room, store):
            history = History(store)
            done = history.answered()
            found = [
                {**self._dated(history, room, e), "about": about, "answered": e.event.id in done}
                for e in store.said(room, SPOKEN, _most(asked))
                if (about := self._rules.questions(e.event))
            ]
        if wanted := asked.get("open", ""):
            found = [one for one in found if one["answered"] == (wanted == "0")]
        return found

    async def tick(self, request: Request) -> Response:
        """Note that a question was answered, or not: ``{"answered": true}``."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST:
                return _wrong("too long", 413)
        try:
            done = json.loads(body)["answered"]
        except (ValueError, KeyError, TypeError):
            done = None
        if not isinstance(done, bool):
            return _wrong('send {"answered": true} or {"answered": false}')
        event, asked = request.path_params["event"], dict(request.query_params)

        def note() -> None:
            with self._opened(asked) as (_, store):
                History(store).answer(event, done)

        try:
            await run_in_threadpool(note)
        except ShiziError as error:
            return _wrong(str(error))
        return JSONResponse({"event": event})

    @contextmanager
    def _opened(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Store]]:
        room = asked.get("room", "") or next(iter(self._stores), "")
        if not self._stores.get(room):
            raise ShiziError(f"room {room!r} is kept in no store; name one to ask it later")
        with Store(self._stores[room]) as store:
            yield room, store

    def _dated(self, history: History, room: str, entry: Entry) -> dict[str, Any]:
        known = history.sessions(room)
        time = entry.event.time
        when = iso(session_at(known, time).at(time)) if known else None
        return {**entry.event.to_dict(), "room": room, "viewer": entry.viewer, "clock": when}


def _answered(
    answer: Callable[[Mapping[str, str]], Any],
) -> Callable[[Request], Any]:
    """A handler that runs in a thread: stores may be slow."""

    async def handle(request: Request) -> Response:
        asked = {**request.query_params, **request.path_params}
        try:
            found = await run_in_threadpool(answer, asked)
        except ShiziError as error:
            return _wrong(str(error))
        return _wrong("not known", 404) if found is None else JSONResponse(found)

    return handle


def _wrong(what: str, status: int = 400) -> Response:
    return JSONResponse({"error": what}, status)


def _most(asked: Mapping[str, str]) -> int:
    text = asked.get("most", str(MOST))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _LIMIT):
        raise ShiziError(f"most: expected a number from 1 to {_LIMIT}, not {text!r}")
    return int(text)
