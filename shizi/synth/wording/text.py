"""What synthetic lines say: strings of text files, and generators of what files lack."""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import numpy as np
from numpy.typing import NDArray

from shizi.errors import DataError
from shizi.synth.chance import Rng, digits, letters, pick
from shizi.synth.wording.latin import Latin, is_latin

PUNCTUATION = "「」『』《》〈〉【】（），。！？、；：“”‘’…—·～,.!?;:'\"()[]{}<>+-*/=%&@#_|~$￥"


def _table(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_PAIRS = _table("「」 『』 《》 【】 （） “” ‘’ () [] 〈〉")
_STOPS = (*_table("， ， 。 。 、 ！ ？ ： ； …… —— , · ～"), " ", " ")
_UNITS = _table(
    "元 件 个 万 岁 kg g ml mL L cm mm km m² ℃ % ‰ GB MHz W V mAh 人 次 天 折 号 路 楼 层"
)
_SYLLABLES = _table(
    "nǐ hǎo zhōng guó rén mín dà xué shēng huó lǜ sè qīng chūn běi jīng wǒ ài "
    "tâi-oân lâng ê gín-á bô ū kóng ōe chia̍h-pn̄g sî-chūn chhōe goán lí-hó hō͘ to̍h "
    "siáⁿ góa kap tiàm lán hiān-tāi lōng nā ka-tī tiong-kok piáu-hiān bêng-gī "
    "Việt Nam đường phố Hà Nội tiếng người nước quốc học viện thành "
    "café naïve façade garçon über straße schön Müller français été déjà "
    "señor mañana português não você"
)
_PLATES = _table("粤 京 沪 苏 川 浙 鲁 豫 鄂 湘 闽 陕")
_TAILS = _table("~ _ 丶 丶 灬 ❄ ☆ ★ ✿ ❀ ♡ ღ ゞ ゜ · ・ *** 呀 哥 姐 乄 丨 彡 ツ")
_LONG_UNITS = _table("㎡ ㎡ ㎥ ㎏ ㎎ ㎝ ㎜ ㎞ ‰ ‰ ℃ ° ′ ″ Ω μm kW·h m² m³ km/h")
_FORMULAS = _table(
    "CO₂ H₂O H₂SO₄ CaCO₃ Na⁺ Ca²⁺ Cl⁻ OH⁻ SO₄²⁻ NH₄⁺ O₂ PM₂.₅ x² y³ 10⁻³ 10⁶ 2ⁿ Fe³⁺ C₆H₁₂O₆ Al₂O₃"
)
_TAIWANESE = _table(
    "佮 攑 𠊎 趖 刣 咁 𪜶 𣍐 毋 咧 囡仔 啥物 佗位 袂 尪 伊 阮 恁 遐 遮 敢 捌 媠 厝 歕 褪 矺 挲 囥 "
    "徛 𨑨迌 𤆬 揣 掠 摃 擲 覕 跤 喙 㑑 㧎 唔 佢 嘅 哋 冇 喺 嚟 嗰 啲 咗 嘢 睇 諗 攞 畀"
)
_OLDER = str.maketrans(
    "為真說衛強教清黃戶峰群裡線床眾著間吳內溫值錄絕銳閱稅脫悅鄉即既產彥顏",
    "爲眞説衞强敎淸黄户峯羣裏綫牀衆着閒吴内温値録絶鋭閲税脱悦鄕卽既産彦顔",
)
"""Forms of characters in older and in other prints."""
_GIFTS = _table("小心心 玫瑰 啤酒 棒棒糖 人气票 跑车 墨镜 热气球 大啤酒 嘉年华 为你点亮")
_JOINS = _table(
    "来了 来啦 进入直播间 加入了直播间 关注了主播 分享了直播 点赞了 为主播点赞了 加入了粉丝团"
)
_SENT = (" 送出 ", "送出", "：送出了", " 送出了 ")
_TIMES = ("x", "×", "X", " x", " ×", " x ")
_CALLS = ("电话：", "TEL:", "客服热线:", "订座电话 ", "Tel: ", "热线 ")
_DOC_MODULES = _table(
    "argparse asyncio calendar collections csv datetime decimal difflib email functools heapq "
    "http.client inspect json logging pathlib pickle random re shutil sqlite3 ssl statistics "
    "string subprocess tarfile textwrap threading typing unittest urllib.request "
    "xml.dom.minidom zipfile"
)


def clean(text: str) -> str:
    """NFC, single spaces, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@dataclass(frozen=True)
class TextSource:
    """Strings to render and how often each character occurs.

    Attributes:
        strings: one tuple a file, but for the Latin ones.
        latin: words in lower case, and the Latin files.
        chars: the charset.
        common: cumulative frequency of ``chars``, shape (len(chars),), ending at 1.
        traditional: turns simplified text into traditional (the identity without OpenCC).
        allowed: the characters of ``chars``.
    """

    strings: tuple[tuple[str, ...], ...]
    latin: Latin
    chars: str
    common: NDArray[np.float64]
    traditional: Callable[[str], str]
    allowed: frozenset[str]

    def make(self, rng: Rng, kind: str, rare: str) -> str:
        """Make a text of one of :data:`KINDS`; characters outside the charset are dropped.

        Args:
            rng: source of chance.
            kind: a key of :data:`KINDS`, ``uniform``, or ``whole``: a string as it stands.
            rare: the characters that ``kind="uniform"`` may use.
        """
        if kind == "whole":
            return clean("".join(c for c in self._whole(rng) if c == " " or c in self.allowed))
        for _ in range(4):
            text = _uniform(self, rng, rare) if kind == "uniform" else KINDS[kind](self, rng)
            if rng.random() < 0.25:
                text = self.traditional(text)
                if rng.random() < 0.25:
                    text = text.translate(_OLDER)
            text = clean("".join(c for c in unicodedata.normalize("NFC", text)
                                 if c == " " or c in self.allowed))  # fmt: skip
            if text:
                return text
        return "识字"

    def _whole(self, rng: Rng) -> str:
        """A string of a file, Latin or not, a long file's as often as a short one's."""
        return pick(rng, pick(rng, (*self.strings, *self.latin.files)))


def load_texts(paths: Iterable[Path], chars: str) -> TextSource:
    """Read text files, one string a line.

    Raises:
        DataError: a file cannot be read.
    """
    files = []
    for path in paths:
        try:
            rows = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read the text file {path}: {error}") from error
        files.append(tuple(t for row in rows if (t := row.strip())))
    latin = tuple(f for f in files if f and is_latin(f))
    strings = tuple(f for f in files if f and not is_latin(f))
    strings = strings or (("识字", "简体中文", "繁體中文"),)
    counts = Counter("".join(s for f in strings for s in f[:: max(1, len(f) // 30000)]))
    weights = np.array([counts[c] + 0.2 for c in chars])
    weights[[c.isspace() for c in chars]] = 0
    common = np.cumsum(weights / weights.sum())
    return TextSource(
        strings, Latin(english_words(), latin), chars, common, _converter(), frozenset(chars)
    )


def _converter() -> Callable[[str], str]:
    try:
        from opencc import OpenCC
    except ImportError:
        return str
    convert: Callable[[str], str] = OpenCC("s2t").convert
    return convert


def stackable(text: str) -> str:
    """What of a text can stand one character under the other: Han, and marks that fill a cell."""
    return "".join(c for c in text if "一" <= c <= "鿿" or c in "，。、")


def english_words() -> tuple[str, ...]:
    """English words from the documentation strings of the standard library."""
    words: set[str] = set()
    for name in _DOC_MODULES:
        module = importlib.import_module(name)
        plain = (v for v in vars(module).values() if type(v) in (type, FunctionType))
        docs = [module.__doc__, *(v.__doc__ for v in plain)]
        words.update(
            re.findall(
                r"(?<![A-Za-z_])[a-z]{2,14}(?![A-Za-z_])",
                " ".join(d for d in docs if isinstance(d, str)),
            )
        )
    return tuple(sorted(words))


def _string(src: TextSource, rng: Rng) -> str:
    return pick(rng, pick(rng, src.strings))


def _sentence(src: TextSource, rng: Rng) -> str:
    """A string of a file; often several joined by punctuation; long ones are cut."""
    goal = int(rng.choice((4, 8, 14, 22, 36), p=(0.2, 0.3, 0.25, 0.15, 0.1)))
    text = _string(src, rng)
    while len(text) < goal:
        text += _joint(src, rng) + _string(src, rng)
    if len(text) > goal * 1.6:
        start = int(rng.integers(len(text) - goal))
        text = text[start : start + goal + int(rng.integers(4))]
    if rng.random() < 0.15:
        pair = pick(rng, _PAIRS)
        cut = int(rng.integers(len(text) + 1))
        text = text[:cut] + pair[0] + _string(src, rng)[:8] + pair[1] + text[cut:]
    return text[:60]


def _joint(src: TextSource, rng: Rng) -> str:
    chance = rng.random()
    if chance < 0.12:
        return _number(rng)
    if chance < 0.2:
        return pick(rng, src.latin.words)
    return pick(rng, _STOPS)


def _common(src: TextSource, rng: Rng) -> str:
    ids = np.searchsorted(src.common, rng.random(int(rng.integers(2, 22))))
    return "".join(src.chars[min(i, len(src.chars) - 1)] for i in ids)


def _uniform(src: TextSource, rng: Rng, rare: str) -> str:
    chars = rare or src.chars
    return "".join(chars[i] for i in rng.integers(0, len(chars), int(rng.integers(2, 18))))


def _number(rng: Rng) -> str:
    n = int(10 ** (rng.random() * 6))
    form = int(rng.integers(12))
    return (f"{n}", f"{n:,}", f"{n / 100:.2f}", f"¥{n / 10:.2f}", f"{n % 100}%",
            f"{n % 24}:{n % 60:02d}", f"{1950 + n % 80}", f"{n % 100}.{n % 10}",
            f"{n % 30}/{n % 31}", f"No.{n}", f"${n / 100:.2f}", f"第{n % 100}")[form]  # fmt: skip


def _data(src: TextSource, rng: Rng) -> str:
    """Dates, prices, telephones, addresses of the net, units, model numbers."""
    y, m, d = 1990 + rng.integers(40), 1 + rng.integers(12), 1 + rng.integers(28)
    word, other = pick(rng, src.latin.words), pick(rng, src.latin.words)
    forms: tuple[Callable[[], str], ...] = (
        lambda: f"{y}年{m}月{d}日",
        lambda: f"{y}-{m:02d}-{d:02d}" + (f" {d % 24:02d}:{m * 4:02d}" if m % 2 else ""),
        lambda: pick(rng, ("{0}/{1}/{2}", "{2}.{1}.{0}", "{1:02d}/{2:02d}/{0}")).format(y, m, d),
        lambda: f"1{digits(rng, 10)}",
        lambda: f"0{digits(rng, 3)}-{digits(rng, 8)}",
        lambda: pick(rng, _CALLS) + f"400-{digits(rng, 4)}-{digits(rng, 3)}",
        lambda: f"www.{word}{other}.{pick(rng, ('com', 'cn', 'org', 'net'))}",
        lambda: f"https://{word}.com/{other}?id={digits(rng, 3)}",
        lambda: f"{word}_{digits(rng, 2)}@{other}.com",
        lambda: _number(rng) + pick(rng, _UNITS),
        lambda: f"{letters(rng, 2)}{digits(rng, 3)}-{letters(rng, 1)}{digits(rng, 2)}",
        lambda: f"{pick(rng, _PLATES)}{letters(rng, 1)}·{letters(rng, 1)}{digits(rng, 4)}",
        lambda: " ".join(_number(rng) for _ in range(int(rng.integers(2, 5)))),
        lambda: f"{_string(src, rng)[:6]}：{_number(rng)}{pick(rng, _UNITS)}",
        lambda: f"{_string(src, rng)[:8]}({d % 4}/{m})",
        lambda: digits(rng, int(rng.integers(1, 14))),
        lambda: f"￥{_number(rng)}",
        lambda: f"{pick(rng, '一二三四五六七八九十')}、{_string(src, rng)[:10]}",
    )  # fmt: skip
    return pick(rng, forms)()


def _english(src: TextSource, rng: Rng) -> str:
    words = [pick(rng, src.latin.words) for _ in range(int(rng.integers(1, 8)))]
    text = " ".join(words)
    case = rng.random()
    if case < 0.35:
        return text.upper()
    if case < 0.65:
        return text.title()
    if case < 0.8:
        return text.capitalize() + pick(rng, (".", ",", "!", "?", ":", ""))
    return text


def _diacritics(src: TextSource, rng: Rng) -> str:
    words = [pick(rng, _SYLLABLES) for _ in range(int(rng.integers(1, 7)))]
    if rng.random() < 0.5:  # romanised words among Han, as Taiwanese is printed
        words[int(rng.integers(len(words)))] = _string(src, rng)[:6]
        return "".join(words) if rng.random() < 0.4 else " ".join(words)
    return " ".join(words)


def _nickname(src: TextSource, rng: Rng) -> str:
    form = int(rng.integers(6))
    name = _string(src, rng)[: int(rng.integers(2, 8))]
    if form == 0:
        return pick(rng, src.latin.words).title() + digits(rng, int(rng.integers(4)))
    if form == 1:
        return f"用户{digits(rng, 7)}"
    if form == 2:
        return name + pick(rng, _TAILS)
    return name


def _chat(src: TextSource, rng: Rng) -> str:
    """A row of a live room: badge, nickname, and what was said or done."""
    name = _nickname(src, rng)
    badge = pick(rng, ("", "", "", f"LV{rng.integers(1, 60)} ", f"{rng.integers(1, 60)} "))
    form = rng.random()
    if form < 0.6:
        colon = pick(rng, ("：", "：", ":", ": ", "： "))
        return f"{badge}{name}{colon}{_string(src, rng)[:24]}"
    if form < 0.8:
        return f"{badge}{name} {pick(rng, _JOINS)}"
    times = pick(rng, _TIMES) + str(int(rng.integers(1, 100)))
    return f"{badge}{name}{pick(rng, _SENT)}{pick(rng, _GIFTS)}{times}"


def _punctuated(src: TextSource, rng: Rng) -> str:
    parts = []
    for _ in range(int(rng.integers(2, 6))):
        word = _string(src, rng)[:6]
        pair = pick(rng, _PAIRS)
        mark = pick(rng, PUNCTUATION)
        parts.append(pair[0] + word + pair[1] if rng.random() < 0.4 else word + mark)
    return "".join(parts)


def _marked(src: TextSource, rng: Rng) -> str:
    """Units, indices, dots between names, brackets in pairs: marks that prose seldom has."""
    a, b = _string(src, rng)[:6], _string(src, rng)[:4]
    pair = pick(rng, _PAIRS)
    number = _number(rng)
    return pick(rng, (
        f"{a}{number}{pick(rng, _LONG_UNITS)}",
        f"{number}{pick(rng, _LONG_UNITS)}",
        f"№{pick(rng, ('', ' '))}{digits(rng, int(rng.integers(1, 6)))}",
        f"{a}{pick(rng, _FORMULAS)}{b}",
        f"{pick(rng, _FORMULAS)} {pick(rng, ('+', '→', '='))} {pick(rng, _FORMULAS)}",
        f"{a}{pick(rng, '·・•')}{b}",
        f"{pair[0]}{a}{pair[1]}{b}",
        f"{a}{pair[0]}{number}{pair[1]}",
        f"{pair[0]}{b}{pair[1]}{pair[0]}{a}{pair[1]}",
        f"{a}，{b}、{a}，{b}。",
        f"{a}、{b}、{pick(rng, _TAIWANESE)}",
    ))  # fmt: skip


def _taiwanese(src: TextSource, rng: Rng) -> str:
    """Characters of Taiwanese, Hakka and Cantonese among others."""
    words = [pick(rng, _TAIWANESE) if rng.random() < 0.5 else _string(src, rng)[:3]
             for _ in range(int(rng.integers(2, 7)))]  # fmt: skip
    return src.traditional("".join(words)) + pick(rng, ("", "，", "。", "！", "、"))


def _latin(src: TextSource, rng: Rng) -> str:
    return src.latin.make(rng)


def _receipt(src: TextSource, rng: Rng) -> str:
    words = " ".join(pick(rng, src.latin.words) for _ in range(int(rng.integers(1, 4)))).upper()
    n = rng.integers(1, 999)
    return pick(rng, (
        words, f"{words} {n / 10:.2f}", f"{n % 9 + 1} X {n / 7:.2f}", f"{words} SDN BHD",
        f"TOTAL (RM): {n / 3:.2f}", f"GST {n % 9}%", f"{n / 4:.2f} SR", f"CASH {n:.2f}",
        f"NO.{n}, JALAN {words}, {digits(rng, 5)}", f"TEL : 0{n % 9}-{digits(rng, 7)}",
        f"GST ID : {digits(rng, 12)}", f"INVOICE # : {letters(rng, 2)}{digits(rng, 6)}",
        f"{n % 28 + 1:02d}/{n % 12 + 1:02d}/201{n % 9} {n % 12}:{n % 60:02d} PM", digits(rng, 13),
        f"合计：{n / 3:.2f}", f"{_string(src, rng)[:8]} {n / 5:.2f}", f"THANK YOU {words}",
        f"{n / 9:.2f}",
    ))  # fmt: skip


KINDS: dict[str, Callable[[TextSource, Rng], str]] = {
    "sentence": _sentence,
    "word": _string,
    "common": _common,
    "data": _data,
    "english": _english,
    "diacritics": _diacritics,
    "chat": _chat,
    "punctuation": _punctuated,
    "receipt": _receipt,
    "marked": _marked,
    "taiwanese": _taiwanese,
    "latin": _latin,
}
"""Kinds of text; besides, ``uniform``: any characters, to show rare ones, and ``whole``."""
