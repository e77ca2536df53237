"""Rows keep their identity while they move, and nothing that stands still is looked at again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from stroke_rows import HEIGHT, PITCH, TALL, Drawn

import shizi
from shizi.live.see.tracking.boxes import lines_of, without_avatar
from shizi.live.see.tracking.panel import Panel
from shizi.live.see.tracking.track import Track
from shizi.live.see.tracking.tracker import Tracker


def ids(tracker: Tracker) -> list[int]:
    return [t.id for t in tracker.tracks]


def test_a_row_keeps_its_identity_over_a_scroll() -> None:
    panel = Drawn({i: 40 + PITCH * i for i in range(5)})
    tracker = Tracker(panel.detect)
    gone: list[Track] = []
    for step in range(20):  # 6 pixels up in each tenth of a second
        gone += tracker.step(Panel(panel.image(6 * step)), step / 10)
    assert tracker.scrolled == 6 * 19
    assert {t.id for t in gone} | set(ids(tracker)) == set(range(5))
    assert all(t.seen > 15 for t in tracker.tracks)


def test_an_avatar_is_no_part_of_the_line_beside_it() -> None:
    image = np.full((60, 200, 3), 250, np.uint8)
    cv2.putText(image, "hello", (60, 36), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1)
    box = np.array([10, 10, 120, 50], np.float32)
    assert (without_avatar(box, image) == box).all()
    cv2.circle(image, (30, 30), 18, (90, 40, 160), -1)
    x0, y0, x1, y1 = without_avatar(box, image)
    assert 54 < x0 < 62 and 20 < y0 < 28 and x1 == 120 and 36 < y1 < 42
    image[:, 12:50] = 250
    cv2.rectangle(image, (12, 22), (40, 38), (90, 40, 160), -1)  # a badge as high as the text
    assert (without_avatar(box, image) == box).all()


def test_an_icon_beside_a_line_takes_no_place_of_it() -> None:
    panel = Drawn({i: 40 + PITCH * i for i in range(3)})
    tracker = Tracker(panel.detect)
    for step in range(3):
        tracker.step(Panel(panel.image()), step / 10)
    before = [t.box.copy() for t in tracker.tracks]
    for track in tracker.tracks:
        track.whole = False
    x0, y0, _, y1 = before[1]
    icon = np.array([[[x0 - 20, y0 - 2], [x0 + 2, y0 - 2], [x0 + 2, y1 + 3], [x0 - 20, y1 + 3]]])
    tracker.detect = lambda _: icon.astype(np.float32) * (15 / max(15, tracker.usual))
    tracker._look(Panel(panel.image()), [(0, HEIGHT)], 0.2)
    assert all((t.box == box).all() for t, box in zip(tracker.tracks, before, strict=False))


def test_equal_rows_are_two_tracks() -> None:
    panel = Drawn({1: 100, 101: 100 + PITCH})  # the same strokes
    tracker = Tracker(panel.detect)
    for step in range(8):
        tracker.step(Panel(panel.image(5 * step)), step / 10)
    assert ids(tracker) == [0, 1]


def test_a_row_that_a_torn_picture_shows_twice_is_one() -> None:
    """Above, the picture that is coming; below, the one before, with the last row once more."""
    panel = Drawn({1: 100, 2: 100 + PITCH})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    before = panel.image()
    panel.rows = {1: 100 - PITCH, 2: 100, 3: 100 + PITCH}
    after, cut = panel.image(), 100 + TALL + 5
    tracker.step(Panel(np.concatenate([after[:cut], before[cut:]])), 0.4)
    for step in range(5, 12):
        tracker.step(Panel(after), step / 10)
    assert [t.seen for t in tracker.tracks if t.seen > 4] == [12, 12, 7]
    assert ids(tracker) == [0, 1, 2]


def test_equal_rows_that_jump_keep_their_order() -> None:
    """Two of three equal rows seem to stand where the ones above them went."""
    panel = Drawn({1: 100, 101: 100 + PITCH, 201: 100 + 2 * PITCH})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    panel.rows = {seed: top - PITCH for seed, top in panel.rows.items()}
    panel.rows[7] = 100 + 2 * PITCH
    for step in range(4, 10):
        tracker.step(Panel(panel.image()), step / 10)
    assert tracker.scrolled == PITCH
    assert ids(tracker) == [0, 1, 2, 3]
    assert [round(float(t.box[1]) / PITCH) for t in tracker.tracks] == [1, 2, 3, 4]


def test_a_row_that_goes_where_an_equal_one_stands_takes_none_along() -> None:
    panel = Drawn({1: 100, 101: 100 + PITCH, 2: 100 + 2 * PITCH, 3: 100 + 3 * PITCH})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    panel.rows = {101: 100 + PITCH, 2: 100 + 2 * PITCH, 3: 100 + 3 * PITCH}  # it faded away
    for step in range(4, 8):
        tracker.step(Panel(panel.image()), step / 10)
    assert tracker.scrolled == 0
    assert [t.id for t in tracker.tracks if t.last == 0.7] == [1, 2, 3]


def test_a_row_rolls_with_the_others_though_an_equal_one_comes_to_where_it_was() -> None:
    """A codec keeps what looks as before, and blurs what is new: it fits better where it was."""
    panel = Drawn({1: 100, 2: 100 + PITCH, 3: 100 + 2 * PITCH})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    panel.rows = {1: 12, 2: 12 + PITCH, 3: 12 + 2 * PITCH, 4: 12 + 3 * PITCH, 103: 12 + 4 * PITCH}
    image = panel.image()
    coded = cv2.GaussianBlur(image, (0, 0), 1.2)
    coded[100 + 2 * PITCH :] = image[100 + 2 * PITCH :]
    for step in range(4, 8):
        tracker.step(Panel(coded if step == 4 else image), step / 10)
    assert ids(tracker) == [0, 1, 2, 3, 4]


def test_one_row_that_scrolls_past_two_that_stand_is_followed() -> None:
    panel = Drawn({1: 20, 2: 160, 3: 240})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    for step in range(4, 10):
        panel.rows[2] = 160 - 10 * (step - 3)
        tracker.step(Panel(panel.image()), step / 10)
    assert ids(tracker) == [0, 1, 2]
    assert [t.moved for t in tracker.tracks] == [0, 60, 0]


def test_somebody_else_in_the_same_place_is_noticed() -> None:
    """The end, what they do, stays the same; the beginning, who does it, is another."""
    panel = Drawn({1: 60})
    tracker = Tracker(panel.detect)
    pictures = []
    for other in (False, True):
        image = panel.image()
        if other:
            image[60 : 60 + TALL, 8:98] = Drawn({5: 60}).image()[60 : 60 + TALL, 8:98]
        pictures.append(image)
    for step in range(10):
        tracker.step(Panel(pictures[step >= 4]), step / 10)
    assert ids(tracker) == [0]
    assert tracker.tracks[0].version == 1


def test_something_laid_over_half_of_a_line_does_not_change_it() -> None:
    panel = Drawn({1: 60, 2: 140})
    tracker = Tracker(panel.detect)
    for step in range(12):
        image = panel.image()
        if 4 <= step < 8:
            image[60 + TALL // 2 :] = 200
        tracker.step(Panel(image), step / 10)
    assert ids(tracker) == [0, 1]
    assert [t.version for t in tracker.tracks] == [0, 0]


def test_pictures_torn_in_the_middle_scroll_no_further() -> None:
    """Above the tear the rows have jumped, below it they follow in the next picture."""
    panel = Drawn({i: 18 + PITCH * i for i in range(5)})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    above, below = panel.image(PITCH), panel.image()
    tear = 18 + PITCH * 3 - 5
    tracker.step(Panel(np.concatenate([above[:tear], below[tear:]])), 0.4)
    for step in range(5, 8):
        tracker.step(Panel(above), step / 10)
    assert tracker.scrolled == PITCH
    assert [t.id for t in tracker.tracks if t.last == 0.7] == [1, 2, 3, 4]


def test_rows_below_a_tear_go_twice_as_far_if_the_next_picture_rolls_too() -> None:
    panel = Drawn({i: 18 + PITCH * i for i in range(5)})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    above, below = panel.image(PITCH), panel.image()
    tear = 18 + PITCH * 3 - 5
    tracker.step(Panel(np.concatenate([above[:tear], below[tear:]])), 0.4)
    for step in range(5, 8):
        tracker.step(Panel(panel.image(2 * PITCH)), step / 10)
    assert [t.id for t in tracker.tracks if t.last == 0.7] == [2, 3, 4]


def test_a_row_that_was_hidden_is_found_though_it_stands_elsewhere_than_it_should() -> None:
    panel = Drawn({i: 18 + PITCH * i for i in range(5)})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    hidden = panel.image()
    hidden[18 + 2 * PITCH :][:TALL] = 0
    tracker.step(Panel(hidden), 0.4)
    panel.rows[2] -= TALL // 2
    tracker.step(Panel(panel.image()), 0.5)
    assert ids(tracker) == [0, 1, 2, 3, 4]
    assert [t.last for t in tracker.tracks] == [0.5] * 5


@pytest.mark.parametrize(("then", "fleeting"), [(0.5, True), (0.8, False)])
def test_what_is_gone_in_the_next_picture_a_moment_later_was_no_line(
    then: float, fleeting: bool
) -> None:
    panel = Drawn({1: 60})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    panel.rows[2] = 150
    tracker.step(Panel(panel.image()), 0.4)
    assert ids(tracker) == [0, 1]
    del panel.rows[2]
    gone = tracker.step(Panel(panel.image()), then) + tracker.step(Panel(panel.image()), 1.5)
    assert [(t.id, t.fleeting) for t in gone] == [(1, fleeting)]


def test_comments_that_fly_across_the_picture_are_no_lines() -> None:
    tracker, pictures = Tracker(Drawn({}).detect), Drawn({1: 60, 2: 150})
    tracker.detect = pictures.detect
    gone: list[Track] = []
    for step in range(12):  # 12 pixels to the left in each tenth of a second
        image = np.roll(pictures.image(), 40 - 12 * step, axis=1)
        image[150 : 150 + TALL] = pictures.image()[150 : 150 + TALL]
        gone += tracker.step(Panel(image), step / 10)
    flew = [t for t in [*gone, *tracker.tracks] if t.box[1] < 140 and t.first < 1.1]
    assert flew and all(t.fleeting for t in flew)
    assert [t.seen for t in tracker.tracks if t.box[1] > 140] == [12]


def test_what_is_left_of_a_row_above_all_is_no_line_after_a_gap_either() -> None:
    panel = Drawn({i: 40 + PITCH * i for i in range(5)})
    tracker = Tracker(panel.detect)
    for step in range(6):
        image = panel.image(11 * step)
        image[:40] = 0  # above, rows are cut off
        tracker.step(Panel(image), step / 10)
    for step in range(6, 16):
        tracker.step(Panel(panel.image(1000)), step / 10)
    assert ids(tracker) == []
    panel.rows = {10: 200, 11: 244}
    image = panel.image()
    image[40:50] = Drawn({9: 26}).image()[40:50]  # the lower part of one that has left
    tracker.step(Panel(image), 2.0)
    assert [float(t.box[1]) > 190 for t in tracker.tracks] == [True, True]


def test_a_row_that_fades_above_where_any_was_seen_is_no_new_line() -> None:
    """Where it would stand, and as long; what shines through it makes it look like another one."""
    panel = Drawn({1: 180, 2: 180 + PITCH})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    for step in range(4, 6):
        panel.rows = {1: 180 - PITCH // 2, 2: 180 + PITCH // 2}
        tracker.step(Panel(panel.image()), step / 10)
    panel.rows = {50: 180 - 2 * PITCH, 2: 180 - PITCH, 3: 180}
    for step in range(6, 11):
        tracker.step(Panel(panel.image()), step / 10)
    assert [int(t.box[1]) for t in tracker.tracks if t.last == 1.0] == [180 - PITCH, 180]


def test_a_line_does_not_grow_by_what_moves_behind_it() -> None:
    panel = Drawn({1: 60, 2: 104, 3: 148})
    tracker = Tracker(panel.detect)
    for step in range(4):
        tracker.step(Panel(panel.image()), step / 10)
    tall = np.array([[(25, 25), (100, 25), (100, 61), (25, 61)]], np.float32)  # of 15 for 24 px
    tracker.detect = lambda _: tall
    tracker._look(Panel(panel.image()), [(0, HEIGHT)], 0.3)
    assert [round(t.height / TALL) for t in tracker.tracks] == [1, 1, 1]
    face = np.array([[(2, 25), (118, 25), (118, 100), (2, 100)]], np.float32)  # behind all three
    tracker.detect = lambda _: face
    tracker._look(Panel(panel.image()), [(0, HEIGHT)], 0.3)
    assert [round(t.height / TALL) for t in tracker.tracks] == [1, 1, 1]
    assert [t.version for t in tracker.tracks] == [0, 0, 0]


def test_a_line_that_was_cut_when_it_came_is_whole_after_a_jump() -> None:
    """A panel's rows may end above its lower edge, and jump."""
    panel = Drawn({i: 18 + PITCH * i for i in range(5)})
    tracker = Tracker(panel.detect)
    for step in range(4):
        cut = panel.image()
        cut[18 + 4 * PITCH + 2 * TALL // 3 :] = 0
        tracker.step(Panel(cut), step / 10)
    assert round(tracker.tracks[-1].height) == 2 * TALL // 3
    for step in range(4, 10):
        tracker.step(Panel(panel.image(PITCH)), step / 10)
    assert min(t.height for t in tracker.tracks) > 0.9 * TALL


def test_heights_are_not_learned_from_a_line_that_is_coming_in() -> None:
    panel = Drawn({1: HEIGHT - TALL // 2})
    tracker = Tracker(panel.detect)
    tracker.step(Panel(panel.image()), 0.0)
    assert len(tracker.tracks) == 1 and tracker.usual == 0
    for step in range(1, 12):
        tracker.step(Panel(panel.image(2 * step)), step / 10)
    assert round(tracker.usual) == round(tracker.tracks[0].height) == TALL


def test_a_count_beside_two_lines_of_a_banner_is_joined_to_neither() -> None:
    boxes = np.array([(40, 5, 120, 25), (40, 31, 130, 51), (140, 11, 180, 44)], np.float32)
    quads = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    assert len(lines_of(quads)) == 3
    assert len(lines_of(quads[1:])) == 2  # nor beside one alone, whose middle is lower than its own


def test_what_stands_still_is_found_once() -> None:
    panel = Drawn({1: 60, 2: 140})
    tracker = Tracker(panel.detect)
    for step in range(40):
        tracker.step(Panel(panel.image()), step / 10)
    assert ids(tracker) == [0, 1]
    assert [t.seen for t in tracker.tracks] == [40, 40]
    assert panel.looks == 1


def test_a_character_alone_is_a_line_though_no_net_sees_it() -> None:
    panel = Drawn({1: 40, 2: 40 + 2 * PITCH})
    tracker = Tracker(panel.detect)
    image = panel.image()
    image[40 + PITCH : 40 + PITCH + 16, 10:13] = 230
    for step in range(6):
        tracker.step(Panel(image), step / 10)
    assert [round(float(t.box[1]) / PITCH) for t in tracker.tracks] == [1, 2, 3]


def test_nothing_there_nothing_looked_for() -> None:
    panel = Drawn({})
    tracker = Tracker(panel.detect)
    for step in range(10):
        assert tracker.step(Panel(panel.image()), step / 10) == []
    assert (tracker.tracks, panel.looks) == ([], 0)


def test_a_new_row_is_a_new_track() -> None:
    panel = Drawn({1: 60})
    tracker = Tracker(panel.detect)
    for step in range(5):
        tracker.step(Panel(panel.image()), step / 10)
    panel.rows[2] = 150
    for step in range(5, 12):
        tracker.step(Panel(panel.image()), step / 10)
    assert ids(tracker) == [0, 1]
    assert 0.4 <= tracker.tracks[1].first <= 1.0


def test_a_panel_that_begins_higher_changes_no_identity_and_no_place() -> None:
    panel = Drawn({1: 160, 2: 220})
    tracker = Tracker(panel.detect)
    tracker.step(Panel(panel.image()[40:], top=40), 0.0)
    places = [t.box.tolist() for t in tracker.tracks]
    tracker.step(Panel(panel.image()), 0.1)
    assert ids(tracker) == [0, 1]
    assert [t.box.tolist() for t in tracker.tracks] == places  # of the frame
    assert [t.seen for t in tracker.tracks] == [2, 2]


def stores(tree: ast.Module) -> Iterator[ast.Attribute]:
    """Attributes of tracks that a module writes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if name in ("track", "t") and node.attr in {f.name for f in fields(Track)}:
                yield node


def test_only_the_tracker_writes_tracks() -> None:
    live = Path(shizi.__file__).parent / "live"
    wrong = {path.name for path in live.rglob("*.py") if [*stores(ast.parse(path.read_text()))]}
    assert wrong == {"tracker.py"}
