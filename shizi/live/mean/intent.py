"""What a comment is about: topics that were learnt, and phrases kept as data beside the rules.

A phrase is looked for anywhere in a comment, both folded (see :mod:`shizi.live.lookalikes`). In it
``(a/b)`` is one of several wordings and ``(a/)`` what may be absent, ``…`` up to four characters
of the same clause, ``_`` a gap, ``<n>`` a number; ``^`` and ``$`` are the ends of a clause. Latin
words are found as words: link is not in blink. A topic's ``but`` phrases are cut out before
its ``says`` are looked for, so 不买了 earns no order although 买了 does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import regex

from shizi.live.lookalikes import fold

_BREAKS = " ,.!?;~"
"""What parts clauses, folded; a space as well: people type it for a comma."""
_PIECE = regex.compile(r"<n>|[()/…_^$]|[^()/…_^$<]+|<")
_SIGNS = {
    "<n>": "[0-9]+",
    "(": "(?:",
    ")": ")",
    "/": "|",
    "_": r"[ ,./]+",
    "…": rf"[^{_BREAKS}]{{0,4}}?",
    "^": rf"(?<![^{_BREAKS}])",
    "$": rf"(?![^{_BREAKS}])",
}
_CLAUSE = regex.compile(r"[^,.!?;~]*\??")
_GAP = "\0"
"""Stands for what was cut out: no phrase reaches over it."""


@dataclass(frozen=True)
class Topic:
    """What is said of one topic.

    Attributes:
        says: phrases that are about it, besides what was learnt.
        but: phrases that only look so.
        told: it counts where it is stated, and not where it is asked.
    """

    says: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    told: bool = False

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    def __post_init__(self) -> None:
        for phrase in (*self.says, *self.but):
            pattern(phrase)

    def holds(self, text: str, asks: regex.Pattern[str] | None, learnt: bool = False) -> bool:
        """Whether a text, as :func:`plain` gives it, is about the topic.

        Args:
            text: what was said.
            asks: what makes a clause a question.
            learnt: what was learnt says that it is.
        """
        if self.but:
            whole, text = text, _joined(self.but).sub(_GAP, text)
            learnt = learnt and text == whole
        if learnt or not self.says:
            return learnt
        found = _joined(self.says)
        if not self.told or asks is None:
            return found.search(text) is not None
        clauses = (clause[0] for clause in _CLAUSE.finditer(text))
        return any(found.search(clause) and not asks.search(clause) for clause in clauses)


def topics(
    text: str,
    known: Mapping[str, Topic],
    asks: tuple[str, ...],
    learnt: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Return the topics that a text is about, in the order of ``known``.

    Args:
        text: a comment as it was read.
        known: topics by name.
        asks: phrases that make a clause a question.
        learnt: topics that it is about by what was learnt.
    """
    said, question = plain(text), _joined(asks) if asks else None
    return tuple(n for n, topic in known.items() if topic.holds(said, question, n in learnt))


def plain(text: str) -> str:
    """Return the text folded, capitals first; a stretch of white space becomes one space."""
    return " ".join(fold(word) for word in text.lower().split())


def pattern(phrase: str) -> str:
    """Return a phrase as a regular expression over plain texts.

    Raises:
        ValueError: it is empty, or its brackets do not close.
    """
    made = "".join(_SIGNS.get(piece) or _literal(piece) for piece in _PIECE.findall(phrase))
    try:
        if regex.compile(made).match(""):
            raise ValueError(f"a phrase must say something: {phrase!r}")
    except regex.error as error:
        raise ValueError(f"the brackets of a phrase must close: {phrase!r}") from error
    return made


def _literal(text: str) -> str:
    """Characters as they stand, a space between any two forgiven; Latin words as words."""
    words = plain(text).split()
    if not any(words):
        return ""
    body = " ?".join(regex.escape(char) for word in words for char in word)
    if text.isascii():
        body = " +".join(map(regex.escape, words))
    before = r"(?<![a-z])" if _latin(text[0]) else ""
    after = r"(?![a-z])" if _latin(text[-1]) else ""
    return f"{before}{body}{after}"


def _latin(char: str) -> bool:
    return char.isascii() and char.isalpha()


@lru_cache(maxsize=256)
def _joined(phrases: tuple[str, ...]) -> regex.Pattern[str]:
    return regex.compile("|".join(f"(?:{pattern(phrase)})" for phrase in phrases))
