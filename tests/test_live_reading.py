"""A line is read when it is new or shows another text, and not again otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from shizi.live.options import ReadingOptions
from shizi.live.see.reading.reader import LineReader, parted
from shizi.live.see.tracking.look import view_of
from shizi.live.see.tracking.scroll import template_of
from shizi.live.see.tracking.track import Track
from shizi.live.see.tracking.tracker import Tracker
from shizi.page import Char, Image
from shizi.recognition import Reading

BOX = np.array([10, 10, 250, 40], np.float32)
WIDE = 257  # pixels of the picture that is read, the text begins at its 6th


TRACKER = Tracker(lambda _: np.zeros((0, 4, 2), np.float32))


class Scribe:
    """Reads whatever it is told to; counts how often it is asked."""

    def __init__(self) -> None:
        self.says, self.score, self.asked = "", 0.99, 0

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        self.asked += len(crops)
        ends = [
            6 + cv2.getTextSize(self.says[:i], cv2.FONT_HERSHEY_SIMPLEX, 0.9, 2)[0][0]
            for i in range(len(self.says) + 1)
        ]
        chars = [
            Char(c, self.score, a / WIDE, b / WIDE)
            for c, a, b in zip(self.says, ends[:-1], ends[1:], strict=True)
        ]
        return [Reading(self.says, self.score, tuple(chars)) for _ in crops]


def shown(text: str) -> Image:
    image = np.full((50, 300, 3), 40, np.uint8)
    cv2.putText(image, text, (14, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    return image


def seen(text: str) -> Track:
    figure = np.zeros((50, 75), np.float32)
    view = view_of(shown(text), BOX, 30.0)
    return Track(1, 0.0, 0.0, BOX, template_of(figure, BOX), figure, view, 30.0, 0.0, seen=9)


def told(reader: LineReader, scribe: Scribe, track: Track, text: str, time: float) -> list[str]:
    track.view, track.wanted, scribe.says = view_of(shown(text), BOX, 30.0), True, text
    return [line.best.text for line in reader.read([track], time)]


def test_what_shows_the_same_text_is_not_read_again() -> None:
    scribe, track = Scribe(), seen("rose x5")
    reader = LineReader(scribe, TRACKER, ReadingOptions())  # type: ignore[arg-type]
    assert told(reader, scribe, track, "rose x5", 0.2) == ["rose x5"]
    TRACKER.change(track, 0.5)
    assert told(reader, scribe, track, "rose x5", 0.8) == []
    assert scribe.asked == 1 and not track.wanted
    TRACKER.change(track, 1.0)
    assert told(reader, scribe, track, "rose x1", 1.3) == ["rose x1"]


def test_a_count_is_watched_though_nothing_else_changes() -> None:
    scribe, track = Scribe(), seen("rose x5")
    reader = LineReader(scribe, TRACKER, ReadingOptions())  # type: ignore[arg-type]
    told(reader, scribe, track, "rose x5", 0.2)
    reader.look_again([track], 1.0)
    assert not track.wanted
    track.view = view_of(shown("rose x1"), BOX, 30.0)
    reader.look_again([track], 1.5)
    assert track.wanted and track.version == 1


def test_what_is_not_sure_is_read_some_more_and_clutter_is_forgotten() -> None:
    scribe, track = Scribe(), seen("hello")
    reader = LineReader(scribe, TRACKER, ReadingOptions(readings=2))  # type: ignore[arg-type]
    scribe.score = 0.5
    assert told(reader, scribe, track, "hello", 0.2) == [] and track.refused
    scribe.score = 0.8
    assert told(reader, scribe, track, "hello", 0.4) == ["hello"]
    assert told(reader, scribe, track, "hello", 0.8) == ["hello"]
    assert told(reader, scribe, track, "hello", 1.2) == []
    reader.forget([track])
    assert not reader.lines


def test_what_rolls_is_read_once_unless_a_count_may_rise_or_it_grows() -> None:
    scribe, track = Scribe(), seen("hello")
    reader = LineReader(scribe, TRACKER, ReadingOptions())  # type: ignore[arg-type]
    track.moved = 99.0
    assert told(reader, scribe, track, "hello", 0.2) == ["hello"]
    TRACKER.change(track, 0.5)
    assert told(reader, scribe, track, "jelly", 0.8) == []  # something bright behind it
    reader.look_again([track], 1.2)
    assert track.final
    track.box = track.box + np.array([0, 0, 30, 0], np.float32)
    TRACKER.change(track, 1.5)
    assert not track.final
    assert told(reader, scribe, track, "hello you", 1.8) == ["hello you"]
    counts = seen("rose x5")
    counts.id, counts.moved = 2, 99.0
    told(reader, scribe, counts, "rose x5", 2.0)
    counts.view = view_of(shown("rose x1"), BOX, 30.0)
    reader.look_again([counts], 2.5)
    assert counts.wanted and not counts.final and counts.since == 0.0


def test_what_was_there_for_a_moment_only_is_not_read_when_it_is_gone() -> None:
    reader, track = LineReader(Scribe(), TRACKER, ReadingOptions()), seen("hello")  # type: ignore[arg-type]
    assert reader.unread(track)
    track.fleeting = True
    assert not reader.unread(track)


def test_the_digits_of_a_count_that_stands_alone_tell_how_sure_it_is() -> None:
    class Doubter(Scribe):
        def read(self, crops: Sequence[Image]) -> list[Reading]:
            chars = [
                replace(c, score=0.3) if c.text == "x" else c for c in super().read(crops)[0].chars
            ]
            return [Reading(self.says, 0.66, tuple(chars)) for _ in crops]

    scribe, track = Doubter(), seen("x25")
    reader = LineReader(scribe, TRACKER, ReadingOptions())  # type: ignore[arg-type]
    assert told(reader, scribe, track, "x25", 0.2) == ["x25"]


def test_a_line_that_ends_with_the_mark_of_a_count_is_read_once_more_and_wider() -> None:
    scribe = Scribe()
    reader = LineReader(scribe, TRACKER, ReadingOptions())  # type: ignore[arg-type]
    track = seen("Tom x")
    right = float(track.box[2])
    assert told(reader, scribe, track, "Tom x", 1.0) == []
    assert track.wanted and float(track.box[2]) > right + track.height
    assert told(reader, scribe, track, "Tom x6", 1.1) == ["Tom x6"]
    other = replace(seen("Tom x"), id=2)
    told(reader, scribe, other, "Tom x", 2.0)
    assert told(reader, scribe, other, "Tom x", 2.1) == ["Tom x"]  # there is none


def test_what_an_outline_encloses_is_read_by_itself() -> None:
    class Pair(Scribe):
        def read(self, crops: Sequence[Image]) -> list[Reading]:
            number, line = crops
            assert number.shape[1] < 50 and line.shape[1] < WIDE - 50
            return [
                Reading(t, 0.9, tuple(Char(c, 0.9, i / 5, (i + 1) / 5) for i, c in enumerate(t)))
                for t in ("*27", "rose")
            ]

    image = shown("")
    cv2.rectangle(image, (12, 13), (62, 37), (60, 150, 255), 2)
    cv2.putText(image, "rose", (76, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    track = seen("")
    track.view = view_of(image, BOX, 30.0)
    (line,) = LineReader(Pair(), TRACKER, ReadingOptions()).read([track], 0.2)  # type: ignore[arg-type]
    assert line.best.text == "rose" and [run.text for run in line.badge] == ["27"]


def test_a_reading_is_parted_where_the_badge_ends() -> None:
    chars = [Char(c, 0.5 + i / 10, i / 5, (i + 1) / 5) for i, c in enumerate("27 ab")]
    number, text = parted(Reading("27 ab", 0.7, tuple(chars)), 0.5)
    assert (number.text, text.text) == ("27", "ab")
    assert number.score == pytest.approx(0.55) and text.score == pytest.approx(0.85)
    assert [c.start for c in text.chars] == pytest.approx([0.2, 0.6])
    assert [c.end for c in text.chars] == pytest.approx([0.6, 1.0])
    assert parted(Reading("27", 1.0, tuple(chars[:2])), 0.0)[0].text == ""
