"""One room from its source to its events: joins the seeing and the meaning half."""

from __future__ import annotations

import re
import tempfile
import time as clock
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from shizi.errors import ShiziError
from shizi.live.event import Row
from shizi.live.keep.crops import Crops
from shizi.live.keep.sinks import open_sink
from shizi.live.keep.store import Position, Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.options import (
    Plan,
    SeeOptions,
)
from shizi.live.room import Room, Update
from shizi.live.screen import Screen
from shizi.live.see.watch import Statistics, Watch, live_reader
from shizi.live.session import Clock, Session
from shizi.live.show.dashboard import Publisher
from shizi.live.show.picture import marked
from shizi.live.stream.source import Source, open_source
from shizi.page import Image

_BETWEEN = 3600.0
"""Least seconds of a room's time between two sources: whoever comes again, comes anew."""


@dataclass(frozen=True)
class Told:
    """How a run went.

    Attributes:
        events: told, each once.
        factor: seconds of the stream for each second of work.
        dropped: frames.
        troubles: what was never seen, and why the store or a sink could not be reached at the
            end.
    """

    events: int
    factor: float
    dropped: int
    troubles: tuple[str, ...]

    def __str__(self) -> str:
        """One line for whoever looks on."""
        lost = f", {self.dropped} frames dropped" if self.dropped else ""
        return f"{self.events} events, {self.factor:.1f} times real time{lost}"


def follow(
    plan: Plan,
    publisher: Publisher | None = None,
    progress: Callable[[Source, Watch], None] = lambda source, watch: None,
) -> Told:
    """Follow a source to its end.

    Args:
        plan: what to follow, and how.
        publisher: of the dashboard, where there is one; it must know the room's name.
        progress: called after every frame.

    Raises:
        ShiziError: the source, the store or a setting is at fault.
    """
    _check(plan)
    options, see, name = plan.room, plan.see, room_name(plan.source, plan.room.room)
    with ExitStack() as stack:
        grammar, rules = load_grammar(options.platform), load_rules(options.rules)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="shizi-"))
        store = stack.enter_context(Store(options.store or str(Path(folder) / "room.db")))
        sinks = [open_sink(str(place)) for place in (options.events, *options.sink) if place]
        before = store.position(name) if plan.keep.resume else None
        room = stack.enter_context(
            Room(name, grammar, rules, store, sinks, plan.keep, plan.writing)
        )
        last = room.sessions[-1] if room.sessions else None
        again = last is not None and last.source in ("", plan.source)
        begin = _begin(before, store.position(name), last.base if last else 0.0)
        begin = begin if again else (0.0, 0.0)
        source = stack.enter_context(open_source(plan.source, see.source, *begin))
        session = last if last and again else _session(source, options.began, last, room.board.now)
        ended = [] if session is last else room.begin(session)
        base = session.base
        reader = live_reader(options.threads)
        statistics = Statistics(stream=source.start, start=source.start)
        watch = Watch(reader, see.watch, see.reading, see.region, statistics, source.live)
        past = store.entries(name)
        screen = Screen(room, source, watch, publisher, base, past) if publisher else None
        kept = Crops(plan.crops, plan.writing.retain) if plan.crops.keep_crops else None

        def tell(updates: Iterable[Update]) -> int:
            count = 0
            for update in updates:
                count += update.new
                if screen:
                    screen.tell(update)
                if kept and update.row and (update.new or not update.event.closed):
                    kept.keep(update.event.id, update.row)
            return count

        count, found = tell(ended), False
        for frame in source:
            if kept:
                kept.see(replace(frame, time=frame.time + base))
            count += sum(tell(room.feed(_later(row, base))) for row in watch.look(frame))
            found = found or watch.area is not None
            if screen:
                screen.show(frame)
            progress(source, watch)
        count += sum(tell(room.feed(_later(row, base))) for row in watch.close()) + tell(
            room.close()
        )
        if screen:
            screen.close()
        unseen = _unseen(statistics.frames, found)
        troubles = (*unseen, *room.troubles, *(kept.troubles if kept else ()))
        return Told(count, statistics.factor, source.dropped, troubles)


def _check(plan: Plan) -> None:
    if plan.keep.resume and not plan.room.store:
        raise ShiziError("to resume a run, name the store that it was kept in")
    if plan.crops.keep_crops and plan.keep.hash_users:
        raise ShiziError("crops show the nicknames that are to be hashed; drop one of both")


def _session(source: Source, began: str, last: Session | None, now: float) -> Session:
    """The session of a source that the room was not followed from before.

    Args:
        source: just opened.
        began: clock time at its beginning, ISO 8601; empty: the machine's for what is live, a
            file's date less its length.
        last: session before.
        now: stream time of the room's latest event, seconds.

    Raises:
        ShiziError: ``began`` is no time.
    """
    path = Path(source.address)
    kind: Clock = "live"
    if began:
        try:
            start, kind = datetime.fromisoformat(began).timestamp(), "given"
        except ValueError as error:
            raise ShiziError(f"{began!r} is no time; write it as 2026-11-25T20:00") from error
    elif path.exists():
        start, kind = path.stat().st_mtime - (source.duration or 0.0), "file"
    else:
        start = clock.time()
    if last is None:
        return Session(source.address, 0.0, start, kind)
    # A recording may be older than the latest one: its place is still after it.
    base = max(last.base + start - last.began, max(last.base, now) + _BETWEEN)
    return Session(source.address, base, start, kind)


def _later(row: Row, base: float) -> Row:
    """The row on the room's clock, whose source began at ``base``."""
    return replace(row, first=row.first + base, last=row.last + base)


def _begin(before: Position | None, now: Position | None, base: float) -> tuple[float, float]:
    """Time of the source at which to go on, and for how long nobody looked, seconds.

    Args:
        before: how far the stopped run had come, None for a new one.
        now: the same, with what sinks have given back.
        base: stream time of the room at which the source began, seconds.
    """
    if before is None or now is None:
        return 0.0, 0.0
    return max(0.0, now.time - base), max(
        0.0, clock.time() - before.seen - (now.time - before.time)
    )


def _unseen(frames: int, found: bool) -> tuple[str, ...]:
    """Why nothing can have been told."""
    if not frames:
        return ("the source gave no picture",)
    if not found:
        return ("no comment area was found; give it as fractions of the picture x0,y0,x1,y1",)
    return ()


def room_name(address: str, wanted: str = "") -> str:
    """Return the name that was asked for, or one made of the source's address."""
    return wanted or re.sub(r"\W+", "-", Path(address.partition("?")[0]).stem).strip("-") or "room"


def show_region(address: str, see: SeeOptions, seconds: float = 10.0) -> Image:
    """Draw the comment area upon a frame: what is given, or what is found within some seconds.

    Raises:
        ShiziError: the source cannot be read, or no area was found.
    """
    with open_source(address, see.source) as source:
        watch = Watch(live_reader(), see.watch, see.reading, see.region)
        for frame in source:
            watch.look(frame)
            if watch.area is not None:
                return marked(frame.image, watch.area, [])
            if frame.time > source.start + seconds:
                break
    raise ShiziError(
        f"no comment area was found within {seconds:g} s; give it as fractions of the picture "
        "x0,y0,x1,y1"
    )
