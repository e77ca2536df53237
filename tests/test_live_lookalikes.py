"""Folding: what looks the same is the same, and what was said can be found again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shizi.live.lookalikes import blur, fold, fold_indexed


@given(st.text(alphabet="小明来了送出x0123456789：: ，！abcXYZ…①", min_size=1, max_size=20))
def test_folding_keeps_the_way_back(text: str) -> None:
    folded = fold_indexed(text)
    assert folded.text == fold(text)
    assert list(folded.index) == sorted(folded.index)
    assert fold(fold(text)) == fold(text)
    assert fold(folded.cut(text, 0, len(folded.text))) == folded.text


def test_folding_joins_what_looks_the_same() -> None:
    assert fold("ＬＶ １０") == fold("Iv 1O") == fold("lvlo")
    assert fold("關注") == fold("关注")
    assert fold("大") != fold("太")
    assert blur(fold("大王☆")) == blur(fold("太玉"))
