"""Counts of gifts rise, and only by digits that stand."""

from __future__ import annotations

from stroke_rows import Drawn

from shizi.live.event import Run
from shizi.live.see.reading.counting import counted_up
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import Sighting
from shizi.live.see.tracking.panel import Panel
from shizi.live.see.tracking.tracker import Tracker


def test_a_count_that_rises_replaces_what_was_read_before() -> None:
    panel = Drawn({1: 60})
    tracker = Tracker(panel.detect)
    tracker.step(Panel(panel.image()), 0.0)
    line = SeenLine(tracker.tracks[0])
    for time, text in (
        (0.1, "小鱼 送出 玫瑰 ×7"),
        (0.5, "小鱼 送出 玫瑰 ×7"),
        (0.9, "小鱼 送出 玫瑰 ×9"),
    ):
        line.add(Sighting((Run(text, (255, 255, 255)),), 0.99, 30.0), time)
    assert line.best.text.endswith("×9")
    assert line.counting


def test_a_count_with_a_digit_more_is_believed_when_it_is_read_twice() -> None:
    """A stroke that passes beside ×2 makes ×27; from ×1 to ×12 a count may jump all the same."""
    panel = Drawn({1: 60})
    tracker = Tracker(panel.detect)
    tracker.step(Panel(panel.image()), 0.0)
    line = SeenLine(tracker.tracks[0])

    def read(count: int, time: float) -> bool:
        text = f"小鱼 送出 玫瑰 ×{count}"
        return line.add(Sighting((Run(text, (255, 255, 255)),), 0.99, 30.0), time)

    assert read(2, 0.1) and not read(27, 0.5) and read(2, 0.9)
    assert line.best.text.endswith("×2") and line.looked == 0.9
    assert read(9, 1.0) and read(10, 1.4)
    assert not read(101, 1.8) and read(102, 2.2)
    assert line.best.text.endswith("×102")


def test_only_a_larger_count_of_the_same_gift_counts_up() -> None:
    assert counted_up("小鱼 送出 玫瑰 x9", "小鱼 送出 玫瑰 ×10")
    assert not counted_up("小鱼 送出 玫瑰 x9", "小鱼 送出 玫瑰 ×1")
    assert not counted_up("小鱼 送出 玫瑰 x9", "老王石头 送出 跑车 ×10")
    assert not counted_up("小鱼：第9次", "小鱼：第10次")
