"""One identity for a nickname however it was read, and two for two people."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizi.live.mean.viewers import Names, masked

NAMES = st.text(alphabet="甜跳燕琳雪沫小跟班随逸风雨人生abcOl01_", min_size=1, max_size=12)


def same(one: str, two: str, levels: tuple[int | None, int | None] = (None, None)) -> bool:
    names = Names()
    return names.resolve(one, levels[0]) == names.resolve(two, levels[1])


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Spektral0_0", "SpektralO_O"),
        ("lllI", "Il1l"),
        ("蘇小妹", "苏小妹"),
        ("已经自己", "己经白己"),
        ("风雨人生", "☺风雨人生☺"),
        ("甜甜跳跳跳", "甜甜眺跳跳"),
        ("想名字好煎熬", "想名宇好煎熬"),  # a shape that no table knows
        ("想名字好煎熬", "想名字好煎"),
        ("想名字好煎熬", "4想名字好煎熬"[1:] + "、"),
        ("ＡＢＣ小店", "abc小店"),
    ],
)
def test_misreadings_are_the_same_viewer(one: str, two: str) -> None:
    assert same(one, two) and same(two, one)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("小王", "小玉"),  # too short to tell an error from a name
        ("小明", "小红"),
        ("user1234567", "user1234568"),
        ("第12345号选手", "第1234号选手"),
        ("张***", "李***"),
        ("张**", "张***"),
        ("甜甜跳跳跳", "甜甜苦苦跳"),
    ],
)
def test_different_names_stay_apart(one: str, two: str) -> None:
    assert not same(one, two)


def test_level_is_evidence() -> None:
    one, two = "想名字好煎熬", "想名宇好煎熬"
    assert same(one, two, (12, 13))
    assert not same(one, two, (12, 40))
    assert same(one, one, (12, 40))  # the same name needs no other evidence


def test_masked_names_go_by_mask_and_level() -> None:
    assert masked("张***") and masked("小仙女…") and not masked("张三")
    assert same("张***", "张***")
    assert not same("张***", "张***", (3, 9))
    assert not same("小仙女真的好…", "小仙女真是好…")


def test_a_name_between_two_is_neither() -> None:
    names = Names()
    left, right = names.resolve("快乐小天使啊", None), names.resolve("快乐小天使吧", None)
    # Make the two stand apart first: as they are, the second is taken for the first.
    assert left == right
    names = Names()
    names.learn("left", "快乐小天使啊", None)
    names.learn("right", "快乐小天使吧", None)
    assert names.resolve("快乐小天使呢", None) not in ("left", "right")


def test_forgotten_viewers_leave_nothing() -> None:
    names = Names()
    viewer = names.resolve("想名字好煎熬", None)
    names.resolve("想名宇好煎熬", None)
    names.forget(viewer)
    assert len(names) == 0
    assert names.resolve("想名宇好煎熬", None) != viewer


def test_identities_are_stable_and_keyed() -> None:
    assert Names().resolve("小明", None) == Names().resolve("小明", 5)
    assert Names("salt").resolve("小明", None) != Names().resolve("小明", None)
    assert Names("salt").identity("小明") == Names("salt").resolve("小明", None)


@given(st.lists(st.tuples(NAMES, st.none() | st.integers(1, 60)), max_size=30))
def test_resolving_is_deterministic_and_learnt_decisions_hold(
    seen: list[tuple[str, int | None]],
) -> None:
    one, two, third = Names(), Names(), Names()
    decisions = [one.resolve(name, level) for name, level in seen]
    assert decisions == [two.resolve(name, level) for name, level in seen]
    for (name, level), viewer in zip(seen, decisions, strict=True):
        third.learn(viewer, name, level)
    assert decisions == [third.resolve(name, level) for name, level in seen]


def test_many_viewers_cost_little_each() -> None:
    rng = random.Random(7)
    letters = [chr(c) for c in range(0x4E00, 0x5E00)]
    crowd = ["".join(rng.choices(letters, k=6)) for _ in range(8_000)]
    names = Names()
    for name in crowd:
        names.resolve(name, None)
    assert len(names) > 7_950
    start = time.perf_counter()
    found = sum(
        names.resolve(name[:2] + "龥" + name[3:], None) == names.resolve(name, None)
        for name in crowd[:500]
    )
    # A look at all the others would take ten times as long.
    assert time.perf_counter() - start < 2.0
    assert found >= 490
