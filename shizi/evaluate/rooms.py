"""Live rooms followed and scored: clips with known events, screenshots with known messages."""

from __future__ import annotations

import tempfile
import time as clock
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from shizi.bar import bar
from shizi.errors import DataError
from shizi.evaluate.live import RULES, LiveScore, matching, read_events, score_events
from shizi.evaluate.sets import CHATS, Chat, LiveEvalOptions, read_chats
from shizi.images.load import load
from shizi.live.event import Event
from shizi.live.frame import Frame
from shizi.live.keep.store import Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.options import RegionOptions
from shizi.live.room import Room
from shizi.live.see.watch import Watch, live_reader
from shizi.live.stream.source import open_source

CLIPS = (".mp4", ".mkv", ".flv", ".ts", ".mov")
"""Suffixes of clips that are looked for in a folder."""


@dataclass(frozen=True)
class ClipResult:
    """How a clip was read.

    Attributes:
        name: of the clip.
        score: of its events.
        delays: of every event, seconds of the stream from when its row was first visible to
            when it was first told.
        stream: length of what was followed, seconds.
        wall: seconds spent on it, decoding included.
        cpu: seconds that all cores together spent on it.
    """

    name: str
    score: LiveScore
    delays: tuple[float, ...]
    stream: float
    wall: float
    cpu: float

    def figures(self) -> dict[str, float]:
        """All figures, by name."""
        delay = float(np.quantile(self.delays, 0.95)) if self.delays else 0.0
        factor, cpu = self.stream / self.wall, self.cpu / self.stream
        speed = {"delay_p95": round(delay, 3), "factor": round(factor, 2), "cpu": round(cpu, 3)}
        return {**self.score.summary(), **speed}


@dataclass(frozen=True)
class ChatResult:
    """How a screenshot was read: messages right in user and text, messages there, events told."""

    name: str
    right: int
    messages: int
    told: int
    wrong: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LiveResult:
    """How everything was read.

    Attributes:
        clips: one by one; several of them once more together, as ``all``.
        shots: screenshots.
        mistakes: what was missed, made up or misread, a line each.
    """

    clips: tuple[ClipResult, ...]
    shots: tuple[ChatResult, ...]
    mistakes: tuple[str, ...]


def run_live_eval(options: LiveEvalOptions) -> LiveResult:
    """Follow and score everything.

    Raises:
        DataError: there is nothing to score, or a label cannot be read.
    """
    chats = [f / CHATS for f in options.data if (f / CHATS).exists()]
    clips = list(_clips(options.data))
    if not (clips or chats):
        raise DataError("no clip with its events (room.mp4 and room.jsonl), and no chats.jsonl")
    with bar(len(clips), "following") as shown:
        rooms = []
        for clip in clips:
            rooms.append(_clip(clip, options))
            shown.add(1)
    shots = [_shot(chat, options) for path in chats for chat in read_chats(path)]
    mistakes = [*_mistakes(rooms), *(f"{s.name}: {w}" for s in shots for w in s.wrong)]
    whole = [_together(rooms)] if len(rooms) > 1 else []
    return LiveResult((*rooms, *whole), tuple(shots), tuple(mistakes))


def _clips(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        found = sorted(p for p in place.iterdir()) if place.is_dir() else [place]
        for path in found:
            if path.suffix in CLIPS and (path.with_suffix(".jsonl").exists() or path == place):
                yield path


def _clip(path: Path, options: LiveEvalOptions) -> ClipResult:
    """Follow a clip so often as is wanted; all runs tell the same, the fastest how fast."""
    runs = [_run(path, options) for _ in range(max(1, options.repeat))]
    return min(runs, key=lambda run: run.wall)


def _run(path: Path, options: LiveEvalOptions) -> ClipResult:
    truth = read_events(path.with_suffix(".jsonl"))
    watch = Watch(live_reader(options.threads))
    wall, cpu = clock.perf_counter(), clock.process_time()
    with open_source(str(path)) as source:
        events, delays = _follow(watch, source, options)
    wall, cpu = clock.perf_counter() - wall, clock.process_time() - cpu
    score = score_events(truth, events)
    return ClipResult(path.stem, score, tuple(delays), watch.statistics.stream, wall, cpu)


def _follow(
    watch: Watch, frames: Iterable[Frame], options: LiveEvalOptions
) -> tuple[list[Event], list[float]]:
    """Return events as they were told in the end, in order of time, and their delays."""
    events: dict[str, Event] = {}
    delays: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="shizi-") as folder,
        Store(str(Path(folder) / "room.db")) as store,
        Room("room", load_grammar(options.platform), load_rules(), store) as room,
    ):
        for rows in chain(map(watch.look, frames), map(Watch.close, [watch])):
            for update in chain.from_iterable(map(room.feed, rows)):
                events[update.event.id] = update.event
                if update.new:
                    delays.append(max(0.0, watch.statistics.stream - update.event.time))
        events.update({update.event.id: update.event for update in room.close()})
    return sorted(events.values(), key=lambda e: e.time), delays


