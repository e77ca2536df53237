"""All that a live room can be told.

It stands apart from what it is told to, which needs optional packages: help does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Literal

from shizi.options import check_range
from shizi.web.options import WebOptions


@dataclass(frozen=True)
class SourceOptions:
    """How frames are taken from a source.

    Attributes:
        fps: frames looked at in a second of the stream; fewer where it has fewer.
        replay_speed: play a file at so many times its speed, as if it came in live; 0: as fast
            as it can be read.
        timeout: seconds without data after which a stream counts as broken.
        wait: seconds for which a stream that is not there yet is waited for.
        give_up: seconds for which a broken stream is opened again and again; 0: for ever.
        queue: frames that are decoded ahead, or of a live source, that may wait.
    """

    fps: float = 10.0
    replay_speed: float = 0.0
    timeout: float = 10.0
    wait: float = 0.0
    give_up: float = 0.0
    queue: int = 8

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(
            self,
            fps=(0.01, 1000),
            replay_speed=(0, 1000),
            timeout=(0.1, inf),
            wait=(0, inf),
            give_up=(0, inf),
            queue=(1, 10_000),
        )


Fractions = tuple[float, float, float, float]


PRESETS: dict[str, Fractions] = {
    "portrait": (0.01, 0.5, 0.8, 0.92),
    "portrait-low": (0.01, 0.6, 0.8, 0.97),
    "right-panel": (0.7, 0.1, 1.0, 0.95),
    "left-panel": (0.0, 0.1, 0.3, 0.95),
    "whole": (0.0, 0.0, 1.0, 1.0),
}


@dataclass(frozen=True)
class RegionOptions:
    """Where the comments stand.

    Attributes:
        region: fractions of the frame x0,y0,x1,y1; or portrait, portrait-low, right-panel,
            left-panel, whole; or auto: found by itself.
        silence: seconds without a new row after which the area is searched anew.
    """

    region: str = "auto"
    silence: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what is no region, and numbers out of range.

        Raises:
            ValueError: one is.
        """
        parse_region(self.region)
        check_range(self, silence=(1, inf))


def parse_region(text: str) -> Fractions | None:
    """Return the fractions that a region is given by; None for ``auto``.

    Raises:
        ValueError: it is neither a preset nor four fractions in order.
    """
    if text == "auto":
        return None
    if text in PRESETS:
        return PRESETS[text]
    try:
        x0, y0, x1, y1 = (float(v) for v in text.split(","))
    except ValueError:
        x0 = y0 = x1 = y1 = -1.0
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise ValueError(
            f"region: {text!r} is no region; write x0,y0,x1,y1 as fractions from 0 to 1, auto, "
            f"or one of {', '.join(PRESETS)}"
        )
    return x0, y0, x1, y1


@dataclass(frozen=True)
class WatchOptions:
    """How a room is watched.

    Attributes:
        hindsight: seconds of the stream that are kept while the area is searched, to be read
            once it is found.
        flying: comments that fly across the picture: leave them, or tell each once, of nobody.
    """

    hindsight: float = 4.0
    flying: Literal["leave", "tell"] = "leave"

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(self, hindsight=(0, 60))


@dataclass(frozen=True)
class ReadingOptions:
    """When lines are read.

    Attributes:
        sure: score from which a line is not read again.
        readings: most readings of a line that is not sure.
        least_score: lines read with a lower score are taken for clutter.
    """

    sure: float = 0.93
    readings: int = 3
    least_score: float = 0.7

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(self, sure=(0, 1), readings=(1, 100), least_score=(0, 1))


@dataclass(frozen=True)
class CropOptions:
    """Which pictures of rows are kept.

    Attributes:
        keep_crops: folder for a PNG of each event's row, named by the event's id.
        most_crops: pictures kept; of more, the oldest are deleted.
    """

    keep_crops: Path | None = None
    most_crops: int = 10_000

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(self, most_crops=(1, 10_000_000))


@dataclass(frozen=True)
class WriterOptions:
    """How events are stored.

    Attributes:
        delay: seconds that an event may wait for others, to be stored together.
        batch: events stored together at most.
        backlog: events that may wait while the store is away; then reading waits too.
        store_patience: seconds to wait for the store at the end, before giving up.
        retain: days after which stored events are deleted; 0 keeps them for ever.
    """

    delay: float = 0.1
    batch: int = 500
    backlog: int = 100_000
    store_patience: float = 60.0
    retain: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(
            self,
            delay=(0, 60),
            batch=(1, 100_000),
            backlog=(1, 10_000_000),
            store_patience=(0, inf),
            retain=(0, inf),
        )


@dataclass(frozen=True)
class RoomOptions:
    """How a room is kept.

    Attributes:
        resume: go on with a room that the store knows; rows still on the screen are not told
            twice. Without it a known room is an error.
        hash_users: salt; nicknames, and mentions of them, are stored and sent only as keyed
            hashes. Empty: as they are.
        sink_patience: seconds to wait at the end for sinks that cannot be reached.
    """

    resume: bool = False
    hash_users: str = ""
    sink_patience: float = 30.0

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(
            self,
            sink_patience=(0, inf),
        )


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
        began: clock time at which a recording begins, as 2026-11-25T20:00; by default a file's
            date less its length. What is live has the machine's clock.
        threads: CPU threads that read; lines are short, so a second one gains little. 0: all
            cores.
    """

    room: str = ""
    platform: str = "generic"
    rules: str = "value"
    events: Path | None = None
    sink: tuple[str, ...] = ()
    store: str = ""
    began: str = ""
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(
            self,
            threads=(0, 1024),
        )


@dataclass(frozen=True)
class SeeOptions:
    """How the picture is looked at."""

    source: SourceOptions = SourceOptions()
    region: RegionOptions = RegionOptions()
    watch: WatchOptions = WatchOptions()
    reading: ReadingOptions = ReadingOptions()


@dataclass(frozen=True)
class Plan:
    """A room and all of its settings.

    Attributes:
        source: address, see ``shizi live --help``.
        room: what is done with the room.
        see: how the picture is looked at.
        keep: how the room is kept.
        writing: how events are stored.
        crops: which pictures of rows are kept.
    """

    source: str
    room: LiveOptions
    see: SeeOptions
    keep: RoomOptions
    writing: WriterOptions
    crops: CropOptions


@dataclass(frozen=True)
class DashboardOptions(WebOptions):
    """Where the page is served."""

    port: int = 8770


Form = Literal["csv", "xlsx", "parquet"]
"""In which a store is exported."""


Level = Literal["easy", "hard"]


Shape = Literal["portrait", "panel", "any"]


@dataclass(frozen=True)
class SimulateOptions:
    """What room to simulate. The same options make the same clip.

    Attributes:
        seed: of everything left to chance.
        seconds: length of the clip.
        level: easy: 24 to 30 px text, about a row a second, crf 23; hard: 22 px text, bursts of
            6 rows a second, crf 33.
        shape: rows over a portrait picture of 720x1280, or a panel beside a landscape one of
            1280x720; any: by chance.
        fps: frames a second.
        texts: text files with comments, one a line, besides the built-in ones.
    """

    seed: int = 0
    seconds: float = 60.0
    level: Level = "easy"
    shape: Shape = "any"
    fps: int = 25
    texts: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(
            self,
            seed=(0, inf),
            seconds=(1, 86_400),
            fps=(1, 240),
        )
