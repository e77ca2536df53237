"""What Latin lines say: words and sentences, prices, code, sums, addresses of the net.

Much of it doubles narrow characters (ll, 11, 00, //, --, ::), which CTC drops where a time step
is too wide for two of them and the blank between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from shizi.synth.chance import Rng, digits, letters, pick, weighted

_NAMES = ("i", "j", "ii", "n", "x", "y", "id", "ll", "key", "row", "size", "left", "all", "fill",
          "self", "tmp_1", "idx", "li", "util", "null", "buffer", "cell", "ttl")  # fmt: skip
_TYPES = ("int", "float", "bool", "str", "char", "void", "auto", "long", "String", "let", "var")
_SETS = ("=", "=", "+=", "-=", "*=", "/=", ":=", "||=", "??=")
_LINKS = ("==", "!=", "<=", ">=", "<", ">", "===", "&&", "||", "//", "%", "+", "-", "*", "/", "<<",
          ">>", "&", "|", "^", "**")  # fmt: skip
_SUMS = ("+", "-", "×", "÷", "*", "/", "−", "·")
_EQUALS = ("=", "=", "=", "≈", "≠", "<", ">", "≤", "≥")
_MONEY = ("$", "¥", "￥", "€", "£", "RM", "RM ", "US$", "HK$", "NT$", "CNY ", "")
_AFTER = ("", "", "", "", "元", " USD", "/kg", " ea", " SR", "%", "-", "~")
_DOMAINS = ("com", "cn", "org", "net", "io", "com.tw", "co.uk", "gov", "edu")
_SCHEMES = ("https://", "https://", "http://", "https://www.", "www.", "ftp://", "")
_DOUBLES = re.compile(r"ll|ii|tt|ff|rr|ss|ee|oo|il|li|lli|ill|fi|ti|it")
_SHAPES = ("+## ### #### ####", "(###) ###-####", "####-####", "#### #### #### ####", "@@######",
           "@#@@##", "##:##:##", "##/##/####", "#:## PM", "##%", "No.####", "###-###", "@@@@", "@@",
           "@@@@@@", "v#.##.#", "###", "#", "@-##")  # fmt: skip
_PAIRS = ("()", "()", "[]", "{}", "<>", '""', "''", "“”", "‘’")


@dataclass(frozen=True)
class Latin:
    """Latin text to cut from.

    Attributes:
        words: in lower case.
        files: strings of text files, one tuple a file: sentences or words, one a line.
        weights: of :data:`KINDS`.
    """

    words: tuple[str, ...]
    files: tuple[tuple[str, ...], ...] = ()
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)

    def make(self, rng: Rng) -> str:
        """Make a text of one of :data:`KINDS`."""
        return KINDS[weighted(rng, self.weights)](self, rng)

    @cached_property
    def doubled(self) -> tuple[str, ...]:
        """Words in which narrow letters stand side by side."""
        some = [
            w for file in self.files for w in file[:: max(1, len(file) // 20000)] if " " not in w
        ]
        return tuple(w for w in (*self.words, *some) if _DOUBLES.search(w)) or ("all",)


def _cased(rng: Rng, text: str) -> str:
    case = rng.random()
    if case < 0.3:
        return text.upper()
    if case < 0.45:
        return text.title()
    return text.capitalize() if case < 0.6 else text


def _word(src: Latin, rng: Rng) -> str:
    if src.files and rng.random() < 0.6:
        return pick(rng, pick(rng, pick(rng, src.files)).split() or ["a"])
    return pick(rng, src.words)


def _prose(src: Latin, rng: Rng) -> str:
    """A few words of a string that follow one another."""
    if not src.files:
        return _words(src, rng)
    words = pick(rng, pick(rng, src.files)).split()
    count = 1 + int(rng.geometric(0.18))
    start = int(rng.integers(max(1, len(words) - count + 1)))
    text = " ".join(words[start : start + count])[:70]
    return text if rng.random() < 0.7 else _cased(rng, text)


def _words(src: Latin, rng: Rng) -> str:
    count = int(rng.choice((1, 2, 3, 5), p=(0.7, 0.15, 0.1, 0.05)))
    text = _cased(rng, " ".join(_word(src, rng) for _ in range(count)))
    mark = pick(rng, (".", ",", "!", "?", ":", ";", "...", "!!", "'s", "-", "&")) \
        if rng.random() < 0.15 else ""  # fmt: skip
    return text + mark


def _doubled(src: Latin, rng: Rng) -> str:
    return _cased(rng, " ".join(pick(rng, src.doubled) for _ in range(int(rng.integers(1, 4)))))


def _amount(rng: Rng) -> str:
    whole = digits(rng, int(rng.integers(1, 6))).lstrip("0") or "0"
    if rng.random() < 0.4:
        whole = f"{int(whole):,}"
    cents = pick(rng, ("00", "00", "99", "90", "50", "11", digits(rng, 2), digits(rng, 2)))
    return f"{whole}.{cents}" if rng.random() < 0.7 else whole


def _price(src: Latin, rng: Rng) -> str:
    parts = []
    for _ in range(int(rng.choice((1, 2, 3), p=(0.7, 0.2, 0.1)))):
        sign = pick(rng, ("", "", "", "-", "+"))
        parts.append(sign + pick(rng, _MONEY) + _amount(rng) + pick(rng, _AFTER))
    text = pick(rng, (" ", "  ", " / ", "-")).join(parts)
    return f"{_cased(rng, _word(src, rng))}{pick(rng, (' ', ': ', ':'))}{text}" \
        if rng.random() < 0.3 else text  # fmt: skip


def _value(src: Latin, rng: Rng) -> str:
    form = int(rng.integers(7))
    if form < 3:
        return pick(rng, _NAMES)
    if form == 3:
        return digits(rng, int(rng.integers(1, 4)))
    if form == 4:
        return f"{pick(rng, _NAMES)}[{pick(rng, ('i', '0', 'ii', '-1', 'i + 1', 'n - 1', '11'))}]"
    if form == 5:
        return f"{pick(rng, _NAMES)}.{_word(src, rng)}()"
    return pick(rng, ('""', "None", "null", "nil", "true", f'"{_word(src, rng)}"', "0.0", "!ok"))


def _code(src: Latin, rng: Rng) -> str:
    """A statement, set with blanks or without."""
    a, b, c = (_value(src, rng) for _ in range(3))
    link, name, word = pick(rng, _LINKS), pick(rng, _NAMES), _word(src, rng)
    text = pick(rng, (
        f"{name} {pick(rng, _SETS)} {a} {link} {b};",
        f"if ({a} {link} {b}) {{",
        f"if {a} {link} {b} {pick(rng, ('and', 'or', '&&', '||'))} {c}:",
        f"for (int {name} = 0; {name} < {a}; {name}++) {{",
        f"for {name} in range({a}, {b}):",
        f"{pick(rng, _TYPES)} {name} = {a};",
        f"return {a} {link} {b};",
        f"def {word}({name}: {pick(rng, _TYPES)} = {a}) -> {pick(rng, _TYPES)}:",
        f"std::vector<{pick(rng, _TYPES)}> {name}({a}, {b});",
        f"{word}::{name}({a}, {b});",
        f"// {word} {name}: {a}",
        f"/* {word} */",
        f"# {word} -- {a}",
        f"--{word}={digits(rng, 2)} -{name[0]} {a}",
        f"{name} = {a} if {b} else {c}",
        f"({a} + {b}) * {c}",
        f"{{'{word}': {a}, \"{name}\": {b}}}",
        f"[{a}, {b}, {c}]",
        f"<{word} {name}=\"{digits(rng, 2)}\">{b}</{word}>",
        f"{name}++; {pick(rng, _NAMES)}--; }}",
        f"$ {word} | grep -{name[0]} '{a}' > {name}.log 2>&1",
        f"{word}->{name} = &{pick(rng, _NAMES)};",
        f"!{name} && {a} || {b}",
    ))  # fmt: skip
    return text if rng.random() < 0.75 else text.replace(" ", "")


def _sum(src: Latin, rng: Rng) -> str:
    """Arithmetic, blanks around its signs or none."""
    space = " " if rng.random() < 0.6 else ""

    def term() -> str:
        chance = rng.random()
        if chance < 0.12:
            return f"({term()}{space}{pick(rng, _SUMS)}{space}{term()})"
        if chance < 0.22:
            return pick(rng, ("x", "y", "a", "b", "n", "2x", "3y", "x²", "a²", "π", "?", "□"))
        if chance < 0.32:
            return f"{digits(rng, 1)}.{digits(rng, int(rng.integers(1, 3)))}"
        return digits(rng, int(rng.integers(1, 4))).lstrip("0") or "0"

    text = term()
    for _ in range(int(rng.integers(1, 4))):
        text += f"{space}{pick(rng, _SUMS)}{space}{term()}"
    return text + f"{space}{pick(rng, _EQUALS)}{space}{term()}" if rng.random() < 0.7 else text


def _web(src: Latin, rng: Rng) -> str:
    """Addresses of the net, files, versions."""
    a, b, c = (re.sub(r"[^a-z]", "", _word(src, rng).lower()) or "all" for _ in range(3))
    host = f"{pick(rng, _SCHEMES)}{a}{pick(rng, ('', '-', '.'))}{b}.{pick(rng, _DOMAINS)}"
    return pick(rng, (
        host,
        f"{host}/{c}/{digits(rng, 3)}",
        f"{host}/{c}.html?{b}={digits(rng, 2)}&{c}={a}#{b}",
        f"{a}.{b}{digits(rng, 2)}@{c}.{pick(rng, _DOMAINS)}",
        f"/usr/{a}/{b}_{c}.{pick(rng, ('py', 'txt', 'sh', 'log', 'dll'))}",
        f"C:\\{a}\\{b}\\{c}.{pick(rng, ('exe', 'dll', 'ini', 'xml'))}",
        ".".join(str(int(rng.integers(256))) for _ in range(4)) + f":{digits(rng, 4)}",
        ":".join(f"{int(rng.integers(256)):02x}" for _ in range(6)),
        f"@{a}_{b}", f"#{a}{b}", f"{a}::{b}::{c}",
    ))  # fmt: skip


def _serial(src: Latin, rng: Rng) -> str:
    """Telephones, codes, times: what is read digit by digit."""
    form = rng.random()
    if form < 0.1:
        return "".join(pick(rng, "0O1Il5S8B2Z6G9gCcQ") for _ in range(int(rng.integers(4, 10))))
    if form < 0.15:
        return pick(rng, "-*=_.") * int(rng.integers(3, 8))
    if form < 0.2:
        return f"{_cased(rng, _word(src, rng))}{'.' * int(rng.integers(3, 9))}{digits(rng, 2)}"
    if form < 0.3:
        return digits(rng, int(rng.integers(1, 12)))
    shape = pick(rng, _SHAPES)
    return "".join(digits(rng, 1) if c == "#" else letters(rng, 1) if c == "@" else c
                   for c in shape)  # fmt: skip


def _bracketed(src: Latin, rng: Rng) -> str:
    pair = pick(rng, _PAIRS)
    return f"{_words(src, rng)}{pick(rng, (' ', ''))}{pair[0]}{_words(src, rng)}{pair[1]}"


KINDS: dict[str, Callable[[Latin, Rng], str]] = {
    "prose": _prose,
    "words": _words,
    "doubled": _doubled,
    "price": _price,
    "code": _code,
    "sum": _sum,
    "web": _web,
    "serial": _serial,
    "bracketed": _bracketed,
}
WEIGHTS: dict[str, float] = {
    "prose": 0.25, "words": 0.28, "doubled": 0.1, "price": 0.1, "code": 0.07, "sum": 0.06,
    "web": 0.05, "serial": 0.06, "bracketed": 0.03,
}  # fmt: skip


def is_latin(strings: Sequence[str]) -> bool:
    """Say whether a file's strings are Latin: less than a hundredth of its letters are Han."""
    some = "".join(strings[:: max(1, len(strings) // 500)])
    return sum(c >= "⺀" for c in some) * 100 < len(some)