def _shot(chat: Chat, options: LiveEvalOptions) -> ChatResult:
    """Follow a screenshot as a stream that stands still for a second."""
    image = load(chat.path)
    height, width = image.shape[:2]
    sizes = (width, height, width, height)
    region = ",".join(f"{v / size:.4f}" for v, size in zip(chat.area, sizes, strict=True))
    watch = Watch(live_reader(options.threads), region=RegionOptions(region))
    frames = [Frame(i / 10, i, width, height, image) for i in range(11)]
    events, _ = _follow(watch, frames, options)
    told = [(e.user, e.text or _deed(e)) for e in events]
    right, wrong = compare(chat.said, told)
    return ChatResult(chat.name, right, len(chat.said), len(told), wrong)


def _deed(event: Event) -> str:
    """What the screen says of a join."""
    return {"join": "进入直播间"}.get(event.kind, "")


def compare(
    truth: Sequence[tuple[str, str]], told: Sequence[tuple[str, str]]
) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Match messages (user, text) one to one by likeness.

    Returns:
        How many have user and text right, and of the others the pairs of what was there and
        what was told, either of which may be empty.
    """
    there, found = (["：".join(map(_letters, pair)) for pair in side] for side in (truth, told))
    fit = [[Levenshtein.normalized_similarity(a, b) for b in found] for a in there]
    partner = dict(matching(np.array(fit).reshape(len(there), len(found))))
    wrong = [(a, found[partner[i]] if i in partner else "") for i, a in enumerate(there)]
    wrong += [("", b) for j, b in enumerate(found) if j not in partner.values()]
    missed = tuple((a, b) for a, b in wrong if a != b)
    return sum(bool(a) and a == b for a, b in wrong), missed


def _letters(text: str) -> str:
    """Text without pictograms, which labels leave out, and with one wording of a join."""
    plain = RULES(text)
    plain = "".join(c for c in plain if c < "\x80" or unicodedata.category(c)[0] not in "SN")
    return "进入直播间" if plain.lower() == "entertheroom" else plain


def _together(rooms: Sequence[ClipResult]) -> ClipResult:
    scores = [room.score for room in rooms]
    score = LiveScore(
        pairs=tuple(pair for s in scores for pair in s.pairs),
        missed=tuple(event for s in scores for event in s.missed),
        false=tuple(event for s in scores for event in s.false),
        doubles=sum(s.doubles for s in scores),
    )
    return ClipResult(
        name="all",
        score=score,
        delays=tuple(delay for room in rooms for delay in room.delays),
        stream=sum(room.stream for room in rooms),
        wall=sum(room.wall for room in rooms),
        cpu=sum(room.cpu for room in rooms),
    )


def _mistakes(rooms: Sequence[ClipResult]) -> Iterator[str]:
    for room in rooms:
        score = room.score
        for event in score.missed:
            yield f"{room.name} {event.time:6.2f} missed   {_said(event)}"
        for event in score.false:
            yield f"{room.name} {event.time:6.2f} made up  {_said(event)}"
        for a, b in score.pairs:
            if _said(a) != _said(b):
                yield f"{room.name} {a.time:6.2f} misread  {_said(a)}  as  {_said(b)}"


def _said(event: Event) -> str:
    event = replace(event, text=event.text if event.kind in ("comment", "notice", "system") else "")
    gift = f" {event.gift.name} x{event.gift.count}" if event.gift else ""
    return f"{event.kind} {RULES(event.user)}: {RULES(event.text)}{gift}"
