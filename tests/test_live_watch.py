"""From frames to events: a small room with known messages is found, read and told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from shizi.live.event import Event, Gift, Run
from shizi.live.frame import Frame
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.parse import Parser
from shizi.live.options import RegionOptions, SimulateOptions, parse_region
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import Sighting
from shizi.live.see.region import Alignment, Finder, _aligned, _around, _as_one, _united
from shizi.live.see.tracking.look import view_of
from shizi.live.see.tracking.panel import Panel
from shizi.live.see.tracking.scroll import template_of
from shizi.live.see.tracking.track import Track
from shizi.live.see.watch import Watch, live_reader
from shizi.live.simulate import frames, make_room
from shizi.live.simulate.script import Act
from shizi.reader import Reader

OPTIONS = SimulateOptions(seed=4, seconds=6.0, shape="panel", fps=10)
SCRIPT = [
    Act(0.2, "comment", "小鱼", "今天有什么活动", 7),
    Act(0.6, "join", "清晨的猫", level=3),
    Act(1.2, "comment", "老王", "链接在哪里", 21),
    Act(1.8, "comment", "老王", "链接在哪里", 21),
    Act(2.4, "gift", "团子", level=9, gift=Gift("玫瑰", 2)),
    Act(3.0, "follow", "木子", level=5),
    Act(3.6, "share", "星河", level=5),
]


@cache
def reader() -> Reader:
    return live_reader(1)


def room(shown: bool = True) -> Iterator[Frame]:
    """A room in a panel, in which SCRIPT happens, or nothing."""
    clip = make_room(OPTIONS)
    clip.stage.script = SCRIPT if shown else []
    clip.stage.notice = None
    style = replace(clip.stage.style, stacked=False, badge="pill", join=" 进入直播间")
    clip.stage.style = style
    clip.stage.place = replace(clip.stage.place, gift_slot=False, join_slot=False, ease=0.5)
    for i, image in enumerate(frames(clip, OPTIONS)):
        yield Frame(i / 10, i, image.shape[1], image.shape[0], image)


@cache
def told(region: str) -> list[Event]:
    parser, watch = (
        Parser(load_grammar("generic"), "room"),
        Watch(reader(), region=RegionOptions(region)),
    )
    events: dict[str, Event] = {}
    for rows in (*map(watch.look, room()), watch.close()):
        for event in filter(None, map(parser.parse, rows)):
            events[event.id] = event
    return sorted(events.values(), key=lambda e: e.time)


@pytest.mark.parametrize("region", ["right-panel", "auto"])
def test_the_events_of_a_room(region: str) -> None:
    events = told(region)
    assert [(e.kind, e.user, e.text) for e in events] == [(m.kind, m.user, m.text) for m in SCRIPT]
    assert [e.gift for e in events] == [m.gift for m in SCRIPT]
    # Those too that came before the area was found.
    assert [e.time for e in events] == pytest.approx([m.time for m in SCRIPT], abs=0.6)


def test_badges_are_levels_and_no_part_of_names() -> None:
    assert [e.level for e in told("right-panel")] == [m.level for m in SCRIPT]


def test_a_picture_without_text_tells_nothing() -> None:
    watch = Watch(reader(), region=RegionOptions("0.72,0.3,1,0.85"))
    assert [row for frame in room(shown=False) for row in watch.look(frame)] == []
    assert watch.close() == []


def test_the_area_found_holds_every_row() -> None:
    clip = make_room(OPTIONS)
    finder = Finder(RegionOptions(), lambda image: reader().detector(image)[0])
    area = None
    for frame in room():
        area = finder.area(frame) or area
    assert area is not None
    left = clip.region[0] * frame.width
    assert area[0] <= left + 20
    assert area[0] > 0.6 * frame.width
    assert area[3] >= 0.85 * frame.height


def test_lines_that_move_elsewhere_do_not_tell_where_rows_begin() -> None:
    """Two in the picture, two in the panel: nothing begins half-way between them."""
    lefts = (100, 110, 900, 902, 903)
    moved = np.array([[x, 40 * i, x + 90, 40 * i + 20] for i, x in enumerate(lefts)], np.float32)
    assert _aligned(moved[:4]).left in (105, 901) and _aligned(moved).left == 902


def test_two_rows_that_go_up_as_one_are_enough_to_tell_where_the_rows_are() -> None:
    a, b, c = (
        np.array([x, y, x + 90, y + 20], np.float32) for x, y in ((20, 0), (22, 40), (90, 40))
    )
    assert _as_one([(a, 54), (b, 53)])
    assert not _as_one([(a, 54), (c, 54)]) and not _as_one([(a, 54), (b, 30)])


def seen(number: int, left: float, top: float, moved: float = 0.0) -> Track:
    box = np.array([left, top, left + 100, top + 20], np.float32)
    strokes = np.zeros((600, 100), np.float32)
    view = view_of(np.zeros((600, 400, 3), np.uint8), box, 20.0)
    template = template_of(strokes, box)
    return Track(number, 1.0, 1.0, box, template, strokes, view, 30.0, 1.0, moved=moved)


def test_a_line_waits_for_the_one_above_that_it_may_go_on_with() -> None:
    watch = Watch(reader())
    name, said, other = seen(1, 20, 100), seen(2, 20, 126), seen(3, 20, 300)
    watch._tracker.tracks = [name, said, other]
    for track in (name, said, other, other):
        watch._tracker._note(track.box)
    assert watch._waits(said, [said, other], 1.0) and not watch._waits(other, [said, other], 1.0)
    assert not watch._waits(said, [name, said], 1.0)  # they are read together
    said.first = 0.0
    assert not watch._waits(said, [said], 1.0)  # not for ever


def test_goods_beside_the_rows_are_no_row() -> None:
    watch = Watch(reader())
    rows = [seen(i, 20, 100 + 40 * i, moved=100) for i in range(3)]
    watch._tracker.tracks = [*rows, goods := seen(4, 300, 150)]
    watch._tracker._note(goods.box)
    for left, text, aside in ((300, "T恤 ¥44", True), (300, "x3", False), (40, "小鱼", False)):
        line = SeenLine(seen(5, left, 150))
        line.add(Sighting((Run(text, (255, 255, 255)),), 0.98, 30.0), 1.0)
        assert watch._aside(line) is aside


def test_a_place_above_the_area_is_found_once_a_gift_takes_it() -> None:
    clip = make_room(OPTIONS)
    clip.stage.place = replace(clip.stage.place, gift_slot=True, join_slot=False, top=400)
    clip.stage.notice, comments = None, [m for m in SCRIPT if m.gift is None]
    clip.stage.script = [*comments, replace(SCRIPT[4], time=4.0)]
    finder = Finder(RegionOptions(), lambda image: reader().detector(image)[0])
    areas = {}
    for i, image in enumerate(frames(clip, OPTIONS)):
        area = finder.area(Frame(i / 10, i, image.shape[1], image.shape[0], image))
        areas[i / 10] = area or (0, 999, 0, 0)
    place = 400 - clip.stage.place.gap - 1.36 * clip.stage.style.size  # of the gift's middle
    assert 999 > areas[3.9][1] > place
    assert areas[5.5][1] < place - clip.stage.style.size
    assert areas[5.5][3] == areas[3.9][3]


@pytest.mark.parametrize(("size", "right"), [((720, 1280), 596), ((1280, 720), 420)])
def test_the_area_has_room_for_rows_longer_than_those_seen(
    size: tuple[int, int], right: int
) -> None:
    """On a phone they take most of the width, however short the first ones are."""
    moved = np.array([[20, 400 + 40 * i, 150, 420 + 40 * i] for i in range(4)], np.float32)
    area = _around(moved, [], Alignment(20.0, 20.0), size)
    assert right <= area[2] < right + 20


def test_an_upright_area_is_high_from_the_start_and_its_lower_edge_cuts_no_line() -> None:
    """The list of a phone fills from below; gifts stand above it, joins take turns below it."""
    moved = np.array([[20, 1000 + 40 * i, 150, 1020 + 40 * i] for i in range(4)], np.float32)
    turn, other = (np.array([x, 1175, 200, 1198], np.float32) for x in (20, 400))
    area = _around(moved, [turn], Alignment(20.0, 20.0), (720, 1280))
    assert area[1] < 0.55 * 1280 and area[3] > 1205
    assert _around(moved, [other], Alignment(20.0, 20.0), (720, 1280))[3] == 1170 + 20
    title, name, count = (
        np.array([x, y, x + 90, y + 20], np.float32) for x, y in ((300, 800), (50, 760), (190, 770))
    )
    assert _around(moved, [title], Alignment(20.0, 20.0), (720, 1280))[1] == 820
    assert _around(moved, [name, count], Alignment(20.0, 20.0), (720, 1280))[1] == area[1]
    assert _around(moved, [], Alignment(20.0, 20.0), (1280, 1280))[1] == 950


def test_an_area_grows_to_rows_that_end_further_right_and_never_shrinks() -> None:
    assert _united((700, 200, 1000, 600), (690, 300, 1100, 500)) == (700, 200, 1100, 600)
    assert _united((700, 200, 1000, 600), (700, 300, 900, 500)) == (700, 200, 1000, 600)


def test_an_area_that_becomes_wider_has_the_lines_that_it_had() -> None:
    watch = Watch(reader())
    image = np.zeros((300, 400, 3), np.uint8)
    watch._finder.size, watch._finder._found = (400, 300), (0, 0, 300, 300)
    watch._finder._searching, watch._finder._climbed = False, np.inf
    watch.look(Frame(0.0, 0, 400, 300, image))
    tracker = watch._tracker
    watch._finder._found = (0, 0, 400, 300)
    watch.look(Frame(0.1, 1, 400, 300, image))
    assert watch.area == (0, 0, 400, 300) and watch._tracker is tracker


def test_another_size_of_the_picture_is_another_area() -> None:
    finder = Finder(RegionOptions("0.5,0,1,1"), lambda image: np.zeros((0, 4, 2), np.float32))
    picture = np.zeros((100, 200, 3), np.uint8)
    assert finder.area(Frame(0.0, 0, 200, 100, picture)) == (100, 0, 200, 100)
    assert finder.area(Frame(0.1, 1, 100, 100, picture[:, :100])) == (50, 0, 100, 100)


def test_a_larger_picture_of_the_same_shape_has_its_area_where_it_was() -> None:
    finder = Finder(RegionOptions(), lambda image: np.zeros((0, 4, 2), np.float32))
    finder.area(Frame(0.0, 0, 200, 100, np.zeros((100, 200, 3), np.uint8)))
    finder._found, finder._rows = (20, 40, 120, 90), Alignment(20.0, 10.0)
    large = np.zeros((200, 400, 3), np.uint8)
    assert finder.area(Frame(0.1, 1, 400, 200, large)) == (40, 80, 240, 180)
    assert finder.area(Frame(0.2, 2, 100, 200, large[:, :100])) is None


def test_a_line_that_was_there_for_a_moment_only_is_not_read() -> None:
    frame = Frame(0.0, 0, 400, 300, np.zeros((300, 400, 3), np.uint8))
    watch = Watch(reader(), region=RegionOptions("whole"))
    watch.look(frame)
    track = watch._tracker._adopt(np.array((20, 60, 200, 90), np.float32), Panel(frame.image), 0.0)
    watch._tracker.tracks.append(track)
    asked: list[int] = []
    watch._lines.read = lambda tracks, time: asked.extend(t.id for t in tracks) or []  # type: ignore[method-assign,func-returns-value]
    track.template = track.template._replace(ink=np.ones_like(track.template.ink))
    watch._tracker._time = 0.0
    for step in range(1, 5):
        watch.look(replace(frame, time=step / 10))
    assert track.fleeting and asked == []


def test_regions_by_name_and_by_fractions() -> None:
    assert parse_region("auto") is None
    assert parse_region("0.1,0.2,0.3,0.4") == (0.1, 0.2, 0.3, 0.4)
    assert parse_region("whole") == (0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("top", "low", "due"), [(280, 300, False), (268, 299, True), (240, 260, True)]
)
def test_a_line_that_the_lower_edge_cuts_through_is_not_read_yet(
    top: int, low: int, due: bool
) -> None:
    watch = Watch(reader())
    watch.area = (0, 0, 400, 300)
    panel = Panel(np.zeros((300, 400, 3), np.uint8))
    tracker = watch._tracker
    for box in ((20, 10, 200, 40), (20, 60, 200, 90), (20, top, 200, low)):
        track = tracker._adopt(np.array(box, np.float32), panel, 1.0)
    assert watch._settled(track, 2.0) is due
