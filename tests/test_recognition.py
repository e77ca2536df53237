"""The recogniser around a session that spells what it is shown."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from shizi.charset import Charset
from shizi.crop import HEIGHT
from shizi.engine import Session
from shizi.errors import ShiziError
from shizi.page import Char
from shizi.recognition import (
    EMPTY,
    STRETCH,
    Reading,
    RecognitionOptions,
    Recognizer,
    _which_way,
)
from shizi.recognition.signs import paired, with_ones, without_parts

CHARSET = Charset("abcdefghij ")
CELL = 32


class Painted:
    """A runtime that reads grey levels: level 20 i spells the i-th character."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.shapes.append(batch.shape)
        n, _, w, _ = batch.shape
        probs = np.full((n, w // 8, len(CHARSET)), 0.001, np.float32)
        window = batch[:, 24, : w // 8 * 8, 0].astype(int).reshape(n, -1, 8)[:, :, 1:7]
        middle = window[:, :, 3]  # (N, T)
        flat = window.max(2) - window.min(2) < 8  # not the blur between two levels
        near = np.abs(middle - np.round(middle / 20) * 20) < 6
        ids = np.where(flat & near, np.round(middle / 20), 0)
        for i in range(n):
            for t in range(w // 8):
                probs[i, t, int(ids[i, t]) if ids[i, t] < len(CHARSET) else 0] = 0.98
        return np.log(probs)


def paint(text: str) -> np.ndarray:
    """A crop whose columns carry characters, with a stroke of blank between them."""
    columns = []
    for c in text:
        level = 20 * (CHARSET.chars.index(c) + 1)
        columns += [np.full((48, CELL, 3), level), np.full((48, CELL // 2, 3), 250)]
    return np.concatenate(columns, 1).astype(np.uint8)


def recognizer(**options: object) -> tuple[Recognizer, Painted]:
    session = Painted()
    given = RecognitionOptions(**{"squeeze": 1.0, **options})  # type: ignore[arg-type]
    return Recognizer(Session(session), CHARSET, given), session


def test_lines_of_many_widths_come_back_in_order() -> None:
    texts = ["abc", "j", "hgfedcba", "ab", "abc", "cab"]
    reader, _ = recognizer()
    readings = reader.read([paint(t) for t in texts])
    assert [r.text for r in readings] == texts
    assert all(r.score > 0.9 for r in readings)


def test_lines_are_narrowed_as_the_card_says_unless_the_options_do() -> None:
    widths = []
    for told in (None, 1.0):
        session = Painted()
        options = RecognitionOptions(squeeze=told, reread=0)
        Recognizer(Session(session), CHARSET, options, squeeze=0.5).read([paint("abcdefgh")])
        widths += [shape[2] for shape in session.shapes]
    assert widths[0] == pytest.approx(widths[1] / 2, rel=0.15)


def test_short_words_keep_their_width_where_long_lines_lose_it() -> None:
    widths = []
    for text in ("a", "ab", "abcdefgh"):  # 1, 2 and 8 heights wide
        reader, session = recognizer(squeeze=0.5, reread=0)
        reader.read([paint(text)])
        widths.append(session.shapes[0][2] / HEIGHT)
    assert widths == pytest.approx([STRETCH, 2 * STRETCH, 4], rel=0.13)


def test_text_does_not_depend_on_neighbours() -> None:
    reader, _ = recognizer()
    alone = reader.read([paint("abcde")])[0]
    among = reader.read([paint("a" * n + "b") for n in range(1, 9)] + [paint("abcde")])[-1]
    assert alone == among


def test_a_very_long_line_is_cut_and_rejoined() -> None:
    text = "abcdefghij" * 12
    reader, session = recognizer()
    reading = reader.read([paint(text)])[0]
    assert len(session.shapes) > 1 or session.shapes[0][0] > 1
    assert reading.text == text
    starts = [c.start for c in reading.chars]
    assert starts == sorted(starts)
    step = 1 / len(text)
    for i, char in enumerate(reading.chars):
        assert abs((char.start + char.end) / 2 - (i + 0.33) * step) < step


def test_batches_have_few_shapes() -> None:
    reader, session = recognizer()
    reader.read([paint("abcd")] * 13)
    assert [s[0] for s in session.shapes] == [4, 4, 4, 1]


def test_no_logits_are_kept_beyond_their_batch() -> None:
    """A page of 400 lines would hold 1.7 GB of them."""
    made: list[weakref.ref[np.ndarray]] = []

    def runtime(batch: np.ndarray) -> np.ndarray:
        assert sum(array() is not None for array in made) <= 1
        logits = Painted()(batch)
        made.append(weakref.ref(logits))
        return logits

    reader = Recognizer(Session(runtime), CHARSET, RecognitionOptions(squeeze=1.0))
    assert len(reader.read([paint("abcd")] * 20)) == 20
    assert len(made) == 5


def test_a_vertical_line_is_laid_down() -> None:
    reader, _ = recognizer()
    standing = np.ascontiguousarray(np.rot90(paint("abc"), -1))
    reading = reader.read([standing])[0]
    assert reading.vertical
    assert reading.text == "abc"


def which(lying: str, sure: float, down: str, less: float) -> Reading:
    return _which_way(
        Reading(lying, sure, (), vertical=True, sideways=True),
        Reading(down, less, (), vertical=True),
    )


def test_a_column_that_reads_as_well_on_its_side_stands_upright() -> None:
    read = which("九州鸿运进福门", 1.0, "九州川鸿、运进运福门", 0.8)
    assert (read.text, read.sideways, read.vertical) == ("九州鸿运进福门", False, True)


def test_text_on_its_side_is_not_read_backwards() -> None:
    read = which("销售额", 0.98, "额售销", 0.99)
    assert (read.text, read.sideways) == ("销售额", True)
    read = which("产量", 1.0, "九雲", 0.1)
    assert (read.text, read.sideways) == ("产量", True)


def test_what_makes_sense_only_one_below_the_other_is_read_so() -> None:
    read = which("贝离", 0.28, "下笔如", 0.99)
    assert (read.text, read.sideways) == ("下笔如", False)


def test_the_allow_list_restricts() -> None:
    reader, _ = recognizer(allow="bcd")
    assert reader.read([paint("abcabc")])[0].text == "bcbc"  # left out, not replaced
    with pytest.raises(ShiziError, match="lacks 'X'"):
        recognizer(allow="aX")


def test_an_empty_crop_reads_as_nothing() -> None:
    reader, _ = recognizer()
    assert reader.read([np.full((48, 100, 3), 250, np.uint8)])[0] == EMPTY
    assert reader.read([]) == []
    assert reader(np.zeros((10, 10, 3), np.uint8), np.zeros((0, 4, 2), np.float32)) == []


def test_beam_search_reads_the_same_when_sure() -> None:
    greedy, _ = recognizer()
    beam, _ = recognizer(beam=4)
    assert greedy.read([paint("abcabc")])[0].text == beam.read([paint("abcabc")])[0].text


def test_brackets_of_a_pair_have_one_width_that_of_the_surer() -> None:
    def chars(text: str, doubtful: int) -> list[Char]:
        return [Char(c, 0.6 if i == doubtful else 0.9, 0.0, 0.0) for i, c in enumerate(text)]

    for text, doubtful, expected in (
        ("（一)", 2, "（一）"),
        ("（一)", 0, "(一)"),
        ("f(a（b)）", 3, "f(a(b))"),
        ("a)（b", 1, "a)（b"),
        ("（）()", 0, "（）()"),
    ):
        assert "".join(c.text for c in paired(chars(text, doubtful))) == expected


def test_a_part_of_a_sign_that_was_read_beside_it_is_left_out() -> None:
    def read(text: str) -> tuple[str, float, float]:
        chars = without_parts([Char(c, 0.9, i / 10, (i + 1) / 10) for i, c in enumerate(text)])
        return "".join(c.text for c in chars), chars[0].start, chars[-1].end

    for text, expected in (
        ("温度25°℃", "温度25℃"),
        ("98㎡²", "98㎡"),
        ("№º2045", "№2045"),
        ("10㏄㎝", "10㎝"),
        ("45°，5㎏", "45°，5㎏"),
        ("5kg、3㎞", "5kg、3㎞"),
        ("°℃", "℃"),
    ):
        assert read(text) == (expected, 0.0, pytest.approx(len(text) / 10))


def test_a_dash_at_the_end_of_a_line_is_the_numeral_that_its_neighbour_asks_for() -> None:
    for text, expected in (
        ("—季度", "一季度"),
        ("每周—", "每周一"),
        ("星期—", "星期一"),
        ("—作者", "—作者"),
        ("——年", "——年"),
        ("周一—周五", "周一—周五"),
        ("未完—", "未完—"),
        ("—", "—"),
    ):
        chars = with_ones([Char(c, 0.9, 0.0, 0.0) for c in text])
        assert "".join(c.text for c in chars) == expected


def test_doubtful_spaces_stand_beside_signs_and_not_between_chinese_characters() -> None:
    charset = Charset("a+识字 ")

    class Gaps:
        """Reads the first letter, or with a bright crop the first character, and the next one."""

        def __call__(self, batch: np.ndarray) -> np.ndarray:
            probs = np.zeros((len(batch), 5, len(charset)), np.float32)
            for row, picture in zip(probs, batch, strict=True):
                first = 3 if picture.mean() > 100 else 1
                row[0, first] = row[4, first + 1] = 1
                row[1:4] = 0.7 * np.eye(len(charset))[0] + 0.3 * np.eye(len(charset))[5]
            return np.log(np.maximum(probs, 1e-9))

    def read(**options: object) -> list[str]:
        made = RecognitionOptions(**options)  # type: ignore[arg-type]
        crops = [np.full((48, 64, 3), level, np.uint8) for level in (20, 200)]
        return [r.text for r in Recognizer(Session(Gaps()), charset, made).read(crops)]

    assert read() == ["a +", "识字"]
    assert read(allow="a+") == ["a+", ""]
