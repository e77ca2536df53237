"""Simulated rooms: the same by seed, every character drawn, events in order of time."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from shizi.live.event import Event
from shizi.live.options import SimulateOptions
from shizi.live.simulate import frames, make_room, simulate
from shizi.live.simulate.style import PICTOGRAMS, _pieces, _wrap, draw_row

SHORT = SimulateOptions(seed=2, seconds=2.0, shape="panel", fps=5)


def test_the_same_seed_makes_the_same_frames() -> None:
    one, two = ([*frames(make_room(SHORT), SHORT)] for _ in range(2))
    assert len(one) == 10
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_another_seed_makes_another_room() -> None:
    other = SimulateOptions(seed=3, seconds=2.0, shape="panel", fps=5)
    assert not np.array_equal(
        next(frames(make_room(SHORT), SHORT)), next(frames(make_room(other), other))
    )


@pytest.mark.parametrize("seed", range(4))
def test_every_character_has_a_glyph(seed: int, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("普通的一句话\n\U0001f600\ue000\n", encoding="utf-8")
    room = make_room(SimulateOptions(seed=seed, seconds=20, texts=(texts,)))
    style = room.stage.style
    for message in room.stage.script:
        for piece in _pieces(style, message, message.gift):
            text = "".join(c for c in piece.text if c not in "\n" + PICTOGRAMS)
            assert style.face.covers(text), piece.text


def test_pictures_in_nicknames_need_not_be_read() -> None:
    told, drawn = [], []
    for seed in range(6):
        room = make_room(SimulateOptions(seed=seed, seconds=20))
        drawn += [m.user for m in room.stage.script]
        room.stage.advance(30.0)
        told += [e.user for e in room.stage.truth()]
    assert any(set(user) & set(PICTOGRAMS) for user in drawn)
    assert not any(set(user) & set(PICTOGRAMS) for user in told)


def test_lines_that_wrap_may_begin_further_right() -> None:
    room = make_room(SimulateOptions(seed=1, seconds=60, level="hard", shape="panel"))
    message = max(room.stage.script, key=lambda m: len(m.text))

    def left(hang: int) -> int:
        sprite = draw_row(replace(room.stage.style, hang=hang), message)
        low = sprite.alpha[sprite.height * 2 // 3 :, :, 0]
        return int(np.flatnonzero(low.max(0) > 0.8)[0])

    assert left(60) - left(0) > 40


def test_no_line_begins_with_a_colon() -> None:
    room = make_room(SimulateOptions(seed=1, seconds=60, level="hard", shape="panel"))
    style = room.stage.style
    for message in room.stage.script:
        rows = _wrap(style, _pieces(style, message, message.gift))
        assert not any(row and row[0].text[:1] in ("：", "，", "。") for row in rows)


def test_clip_and_truth(tmp_path: Path) -> None:
    options = SimulateOptions(seed=4, seconds=5.0, level="hard", fps=10, shape="portrait")
    simulate(options, tmp_path / "room.mp4", tmp_path / "room.jsonl")

    rows = (tmp_path / "room.jsonl").read_text(encoding="utf-8").splitlines()
    events = [Event.from_dict(json.loads(row)) for row in rows]
    assert len(events) > 2
    assert all(a.time <= b.time for a, b in pairwise(events))
    assert len({e.id for e in events}) == len(events)
    with av.open(str(tmp_path / "room.mp4")) as clip:
        sizes = [(f.width, f.height) for f in clip.decode(video=0)]
    assert sizes == [(720, 1280)] * 50


def test_only_levels_that_are_shown_are_true() -> None:
    for seed in range(12):
        room = make_room(SimulateOptions(seed=seed, seconds=5))
        levels = {m.level for m in room.stage.script}
        assert (levels == {None}) == (room.stage.style.badge == "none")


def test_nicknames_on_lines_of_their_own_may_have_no_colon() -> None:
    room = make_room(replace(SHORT, seconds=20.0))
    style = replace(room.stage.style, stacked=True, colon="  ", badge="none")
    said = next(m for m in room.stage.script if m.kind == "comment")
    name, *_ = _wrap(style, _pieces(style, said, None))
    assert "".join(piece.text for piece in name) == said.user
