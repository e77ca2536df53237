"""The reader around stages that know what stands on a picture: no network, no pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from shizi.certainty import Fit, certainty
from shizi.geometry import box_to_quad, map_back
from shizi.page import Char
from shizi.reader import Reader, ReaderOptions
from shizi.reader.upright import SAMPLE, SENSE, _legible, _lone, _sense
from shizi.recognition import Reading

HEIGHT, WIDTH = 60, 100
"""Of the picture as it stands upright."""


class World:
    """A picture with a mark in its top left corner, and stages that see by it how it stands.

    Args:
        lines: (x, y, width, height, text) on the upright picture.
        scores: of what is read, by the degrees clockwise by which the picture then stands.
        voted: the angle that the lines vote for.
        share: of the votes that it gets.
        columns: score of the lines when they are read as columns.
        sideways: at which angles the characters seem to lie on their side.
    """

    def __init__(
        self,
        lines: Sequence[tuple[float, float, float, float, str]],
        scores: dict[int, float],
        voted: int = 0,
        share: float = 0.5,
        columns: float = 0.1,
        sideways: tuple[int, ...] = (90, 270),
    ) -> None:
        self.lines, self.scores, self.voted, self.share = lines, scores, voted, share
        self.columns, self.sideways = columns, sideways
        self.upright = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self.upright[0, 0] = 255
        self.looks: list[int] = []
        self.votes = 0
        self.read: list[tuple[int, int]] = []

    def turned(self, angle: int) -> np.ndarray:
        """The picture, its content turned clockwise."""
        return np.ascontiguousarray(np.rot90(self.upright, -angle // 90))

    def angle(self, image: np.ndarray) -> int:
        corners = [image[0, 0], image[0, -1], image[-1, -1], image[-1, 0]]
        return 90 * [bool(c.max()) for c in corners].index(True)

    def quads(self, image: np.ndarray) -> np.ndarray:
        """Where the lines are on a picture as it stands."""
        boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in self.lines], np.float32)
        upright = box_to_quad(boxes.reshape(-1, 4))
        return map_back(upright, self.angle(image), *reversed(image.shape[:2]))

    def detector(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.looks.append(self.angle(image))
        return self.quads(image), np.ones(len(self.lines), np.float32)

    def orientation(self, image: np.ndarray, quads: np.ndarray) -> tuple[int, float]:
        self.votes += 1
        assert len(quads) == len(self.lines)
        return self.voted, self.share

    def __call__(self, image: np.ndarray, quads: np.ndarray) -> list[Reading]:
        angle = self.angle(image)
        if len(quads):
            self.read.append((angle, len(quads)))
        out = []
        for quad in quads:
            centre = self.quads(image).mean(1) - quad.mean(0)
            i = int(np.abs(centre).sum(1).argmin())
            turned = np.allclose(self.quads(image)[i], np.roll(quad, 2, 0))
            text = self.lines[i][4]
            score = self.scores.get((angle + 180) % 360 if turned else angle, 0.2)
            chars = tuple(Char(c, score, 0.0, 1.0) for c in text)
            out.append(Reading(text, score, chars, sideways=angle in self.sideways))
        return out

    def read_columns(
        self, image: np.ndarray, quads: np.ndarray, said: Sequence[str]
    ) -> list[Reading]:
        return [r._replace(score=self.columns, sideways=False) for r in self(image, quads)]

    def certainty(self, reading: Reading) -> float:
        return certainty((char.score for char in reading.chars), FIT)

    def reader(self, **options: object) -> Reader:
        return Reader(
            ReaderOptions(**options),  # type: ignore[arg-type]
            detector=self.detector,  # type: ignore[arg-type]
            recognizer=self,  # type: ignore[arg-type]
            orientation=self.orientation,
        )


FIT = Fit(0.83, 0.84)
ROWS = [(5.0, 5.0 + 6 * i, 60.0 + i, 5.0, f"line {i}") for i in range(SAMPLE + 2)]
TEXTS = [row[4] for row in ROWS]
VERSE = [(*row[:4], f"第{i}行的文字") for i, row in enumerate(ROWS)]


def test_an_upright_page_costs_one_look_and_each_line_is_read_once() -> None:
    world = World(ROWS, {0: 0.98})
    page = world.reader().read_image(world.upright, "a.png")
    assert (page.source, page.angle, world.looks, world.votes) == ("a.png", 0, [0], 1)
    assert [line.text for line in page.lines] == TEXTS
    assert world.read == [(0, SAMPLE), (0, 2)]


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_turned_page_is_set_upright_and_its_lines_stand_where_they_are(angle: int) -> None:
    world = World(ROWS, {0: 0.98}, voted=angle)
    picture = world.turned(angle)
    page = world.reader().read_image(picture)
    assert (page.angle, world.votes) == (angle, 1)
    assert world.looks == [angle, 0]  # as it stands, then as its lines vote
    assert [line.text for line in page.lines] == TEXTS
    found = np.array([line.quad.points for line in page.lines])
    assert np.allclose(found, world.quads(picture), atol=1e-3)


def test_a_wrong_vote_costs_looks_and_no_more() -> None:
    world = World(ROWS, {0: 0.98}, voted=90)
    page = world.reader().read_image(world.turned(270))
    assert page.angle == 270
    assert world.looks == [270, 180, 90, 0]


def test_where_nothing_makes_sense_the_most_legible_side_wins() -> None:
    world = World(ROWS, {0: 0.7, 180: 0.6})
    assert world.reader().read_image(world.turned(180)).angle == 180
    assert World(ROWS, {}).reader().read_image(world.turned(180)).angle == 0  # nothing legible


def test_text_on_its_side_makes_no_sense_however_legible() -> None:
    world = World(ROWS, {0: 0.98, 90: 0.99}, voted=90)
    assert world.reader().read_image(world.turned(90)).angle == 90
    assert world.looks == [90, 0]


def test_a_picture_without_text_stands_as_it_is() -> None:
    world = World([], {}, voted=180)
    page = world.reader().read_image(world.upright)
    assert (page.angle, page.angle_score, page.lines) == (0, 0.0, ())


def test_lines_that_make_sense_as_columns_are_vertical_text() -> None:
    """A column on its side reads as well as a line, and would pass for a turned page."""
    told = {"scores": {270: 0.98}, "voted": 90, "sideways": ()}
    for columns, angle in ((0.95, 0), (0.5, 90)):
        world = World(VERSE, columns=columns, **told)  # type: ignore[arg-type]
        assert world.reader().read_image(world.upright).angle == angle


def test_latin_letters_do_not_run_downwards() -> None:
    world = World(ROWS, {270: 0.98}, voted=90, columns=0.95, sideways=())
    assert world.reader().read_image(world.upright).angle == 90


def test_a_page_that_makes_more_sense_upside_down_is_not_believed() -> None:
    world = World(ROWS, {0: 0.98, 180: 0.9})
    assert world.reader().read_image(world.turned(180)).angle == 180
    assert world.looks == [180, 0]
    sure = World(ROWS, {0: 0.98})
    assert sure.reader().read_image(sure.upright).angle == 0
    assert sure.read == [(0, SAMPLE), (0, 2)]


def test_a_picture_is_turned_only_where_its_opposite_reads_worse() -> None:
    """SAMSUNG reads 9NNSWVS at 0.98."""
    sign = World(ROWS, {0: 0.997, 180: 0.98}, voted=180, share=0.49)
    assert sign.reader().read_image(sign.upright).angle == 0
    turned = World(ROWS, {0: 0.997, 180: 0.98}, voted=180, share=0.49)
    assert turned.reader().read_image(turned.turned(180)).angle == 180


def test_a_clear_vote_turns_no_picture_that_reads_better_as_it_stands() -> None:
    """SLOW DOWN reads NMOA MOTS at 0.89, and one line is the whole vote."""
    sign = World(ROWS[:1], {0: 1.0, 180: 0.89}, voted=180, share=0.82)
    assert sign.reader().read_image(sign.upright).angle == 0
    turned = World(ROWS[:1], {0: 1.0, 180: 0.89}, voted=180, share=0.82)
    assert turned.reader().read_image(turned.turned(180)).angle == 180


def test_characters_that_stand_alone_do_not_decide_at_once() -> None:
    """One that lies on its side, as in a column laid down, reads as well."""
    alone = [(5.0, 5.0 + 6 * i, 5.0, 5.0, c) for i, c in enumerate("人民医院")]
    world = World(alone, {0: 0.98, 90: 0.97}, sideways=())
    assert world.reader().read_image(world.upright).angle == 0
    assert world.looks == [0, 180, 270, 90]


def test_a_clear_vote_leaves_no_doubt() -> None:
    world = World(ROWS, {0: 0.9}, share=0.9)
    assert world.reader().read_image(world.upright).angle == 0
    assert world.read == [(0, SAMPLE), (0, 2)]  # not upside down too
    alone = World([(5.0, 5.0, 5.0, 5.0, "店")], {0: 0.98}, share=0.9)
    assert alone.reader().read_image(alone.upright).angle == 0
    assert alone.looks == [0]
    blurred = World(ROWS, {0: 0.98, 180: 0.6}, share=0.9)  # wrong, and it makes no sense
    assert blurred.reader().read_image(blurred.turned(180)).angle == 180


def test_whoever_knows_which_way_up_pays_for_no_search() -> None:
    world = World(ROWS, {180: 0.98})
    page = world.reader(orientation=False).read_image(world.turned(180))
    assert (page.angle, world.looks, world.votes) == (0, [180], 0)
    assert world.read == [(180, len(ROWS))]


def test_doubtful_lines_and_lone_characters_are_left_out() -> None:
    rows = [(5.0, 5.0, 60.0, 8.0, "a line"), (5.0, 20.0, 9.0, 8.0, "x")]
    for score, kept in ((0.4, []), (0.6, ["a line"]), (0.95, ["a line", "x"])):
        world = World(rows, {0: score})
        page = world.reader(orientation=False).read_image(world.upright)
        assert [line.text for line in page.lines] == kept


def test_a_line_is_as_certain_as_its_characters_are_together() -> None:
    rows = [(5.0, 5.0, 60.0, 8.0, "a line"), (5.0, 20.0, 9.0, 8.0, "x")]
    world = World(rows, {0: 0.95})
    page = world.reader(orientation=False).read_image(world.upright)
    assert [line.score for line in page.lines] == [
        certainty([0.95] * 6, FIT),
        certainty([0.95], FIT),
    ]
    reader = world.reader(orientation=False, least_score=0.8)
    assert [line.text for line in reader.read_image(world.upright).lines] == ["x"]


def test_short_latin_lines_lie_where_others_of_them_lie() -> None:
    def line(text: str, sideways: bool, vertical: bool = True) -> Reading:
        chars = tuple(Char(c, 0.98, i / len(text), (i + 1) / len(text)) for i, c in enumerate(text))
        return Reading(text, 0.98, chars, vertical, sideways)

    lengths = np.full(4, 100.0)
    lying = [line("0 3.30", False), line("2.50", False), line("X 3.30", True), line("Tax", True)]
    assert _sense(lying, lengths) == 0
    assert _legible(lying, lengths) == 0
    columns = [line(text, False) for text in ("ABCD", "BADC", "CABD", "DCBA")]
    assert _sense(columns, lengths) > SENSE


def test_a_chart_is_not_turned_by_the_long_labels_at_its_sides() -> None:
    def line(text: str, sideways: bool) -> Reading:
        return Reading(text, 0.99, (), vertical=sideways, sideways=sideways)

    labels = [line("Pressure (kPa)", True), line("Growth rate", True)]
    rest = [line(text, False) for text in ("测试结果", "Mon", "Wed", "500")]
    assert _sense([*labels, *rest], np.array([150.0, 118, 113, 46, 45, 44])) > SENSE
    assert _sense([*labels, *rest[:2]], np.array([150.0, 118, 113, 46])) == 0


def test_a_line_on_its_side_does_not_vouch_for_characters_that_stand_alone() -> None:
    lying = Reading("今天不行", 0.99, (), vertical=True, sideways=True)
    alone = [Reading(text, 0.99, ()) for text in "好嗯在"]
    assert _lone([lying, *alone])
    assert not _lone([lying._replace(vertical=False, sideways=False), *alone])


def test_a_single_character_turns_nothing_by_its_vote_alone() -> None:
    """国 on its side reads as 国."""
    alone = [(5.0, 5.0, 40.0, 40.0, "国")]
    world = World(alone, {0: 0.98, 270: 0.99}, voted=90, share=0.9, sideways=())
    assert world.reader().read_image(world.upright).angle == 0
    turned = World(alone, {0: 0.98}, voted=90, share=0.9, sideways=())
    assert turned.reader().read_image(turned.turned(90)).angle == 90
