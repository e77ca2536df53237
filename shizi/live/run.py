"""One room from its source to its events: joins the seeing and the meaning half."""

from __future__ import annotations

import re
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import cv2
import numpy as np

from shizi.errors import ShiziError
from shizi.live.dashboard import Dashboard, ViewerCard
from shizi.live.event import Row
from shizi.live.grammar import load_grammar
from shizi.live.region import RegionOptions, area_of, parse_region
from shizi.live.room import Room, RoomOptions, Update
from shizi.live.sinks import open_sink
from shizi.live.source import Frame, Source, SourceOptions, open_source
from shizi.live.store import Store
from shizi.live.track import TrackOptions
from shizi.live.value import load_rules
from shizi.live.watch import Watch, WatchOptions, live_reader
from shizi.live.writer import WriterOptions
from shizi.page import Image

BOARD = 50
"""Viewers that the dashboard lists."""
RECENT = 50
"""Events that the mean latency is taken over."""


@dataclass(frozen=True)
class LiveOptions:
    """What is done with a room.

    Attributes:
        room: its name, with which event ids begin; by default made of the source's.
        platform: generic, douyin, kuaishou, taobao, bilibili, douyu, huya, tiktok, or a YAML
            file that extends one of them.
        rules: YAML file of the value of viewers instead of the shipped one.
        events: JSONL file, an event a line, each written once nothing can change it any more.
        sink: addresses to send to besides: redis://…, kafka://…/topic, http(s)://…
        store: SQLite file or postgresql://… in which events are kept; without it they are kept
            until the end only, and nothing can be resumed.
        threads: CPU threads; 0: all cores.
    """

    room: str = ""
    platform: str = "generic"
    rules: str = "value"
    events: Path | None = None
    sink: tuple[str, ...] = ()
    store: str = ""
    threads: int = 0


@dataclass(frozen=True)
class SeeOptions:
    """How the picture is looked at."""

    source: SourceOptions = SourceOptions()
    region: RegionOptions = RegionOptions()
    watch: WatchOptions = WatchOptions()
    tracks: TrackOptions = TrackOptions()


@dataclass(frozen=True)
class Told:
    """How a run went.

    Attributes:
        events: told, each once.
        factor: seconds of the stream for each second of work.
        dropped: frames.
        troubles: why the store or a sink could not be reached at the end.
    """

    events: int
    factor: float
    dropped: int
    troubles: tuple[str, ...]


def follow(
    address: str,
    options: LiveOptions,
    see: SeeOptions,
    keep: RoomOptions,
    writing: WriterOptions,
    dashboard: Dashboard | None = None,
    progress: Callable[[Source, Watch], None] = lambda source, watch: None,
) -> Told:
    """Follow a source to its end.

    Args:
        address: of the source, see :func:`shizi.live.source.open_source`.
        options: what is done with the events.
        see: how the picture is looked at.
        keep: how the room is kept.
        writing: how events are stored.
        dashboard: where it is shown; it must know the room's name.
        progress: called after every frame.

    Raises:
        ShiziError: the source, the store or a setting is at fault.
    """
    name = room_name(address, options.room)
    with ExitStack() as stack:
        grammar, rules = load_grammar(options.platform), load_rules(options.rules)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="shizi-"))
        if keep.resume and not options.store:
            raise ShiziError("--resume needs the --store of the run that it goes on with")
        store = stack.enter_context(Store(options.store or str(Path(folder) / "room.db")))
        sinks = [open_sink(str(place)) for place in (options.events, *options.sink) if place]
        room = stack.enter_context(Room(name, grammar, rules, store, sinks, keep, writing))
        source = stack.enter_context(open_source(address, see.source))
        watch = Watch(live_reader(options.threads), see.watch, see.region, see.tracks)
        screen = Screen(room, source, watch, dashboard)
        for row in watch.rows(_seen(source, watch, screen, progress)):
            screen.tell(row, room.feed(row))
        screen.tell(None, room.close())
        return Told(screen.count, watch.statistics.factor, source.dropped, room.troubles)


