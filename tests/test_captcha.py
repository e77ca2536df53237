"""Captchas: the same by seed, legible, of many widths."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shizi.data import read_lines
from shizi.synth.captcha import (
    ALPHABET,
    FEWEST,
    HEIGHT,
    MOST,
    Captcha,
    Captchas,
    write_captchas,
)


def test_a_captcha_is_the_same_by_seed_and_index() -> None:
    first, again, other = Captcha(1, 5), Captcha(1, 5), Captcha(2, 5)
    assert first.text == again.text
    assert (first.load() == again.load()).all()
    assert first.text != other.text


def test_captchas_differ_in_length_and_width() -> None:
    made = [Captcha(3, i) for i in range(200)]
    assert {len(c.text) for c in made} == set(range(FEWEST, MOST + 1))
    assert set("".join(c.text for c in made)) == set(ALPHABET)
    widths = {c.load().shape[1] for c in made[:40]}
    assert len(widths) > 20
    assert all(c.load().std() > 10 for c in made[:20])


def test_short_ones_are_learnt_from_too() -> None:
    assert {len(Captchas(3)[i].text) for i in range(200)} == set(range(1, MOST + 1))
    assert Captchas(3)[0].load().shape[0] == HEIGHT


def test_a_set_of_captchas(tmp_path: Path) -> None:
    write_captchas(tmp_path, 12, 7, 1)
    items = read_lines(tmp_path)
    assert [i.text for i in items] == [Captcha(7, i).text for i in range(12)]
    assert np.abs(items[3].load().astype(int) - Captcha(7, 3).load()).max() == 0
