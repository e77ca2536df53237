"""Meters that are drawn: they say what their labels say."""

from __future__ import annotations

from pathlib import Path

from shizi import weights
from shizi.data import read_lines
from shizi.synth.meters import BARS, draw_meter, reading, write_meters
from shizi.synth.world import rng_for


def test_meters_say_what_their_labels_say(tmp_path: Path) -> None:
    write_meters(tmp_path / "a", 30, 1, workers=1)
    write_meters(tmp_path / "b", 30, 1, workers=1)
    first, second = read_lines(tmp_path / "a"), read_lines(tmp_path / "b")
    assert [i.encoded() for i in first] == [i.encoded() for i in second]
    assert set(weights.charset().missing("".join(first.texts()))) <= set("∿⚡")
    for item in first:
        assert 18 <= item.load().shape[0] <= 60


def test_every_digit_has_bars_of_its_own() -> None:
    assert len({frozenset(bars) for bars in BARS.values()}) == len(BARS) == 11
    shown = {d: draw_meter(d, "", rng_for(1, 1)).tobytes() for d in "0123456789"}
    assert len(set(shown.values())) == 10


def test_readings_have_the_forms_of_meters() -> None:
    made = [reading(rng_for(3, i)) for i in range(300)]
    assert all(set(digits) <= {*BARS, ".", ":"} for digits, _ in made)
    assert {unit for _, unit in made} >= {"", "kWh", "V∿", "⚡"}