def room_name(address: str, wanted: str = "") -> str:
    """Return the name that was asked for, or one made of the source's address."""
    return wanted or re.sub(r"\W+", "-", Path(address.partition("?")[0]).stem).strip("-") or "room"


def show_region(address: str, see: SeeOptions, seconds: float = 10.0) -> Image:
    """Draw the comment area upon a frame: what is given, or what is found within some seconds.

    Raises:
        ShiziError: the source cannot be read, or no area was found.
    """
    with open_source(address, see.source) as source:
        watch = Watch(live_reader(), see.watch, see.region, see.tracks)
        for frame in source:
            for _ in watch.rows([frame]):
                pass
            given = parse_region(see.region.region)
            area = area_of(given, frame.width, frame.height) if given else watch.area
            if area is not None:
                return marked(frame.image, area, [])
            if frame.time > seconds:
                break
    raise ShiziError(
        f"no comment area was found within {seconds:g} s; give it with --region x0,y0,x1,y1"
    )


def marked(image: Image, area: tuple[int, int, int, int] | None, boxes: list[Image]) -> Image:
    """Draw the comment area and the rows (x0, y0, x1, y1) in it."""
    out = np.ascontiguousarray(image)
    if area is not None:
        cv2.rectangle(out, area[:2], area[2:], (77, 171, 247), 2, cv2.LINE_AA)
    for box in boxes:
        x0, y0, x1, y1 = (int(v) for v in box)
        cv2.rectangle(out, (x0, y0), (x1, y1), (255, 200, 87), 1, cv2.LINE_AA)
    return out


def _seen(
    source: Source, watch: Watch, screen: Screen, progress: Callable[[Source, Watch], None]
) -> Iterator[Frame]:
    for frame in source:
        yield frame
        screen.show(frame)
        progress(source, watch)


class Screen:
    """Tells the dashboard, where there is one, and counts."""

    def __init__(
        self, room: Room, source: Source, watch: Watch, dashboard: Dashboard | None
    ) -> None:
        self._room, self._source, self._watch, self._dashboard = room, source, watch, dashboard
        self._told: set[str] = set()
        self._latency: deque[float] = deque(maxlen=RECENT)
        self._gifts: dict[str, tuple[str, int]] = {}  # event id -> gift, count
        self._shown = -np.inf

    @property
    def count(self) -> int:
        """Events told."""
        return len(self._told)

    def tell(self, row: Row | None, updates: list[Update]) -> None:
        """Pass on what a row led to."""
        for update in updates:
            event = update.event
            if event.id not in self._told and row is not None:
                self._told.add(event.id)
                self._latency.append(self._watch.statistics.stream - row.first)
            if event.gift:
                self._gifts[event.id] = (event.gift.name, event.gift.count)
            if self._dashboard:
                self._dashboard.publish_event(self._room.name, event)

    def show(self, frame: Frame) -> None:
        """Show the picture and the board, about twice in a second of the stream."""
        if self._dashboard is None or frame.time - self._shown < 0.5:
            return
        self._shown = frame.time
        dashboard, room, watch = self._dashboard, self._room, self._watch
        picture = cv2.cvtColor(marked(frame.image, watch.area, []), cv2.COLOR_RGB2BGR)
        dashboard.show(room.name, cv2.imencode(".jpg", picture)[1].tobytes())
        cards = [
            ViewerCard(
                place.viewer.name,
                place.tier,
                place.score,
                place.viewer.counts.get("comment", 0),
                place.viewer.gifts,
            )
            for place in room.board.standings(BOARD)
        ]
        dashboard.publish_board(room.name, room.board.tiers(), cards)
        counts = Counter[str]()
        for gift, number in self._gifts.values():
            counts[gift] += number
        dashboard.publish_gifts(
            room.name, [{"name": g, "count": n} for g, n in counts.most_common(20)]
        )
        latency = fmean(self._latency) if self._latency else 0.0
        statistics = watch.statistics
        dashboard.publish_stats(
            room.name, frame.time, statistics.factor, latency, self._source.dropped
        )
