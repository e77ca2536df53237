"""Latin lines and emoji: doubled narrow letters abound, and pictures say nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from shizi.synth import SynthLineOptions, World, render_line
from shizi.synth.paint import emoji as emoji_module
from shizi.synth.wording.latin import KINDS, WEIGHTS, Latin, is_latin
from shizi.synth.wording.text import load_texts

SOURCE = Latin(("all", "little", "tree"), (("It is still raining.", "A hill"), ("illness",)))
NARROW = set("lijtfrI1.,:;'!|/-()[]0")


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_says_something_else_each_time(kind: str) -> None:
    rng = np.random.default_rng(1)
    texts = [KINDS[kind](SOURCE, rng) for _ in range(60)]
    assert all(texts)
    assert len(set(texts)) > 5
    assert set(WEIGHTS) == set(KINDS)


def test_narrow_characters_often_follow_themselves() -> None:
    rng = np.random.default_rng(2)
    texts = [SOURCE.make(rng) for _ in range(400)]
    doubled = [any(a == b and a in NARROW for a, b in pairwise(t)) for t in texts]
    assert np.mean(doubled) > 0.35


def test_a_file_of_latin_text_is_kept_from_the_chinese_ones(tmp_path: Path) -> None:
    files = {"zh": "简体中文\n识字 OCR\n", "en": "It rains. “Still”\nilliterate\n"}
    for name, text in files.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    made = load_texts([tmp_path / "en.txt", tmp_path / "zh.txt"], "识字")
    assert made.strings == (("简体中文", "识字 OCR"),)
    assert made.latin.files == (("It rains. “Still”", "illiterate"),)
    assert is_latin(made.latin.files[0])


def test_lines_are_latin_as_often_as_asked(sources: dict[str, object], world: World) -> None:
    none, only = (SynthLineOptions(**sources, latin=share, emoji=0.0) for share in (0.0, 1.0))  # type: ignore[arg-type]
    texts = [[render_line(world, o, 3, i).text for i in range(40)] for o in (none, only)]
    shares = [np.mean([all(c < "⺀" or c in "￥元" for c in t) for t in some]) for some in texts]
    assert shares[0] < 0.5
    assert shares[1] == 1.0


def test_an_emoji_says_nothing_and_is_seen(sources: dict[str, object], world: World) -> None:
    picture = np.zeros((128, 136, 4), np.uint8)
    picture[20:100, 20:110] = (255, 0, 255, 255)
    shown = replace(world, emoji=(picture,))
    only = SynthLineOptions(**sources, emoji=1.0)  # type: ignore[arg-type]
    seen = 0
    for i in range(20):
        sample = render_line(shown, only, 4, i)
        assert emoji_module.ROOM not in sample.text
        assert sample.text
        red, green, blue = (sample.image[..., k].astype(int) for k in range(3))
        seen += bool(((red > green + 60) & (blue > green + 60)).any())
    assert seen > 12


def test_emoji_are_drawn_where_the_font_is_installed(world: World) -> None:
    paths = [Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")]
    if not paths[0].exists():
        assert emoji_module.load_emoji([]) == ()
        return
    pictures = emoji_module.load_emoji(paths)
    assert len(pictures) > 200
    assert all(p.shape == (128, 136, 4) for p in pictures)


def test_rooms_leave_no_trace_in_the_text() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        text = emoji_module.make_room(rng, "你好 world")
        assert emoji_module.ROOM in text
        assert emoji_module.without_rooms(text).replace(" ", "") == "你好world"
