"""Text with the differences taken out that a reader of pictures cannot be sure of.

``fold`` keeps what stands apart on a screen and joins what does not: full and half width,
capitals, traditional and simplified forms, and shapes that are the same but for a pixel.
``blur`` goes one step further, to shapes that are taken for each other now and then.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from opencc import OpenCC

BARE = re.compile(r"\s*[x×X✕*]\s*\d{1,5}\s*个?\s*")
"""A count that stands alone, with its mark, in whatever shape that was read."""

# The first of each group stands for all of it.
_SAME = (
    "0oOоО〇○", "1lI|丨", "x×✕✖*乂χΧхХ", ":;∶︰", "己已巳", "日曰", "未末", "土士", "人入", "进迸",
    "-—–−_一", "~〜∼", ".。·・•", ",、", "'‘’`´", "\"“”〝〞", "[【〔", "]】〕", "口囗ロ",
    "卜ト", "力カ", "工エ", "夕タ", "二ニ", "八ハ",
)  # fmt: skip
_ALIKE = (
    "5s", "8b", "2z", "9gq", "uv", "ce", "王玉主壬", "大太犬", "田由甲申", "干千于", "天夭无",
    "刀刃力", "木本术", "晴睛", "青清", "侯候", "免兔", "拔拨", "戊戌戍", "治冶", "风凤", "鸟乌",
    "今令", "见贝", "午牛", "住佳往", "子孑", "目且", "白自", "右石", "名各", "间问闲", "没设",
    "处外", "小少", "儿几九", "又叉", "万方", "从丛", "四西", "而面", "史吏", "束柬", "折拆析",
    "雪雷", "情倩", "赢羸", "辛幸", "特持", "侍待", "请清", "喝渴", "跳眺", "梦楚", "爱受", "微徽",
)  # fmt: skip


def _table(groups: Iterable[str]) -> dict[int, str]:
    return {ord(char): group[0] for group in groups for char in group[1:]}


_SAME_TABLE = _table(_SAME)
_ALIKE_TABLE = _table(_ALIKE)


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text and where its characters came from.

    Attributes:
        text: the folded text; spaces and invisible characters are gone.
        index: for each of its characters, the position in the original text.
    """

    text: str
    index: tuple[int, ...]

    def cut(self, original: str, start: int, end: int) -> str:
        """Return the stretch of the original that became ``text[start:end]``."""
        if start >= end:
            return ""
        return original[self.index[start] : self.index[end - 1] + 1].strip()


def fold(text: str) -> str:
    """Return the text without the differences that a picture does not show."""
    return "".join(map(_fold_char, text))


def fold_indexed(text: str) -> Folded:
    """Return the same as :func:`fold`, with the way back to the original."""
    pairs = [(char, i) for i, raw in enumerate(text) for char in _fold_char(raw)]
    return Folded("".join(char for char, _ in pairs), tuple(i for _, i in pairs))


def blur(folded: str) -> str:
    """Return a folded text without signs, alike shapes joined; a text of signs stays."""
    letters = "".join(char for char in folded if char.isalnum())
    return (letters or folded).translate(_ALIKE_TABLE)


@cache
def _fold_char(char: str) -> str:
    """Fold one character, to none or several: '…' becomes three points."""
    # Before small letters: I looks like l, i does not.
    plain = unicodedata.normalize("NFKC", char).translate(_SAME_TABLE).lower()
    seen = "".join(c for c in plain if unicodedata.category(c)[0] not in "ZC")
    return _simplify(seen).translate(_SAME_TABLE)


@cache
def _simplify(text: str) -> str:
    return str(_converter().convert(text)) if text > "\u2e80" else text


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")
