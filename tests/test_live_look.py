"""What a line looks like: badges, and whether another picture shows the same text."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from shizi.live.see.reading.badge import Badge, badge_run, badges_of
from shizi.live.see.tracking.look import View, imprint_of, view_of
from shizi.page import Char, Image
from shizi.recognition import Reading

BLUE, WHITE = (60, 150, 255), (255, 255, 255)
H, W = 30, 240


def badge_of(view: View) -> Badge | None:
    return next(iter(badges_of(view)), None)


def paper(grey: int = 40) -> Image:
    return np.full((H, W, 3), grey, np.uint8)


def framed(line: Image, around: Image | None = None) -> View:
    """A line with 4 rows above and below it: paper, or what is given."""
    rows = paper()[:4] if around is None else around
    return View(np.concatenate([rows, line, rows]), 4, 4 + H)


def badged() -> Image:
    line = paper()
    cv2.rectangle(line, (2, 4), (48, 26), BLUE, -1)
    cv2.putText(line, "27", (12, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, WHITE, 2)
    return line


def written(text: str, grey: int = 40, at: int = 10) -> Image:
    line = paper(grey)
    cv2.putText(line, text, (at, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.7, WHITE, 2)
    return line


def chars(text: str) -> list[Char]:
    """Spans of the characters of :func:`written`, fractions of the line."""
    ends = [
        10 + cv2.getTextSize(text[:i], cv2.FONT_HERSHEY_SIMPLEX, 0.7, 2)[0][0]
        for i in range(len(text) + 1)
    ]
    return [Char(c, 1.0, a / W, b / W) for c, a, b in zip(text, ends[:-1], ends[1:], strict=True)]


def test_a_filled_badge_ends_where_its_colour_does() -> None:
    badge = badge_of(framed(badged()))
    assert badge and badge.inside is None and 46 < badge.end < 56 and badge.colour == BLUE


def test_a_level_and_a_fan_club_are_two_badges() -> None:
    line = badged()
    cv2.rectangle(line, (56, 4), (116, 26), (230, 60, 120), -1)
    cv2.putText(line, "fans", (66, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.5, WHITE, 1)
    cv2.putText(line, "rose", (130, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.7, WHITE, 2)
    level, club = badges_of(framed(line))
    assert 46 < level.end < 56 and 115 < club.end < 125
    assert level.inside is None and club.inside is None


@pytest.mark.parametrize("right", [60, 26])
def test_a_medal_and_an_icon_on_plain_paper_end_where_their_boxes_do(right: int) -> None:
    """A word on its colour, its number in a frame; or a sign on a square."""
    line, dull = paper(255), (93, 123, 158)
    cv2.rectangle(line, (2, 4), (min(38, right), 26), dull, -1)
    cv2.rectangle(line, (2, 4), (right, 26), dull, 1)
    cv2.putText(line, "x", (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, WHITE, 1)
    cv2.putText(line, "rose", (right + 8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20, 20, 20), 2)
    badge = badge_of(framed(line, paper(255)[:4]))
    assert badge and right < badge.end < right + 6


def test_what_a_banner_is_filled_with_is_no_badge() -> None:
    line = badged()
    around = np.concatenate([paper()[:1], np.full((5, W, 3), BLUE, np.uint8)])
    view = View(np.concatenate([around, line, around[::-1]]), 6, 6 + H)
    view.image[1:-1, 2:49] = np.where(view.image[1:-1, 2:49] == 40, BLUE, view.image[1:-1, 2:49])
    assert badge_of(view) is None


def test_a_colour_that_goes_on_above_and_below_is_no_badge() -> None:
    behind = paper()[:4]
    behind[:, 2:49] = BLUE
    assert badge_of(framed(badged(), behind)) is None


def test_bold_strokes_in_one_colour_are_no_badge() -> None:
    line = paper()
    for k in range(3):  # characters with thick horizontal strokes at heights of their own
        for y in (5 + k, 13 - k, 20 + k):
            cv2.rectangle(line, (3 + 28 * k, y), (26 + 28 * k, y + 3), BLUE, -1)
    assert badge_of(framed(line)) is None


def test_a_dull_surface_behind_the_text_is_no_badge() -> None:
    """What is beside it is as near in RGB as a codec moves a badge's colour, but nearly grey."""
    line = paper(90)
    line[:, :60] = (48, 62, 44)
    line[:, :20] = (30, 100, 30)
    cv2.putText(line, "27", (12, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, WHITE, 2)
    assert badge_of(framed(line)) is None


def test_an_outlined_badge_ends_where_its_frame_does() -> None:
    line = written("rose", at=60)
    cv2.rectangle(line, (2, 4), (48, 26), BLUE, 2)
    cv2.putText(line, "27", (12, 21), cv2.FONT_HERSHEY_SIMPLEX, 0.5, BLUE, 1)
    badge = badge_of(framed(line))
    assert badge and 46 < badge.end < 56 and badge.colour == BLUE
    assert badge.inside is not None and badge.inside.shape[0] < 24
    assert not (badge.inside[:, :4] == BLUE).all(2).any()


def test_an_outlined_badge_is_found_before_an_edge_and_its_star_is_left_out() -> None:
    line = written("rose", at=70)
    line[:, :66] = np.interp(np.arange(66), (24, 36), (40, 150))[:, None]
    around = line[:4].copy()
    cv2.rectangle(line, (2, 4), (52, 26), BLUE, 2)
    alone = badge_of(framed(line.copy(), around))
    cv2.circle(line, (13, 15), 6, BLUE, -1)
    badge = badge_of(framed(line, around))
    assert alone and badge and 50 < badge.end < 60
    assert alone.inside is not None and badge.inside is not None
    assert badge.inside.shape[1] < alone.inside.shape[1] - 10


def test_digits_as_bright_as_what_is_behind_them_are_made_clear() -> None:
    line = paper()
    line[:] = (110, 170, 60)
    ink = (186, 136, 24)  # of the same luma
    cv2.rectangle(line, (2, 4), (48, 26), ink, 2)
    cv2.line(line, (34, 11), (34, 19), ink, 2)
    badge = badge_of(framed(line))
    assert badge and badge.inside is not None
    assert np.ptp(badge.inside) > 200


def test_a_character_that_is_a_box_or_a_frame_without_colour_is_no_badge() -> None:
    box, white = paper(), paper()
    cv2.rectangle(box, (2, 3), (26, 27), BLUE, 2)
    cv2.rectangle(white, (2, 4), (48, 26), WHITE, 2)
    assert badge_of(framed(box)) is None and badge_of(framed(white)) is None


def test_a_frame_that_goes_on_above_is_no_badge() -> None:
    line, above = paper(), paper()[:4]
    cv2.rectangle(line, (2, 0), (48, 26), BLUE, 2)
    above[:, 2:49] = BLUE
    assert badge_of(framed(line, above)) is None


def test_a_badge_tells_a_level_where_its_digits_are_sure_and_it_is_no_medal() -> None:
    def told(text: str, score: float = 0.9) -> list[str]:
        read = Reading(text, score, tuple(Char(c, score, 0, 1) for c in text))
        return [run.text for run in badge_run(read, BLUE)]

    assert told("Lv.27") == told("★27") == told("27级") == ["27"]
    assert told("粉丝12") == told("★27", 0.4) == told("★") == []


@pytest.mark.parametrize("text", ["rose x1", "rose x7", "hello"])
def test_the_same_text_looks_the_same_wherever_it_stands(text: str) -> None:
    look = imprint_of(written(text), 0, chars(text))
    noise = np.random.default_rng(1).normal(0, 6, (H, W, 3))
    assert look.shows(np.clip(written(text) + noise, 0, 255).astype(np.uint8))
    assert look.shows(written(text, grey=90))  # something darker behind it
    assert look.shows(np.roll(written(text), (1, -2), (0, 1)))  # a codec, or the rounding of boxes


@pytest.mark.parametrize("other", ["rose x2", "rose x15", "rise x1", "rose x", "else y3"])
def test_another_text_does_not(other: str) -> None:
    look = imprint_of(written("rose x1"), 0, chars("rose x1"))
    assert not look.shows(written(other))


def test_a_line_of_another_size_has_to_be_read() -> None:
    look = imprint_of(written("rose"), 0, chars("rose"))
    assert not look.shows(written("rose")[:, :200])
    assert not look.shows(written("rose")[:20])
    assert not look.shows(written("rose")[:3, :3])


def test_what_may_be_cut_off_is_seen_with_more_around_it() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    whole = view_of(image, np.array([10, 40, 150, 70], np.float32), 30.0)
    low = view_of(image, np.array([10, 40, 150, 60], np.float32), 30.0)
    assert whole.line.shape[0] == 34 and low.line.shape[0] == 22
    assert low.top > whole.top == 4
    top = view_of(image, np.array([0, 0, 150, 30], np.float32), 30.0)
    assert top.top == 0 and top.line.shape[0] == 32
