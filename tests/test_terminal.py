"""What strangers write is shown, not obeyed."""

from __future__ import annotations

import pytest

from shizi.terminal import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("小鱼：多少钱 👨‍👩‍👧 [red]", "小鱼：多少钱 👨‍👩‍👧 [red]"),
        ("\x1b[2J\x1b]0;mine\x07", r"\x1b[2J\x1b]0;mine\x07"),
        ("a\nb\r\tc\x9b1m", r"a\nb\r\tc\x9b1m"),
        ("\u202egpj.exe\u2028", r"\u202egpj.exe\u2028"),
        ("\ud83d", r"\ud83d"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown
