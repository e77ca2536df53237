"""Charset: ids, hash, and that the shipped one holds what it promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizi import weights
from shizi.charset import BLANK, Charset, normalise
from shizi.errors import WeightsError

SHIPPED = Charset.load(weights.FOLDER / "charset.txt")


@given(st.text(alphabet=SHIPPED.chars[:3000]))
def test_encode_and_decode_are_inverse(text: str) -> None:
    ids = SHIPPED.encode(text)
    assert BLANK not in ids
    assert SHIPPED.decode(ids) == text


def test_decode_skips_blanks() -> None:
    assert Charset("ab").decode([0, 1, 0, 2, 0]) == "ab"


def test_unknown_characters_are_named() -> None:
    charset = Charset("ab")
    assert charset.missing("axbyx") == "xy"
    with pytest.raises(KeyError):
        charset.encode("x")


def test_a_repeated_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        Charset("aba")
    file = tmp_path / "charset.txt"
    file.write_text("aba\n")
    with pytest.raises(WeightsError, match="twice"):
        Charset.load(file)


def test_the_shipped_charset_holds_gb2312_and_ascii() -> None:
    gb2312 = [
        bytes([high, low]).decode("gb2312")
        for high in range(0xB0, 0xF8)
        for low in range(0xA1, 0xFF)
        if not (high == 0xD7 and low > 0xF9)
    ]
    assert len(gb2312) == 6763
    assert SHIPPED.missing("".join(gb2312)) == ""
    assert SHIPPED.missing("".join(map(chr, range(32, 127)))) == ""
    assert SHIPPED.missing("，。、；：？！“”‘’（）《》〈〉【】「」『』…—·￥℃") == ""


def test_the_hash_follows_the_characters() -> None:
    assert Charset("ab").hash != Charset("ba").hash
    assert Charset("ab").hash == Charset("ab").hash


def test_normalise_is_explicit() -> None:
    assert normalise("Ａ：  b", "NFKC") == "A: b"
    assert normalise("Ａ：", "NFC") == "Ａ："
