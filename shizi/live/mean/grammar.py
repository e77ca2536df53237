"""How a platform words what happens: a grammar, kept as data in a YAML file.

A template is the wording with slots: ``{user}送出{gift}×{count}``. Square brackets hold what
may be absent: ``[欢迎]{user}[:]进入直播间``. Templates and rows are both folded (see
:mod:`shizi.live.lookalikes`) before they meet, and spaces do not count; a phrase of three
characters or more may have one of them misread or lost where the template has enough others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import regex

from shizi.live.event import Kind
from shizi.live.lookalikes import fold
from shizi.live.mean.settings import RulesError, check, find, read_yaml

LONGEST_NAME = 40
"""Characters that a nickname has at most, folded."""

_SLOTS = {
    "user": rf"(?P<user>[^:]{{1,{LONGEST_NAME}}}?)",
    # Digits at its end are its own where a mark parts them from the count, or none follows.
    "gift": r"(?P<gift>[^:]{0,19}?[^:0-9x]|[^:]{1,20}?(?=x|$))",
    "count": r"(?P<count>[0-9]{1,6})",
    # What is paid is the gift, and the amount its count.
    "money": (
        r"(?P<money>(?P<gift>[¥$€£])(?P<count>[1-9][0-9]{0,5})"
        r"|(?P<count>[1-9][0-9]{0,5})(?P<gift>元|电池))"
    ),
    "text": r"(?P<text>.*?)",
    "any": r"(?P<any>.{0,24}?)",
}
_PIECE = regex.compile(r"\{(\w+)\}|([\[\]])|([^\[\]{}]+)|(.)")
_LEVEL = r"(?P<level>[0-9]{1,3})"


@dataclass(frozen=True)
class Template:
    """One wording of one kind of event.

    Attributes:
        kind: of event.
        source: as written in the file.
        pattern: what a folded row is matched with, as a whole.
        letters: number of characters of its phrases, to weigh an error.
        opens: it begins with the user's name.
    """

    kind: Kind
    source: str
    pattern: regex.Pattern[str]
    letters: int
    opens: bool


@dataclass(frozen=True)
class Badges:
    """What stands before a nickname.

    Attributes:
        words: titles such as 房管, taken off only before a gap or a new colour.
        levels: wordings of a level, with the slot ``{level}``.
        numbers: a number alone before the nickname is a level, even without a gap.
        medals: a short word with a number, in a colour of its own, is a fan medal.
    """

    words: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    numbers: bool = False
    medals: bool = False

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    def __post_init__(self) -> None:
        for level in self.levels:
            if level.count("{level}") != 1:
                raise ValueError(f"a level needs the slot {{level}} once: {level!r}")
        if not all(fold(word) for word in self.words):
            raise ValueError("a badge must not be empty")

    @cached_property
    def level_patterns(self) -> tuple[regex.Pattern[str], ...]:
        """What the beginning of a folded row is matched with."""
        halves = [[fold(half) for half in level.split("{level}")] for level in self.levels]
        exact = [regex.escape(a) + _LEVEL + "(?![0-9])" + regex.escape(b) for a, b in halves]
        framed = [a for a, b in halves if b == "]"]
        return tuple(map(regex.compile, [*exact, *map(_misread, framed), *map(_outlined, framed)]))

    @cached_property
    def word_patterns(self) -> tuple[regex.Pattern[str], ...]:
        """The titles, longest first, so that 超级管理员 is not taken for 超级.

        ``framed`` is the sign that shows where it ends, where one was read.
        """
        words = sorted(map(fold, self.words), key=lambda w: (-len(w), w))
        return tuple(regex.compile(_title(regex.escape(word))) for word in words)


@dataclass(frozen=True)
class Grammar:
    """The wordings of a platform.

    Attributes:
        events: templates by kind; of equally good fits the one whose words cover more wins.
        badges: what stands before nicknames.
        chrome: what the app itself writes there, such as the hint in its input field: no event.
    """

    events: Mapping[Kind, tuple[str, ...]]
    badges: Badges = field(default_factory=Badges)
    chrome: tuple[str, ...] = ()

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    def __post_init__(self) -> None:
        _ = self.templates, self.furniture

    @cached_property
    def templates(self) -> tuple[Template, ...]:
        """The compiled templates, in the order of the file."""
        return tuple(
            _compile(kind, source) for kind, all_ in self.events.items() for source in all_
        )

    @cached_property
    def furniture(self) -> tuple[Template, ...]:
        """The compiled ``chrome``."""
        return tuple(_compile("system", source) for source in self.chrome)


def load_grammar(name: str) -> Grammar:
    """Load the grammar of a platform.

    Args:
        name: one of the shipped ones (``generic``, ``douyin``, …) or a path of a YAML file.
            A file with ``extends: NAME`` adds to that grammar; its own templates come first.

    Raises:
        RulesError: no such file, or a wrong entry, named as file:key.
    """
    return _load(name, ())


def _misread(before: str) -> str:
    """A level in brackets whose wording is misread, and which may lack one bracket.

    The closing one is often taken for a 1, as the last digit of the level.
    """
    level = r"(?:(?P<level>[0-9]{1,3})[\])}]|(?P<level>[0-9]{1,2})1(?![0-9]))"
    opened = rf"[\[({{][^:\[\]]{{0,{len(before)}}}?"
    letters = regex.escape("".join(char for char in before if char.isalnum()))
    return rf"(?:{opened}|(?:{letters}){{d<=1}}[.,]){level}"


def _outlined(before: str) -> str:
    """A level in a frame, whose sides are read as brackets, as strokes or not at all."""
    letters = regex.escape("".join(char for char in before if char.isalnum()))
    sure = rf"[\[({{1!/]{letters}[.,]?(?P<level>[0-9]{{2}})1(?![0-9])"  # the last one is its side
    return rf"{sure}|[\[({{1!/]?{letters}[.,]?{_LEVEL}(?![0-9])[\])}}!/]?"


def _title(word: str) -> str:
    """A title, perhaps with the level of a fan club, perhaps in a frame."""
    opened = rf"[\[({{]{word}[0-9]{{0,2}}?(?P<framed>[\])}}1!/])(?![0-9])"
    return rf"{opened}|[\[({{1!/]?{word}[0-9]{{0,2}}(?![0-9])(?P<framed>[\])}}]?)"


def _load(name: str, seen: tuple[str, ...]) -> Grammar:
    path = find(name)
    if str(path) in seen:
        raise RulesError(f"{path}:extends: goes in a circle")
    data: dict[str, Any] = read_yaml(path)
    base = data.pop("extends", None)
    grammar = check(Grammar, {"events": {}, **data}, path)
    if base is None:
        return grammar
    return _join(grammar, _load(str(base), (*seen, str(path))))


def _join(own: Grammar, base: Grammar) -> Grammar:
    kinds = [*own.events, *(k for k in base.events if k not in own.events)]
    return Grammar(
        events={k: (*own.events.get(k, ()), *base.events.get(k, ())) for k in kinds},
        badges=Badges(
            words=(*own.badges.words, *base.badges.words),
            levels=(*own.badges.levels, *base.badges.levels),
            numbers=own.badges.numbers or base.badges.numbers,
            medals=own.badges.medals or base.badges.medals,
        ),
        chrome=(*own.chrome, *base.chrome),
    )


def _compile(kind: Kind, source: str) -> Template:
    parts: list[str] = []
    slots: list[str] = []
    pieces = _PIECE.findall(source)
    letters = sum(len(fold(phrase)) for _, _, phrase, _ in pieces)
    for slot, bracket, phrase, other in pieces:
        if other or (slot and slot not in _SLOTS):
            names = " ".join(f"{{{s}}}" for s in _SLOTS)
            raise ValueError(f"{source!r}: {other or slot!r} is no slot; there are: {names}")
        if slot:
            slots.append(slot)
            parts.append(_SLOTS[slot])
        elif bracket:
            parts.append("(?:" if bracket == "[" else ")?")
        else:
            parts.append(_phrase(fold(phrase), letters))
    letters += "money" in slots  # as sure as a wording of one sign
    if not letters:
        raise ValueError(f"{source!r}: a template needs some words besides its slots")
    if kind == "gift" and not {"gift", "money"} & set(slots):
        raise ValueError(f"{source!r}: a gift needs the slot {{gift}} or {{money}}")
    try:
        pattern = regex.compile("".join(parts), regex.BESTMATCH | regex.DOTALL)
    except regex.error as error:
        raise ValueError(f"{source!r}: {error}") from error
    return Template(kind, source, pattern, letters, slots[:1] == ["user"])


def _phrase(folded: str, letters: int) -> str:
    escaped = regex.escape(folded)
    if len(folded) < 3 or letters < 4:
        return escaped  # with an error allowed, 进来了 would take in 回来了
    # A character too many is no common misreading, and would let a colon slip in.
    return f"(?:{escaped}){{s<=1,d<=1,e<=1}}"
