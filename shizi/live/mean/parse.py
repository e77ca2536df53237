"""From a row of the comment area to the event it tells of.

A row is badges, a nickname, and either what was said or a wording of the platform. Colour
runs, the colon and the templates of the grammar each propose a reading; the best fit wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

from shizi.live.colour import other_hue
from shizi.live.event import Event, Gift, Kind, Row
from shizi.live.lookalikes import BARE, Folded, fold, fold_indexed
from shizi.live.mean.grammar import LONGEST_NAME, Grammar, Template

_COLON_AND_COLOUR, _COLON, _COLOUR, _NOBODY = 1.0, 0.95, 0.9, 0.5
"""How well a comment fits, by what parts nickname and text."""
_OFF_BORDER, _OFF_BORDER_SHORT = 0.92, 0.7
"""Weight of a template whose nickname ends inside a colour run: borders may be a character off,
but with a wording as short as 来了 it is more likely part of what somebody said."""
_SHORT = 2
_ADORNING = frozenset(fold("★☆♡♥❤✿❀✦✧◆◇●○"))
"""Signs that people put before their nicknames, in the colour of these and without a gap."""
_ERROR = 0.4
"""Weight of a misread character of a wording: what is left of it tells more than a colour."""
_THIN = frozenset("iIl1jtfr!|")
_LONGEST_BARE = 20
"""Characters of a nickname, folded, that no colon ends."""
_SENTENCE = frozenset("，。！？,!?；;…")
"""Signs that part or end sentences."""
_SCRAP = 4
"""Fewer letters than this, from nobody and in no known wording, are a cut-off row or clutter."""
_LONGEST_LEVEL = 3
_MEDAL = regex.compile(r"[^0-9:]{1,6}(?P<level>[0-9]{1,2})")
_MOST_COUNT = 999_999
_ICON = regex.compile(r"[*✕✖★☆]\s?(?P<level>\d{1,2})(?!\d)|[(（]?(?P<level>\d{1,2})[)）]")
"""An icon before a level, or the edge of a badge behind it: no nickname needs to be parted from
that by colour."""
_TWICE = regex.compile(r":+(?=\p{Han})")
"""A colon that was read twice, as where the edge cuts it; ``:)`` is said."""
_WORD = regex.compile("[A-Za-z][a-z]")
_CLOCK = regex.compile(r"(?<![0-9A-Za-z])\d{1,2}:\d\d(?!\d)")


@dataclass(frozen=True, slots=True)
class _Text:
    """A row, folded, with what its badges told and where they end.

    Attributes:
        raw: as read.
        folded: the same, folded.
        borders: folded positions at which a colour run begins, rising.
        hues: those of them at which more changes than the brightness.
        head: folded position at which the first line ended early; 0: it did not.
        start: folded position of the nickname.
        level: from the badges.
    """

    raw: str
    folded: Folded
    borders: tuple[int, ...]
    hues: frozenset[int] = frozenset()
    head: int = 0
    start: int = 0
    level: int | None = None

    @property
    def rest(self) -> str:
        return self.folded.text[self.start :]

    def cut(self, start: int, end: int) -> str:
        """The original of a stretch, counted from the nickname's start."""
        return self.folded.cut(self.raw, self.start + start, self.start + end)

    def digits(self) -> int:
        """How many digits it begins with, in one colour; a letter that folds to one is none."""
        count = 0
        for at in range(self.start, len(self.folded.index)):
            if not self.raw[self.folded.index[at]].isdigit() or (count and at in self.borders):
                break
            count += 1
        return count

    def parted(self, position: int) -> bool:
        """Whether colour or a gap parts the characters before and after ``start + position``."""
        at = self.start + position
        return at >= len(self.folded.text) or at in self.borders or self.gap(position)

    def gap(self, position: int) -> bool:
        """Whether a gap parts the characters before and after ``start + position``."""
        at = self.start + position
        return self.folded.index[at] - self.folded.index[at - 1] > 1

    def after(self, length: int, level: int | None) -> _Text:
        """The text with one more badge taken off."""
        known = self.level if level is None else level
        return replace(self, start=self.start + length, level=known)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand a row.

    Attributes:
        fit: how well it does, 0 to 1.
        worded: number of characters that are the platform's wording.
    """

    kind: Kind
    user: str
    text: str
    fit: float
    gift: Gift | None = None
    worded: int = 0


@dataclass(frozen=True, slots=True)
class Parser:
    """Turns rows into events.

    Attributes:
        grammar: of the platform.
        room: the name that event ids begin with.
    """

    grammar: Grammar
    room: str

    def parse(self, row: Row) -> Event | None:
        """Return what a row tells, or None for one that tells nothing: no letter, or chrome.

        The score is the row's score times how well the best reading fits, 0 to 1. A row that
        names nobody and fits no template is a ``system`` line, unless it is a mere scrap or
        stands still.
        """
        whole = _text(row)
        letters = sum(char.isalnum() for char in whole.folded.text)
        if not letters or any(t.pattern.fullmatch(whole.rest) for t in self.grammar.furniture):
            return None
        if BARE.fullmatch(row.text):  # parted from its gift: nobody is called ×
            return None
        if row.flies:
            reading, level = _Reading("comment", "", row.text, 1.0), None
        else:
            reading, level = self._best(whole)
        if reading.fit == _NOBODY and (letters < _SCRAP or _furniture(row)):
            return None
        return Event(
            id=f"{self.room}-{row.track}",
            revision=row.revision,
            time=round(row.first, 3),
            kind=reading.kind,
            user=reading.user,
            text=reading.text,
            score=round(row.score * reading.fit, 4),
            level=level,
            gift=reading.gift,
            closed=row.closed,
        )

    def _best(self, whole: _Text) -> tuple[_Reading, int | None]:
        """The best reading, and the level that the badges before its nickname tell.

        What looks like a badge may be the nickname ("云朵88" like a fan medal), so a reading
        with fewer badges taken off wins where it fits better.
        """
        texts = [whole]
        while (shorter := self._without_badge(texts[-1])) is not None:
            texts.append(shorter)
        found: list[tuple[_Reading, int | None]] = []
        for text in reversed(texts):
            readings = [*self._templates(text), *_comments(text)]
            found.append((max(readings, key=lambda r: (r.fit, r.worded)), text.level))
            if found[-1][0].fit == 1.0:
                break
        return max(found, key=lambda f: f[0].fit)

    def _without_badge(self, text: _Text) -> _Text | None:
        """Take one badge off, or None where none stands or no nickname would be left."""
        for length, level in self._badges(text):
            left = text.rest[length:]
            if left and left[0] != ":" and any(char.isalnum() for char in left):
                return text.after(length, level)
        return None

    def _badges(self, text: _Text) -> Iterator[tuple[int, int | None]]:
        badges, rest = self.grammar.badges, text.rest
        for pattern in badges.level_patterns:
            if found := pattern.match(rest):
                start, end = found.span("level")
                # Another colour begins within the digits: what follows is the nickname's.
                inside = [b - text.start for b in text.borders if start < b - text.start < end]
                yield (inside or [found.end()])[0], int(rest[start : (inside or [end])[0]])
        for pattern in badges.word_patterns:
            if (found := pattern.match(rest)) and (found["framed"] or text.parted(found.end())):
                yield found.end(), None
        if icon := _ICON.match(text.cut(0, len(rest))):
            number = rest.find(icon["level"])
            yield number + len(icon["level"]), int(icon["level"])
        digits = text.digits()
        if 0 < digits <= _LONGEST_LEVEL and (badges.numbers or text.parted(digits)):
            yield digits, int(rest[:digits])
        sign = bool(rest) and not rest[0].isalnum() and rest[0] not in ":-.[{(@"
        if sign and (rest[0] not in _ADORNING or text.parted(1)):
            yield 1, None  # what was read of an icon
        medal = _MEDAL.match(rest) if badges.medals else None
        if medal and text.start + medal.end() in text.borders:
            yield medal.end(), None  # the level of a fan club, not of the viewer

    def _templates(self, text: _Text) -> Iterator[_Reading]:
        for template in self.grammar.templates:
            found = template.pattern.fullmatch(text.rest)
            if found and _paid_apart(found, text):
                yield _reading(template, found, text)


def _furniture(row: Row) -> bool:
    """True for a row of nobody that stands still, or may: a caption, the head of a panel."""
    return row.pinned or not (row.rolled or row.closed)


def _paid_apart(found: regex.Match[str], text: _Text) -> bool:
    """False where an amount is within what somebody says, or all that follows, as a price is."""
    if not found.groupdict().get("money"):
        return True
    start, end = found.span("money")
    return text.parted(start) and text.parted(end) and end < len(text.rest)


def _text(row: Row) -> _Text:
    folded = fold_indexed(row.text)
    borders, hues, length = set(), set(), 0
    head = next((k for k, i in enumerate(folded.index) if i >= row.head > 0), 0)
    for before, run in pairwise(row.runs):
        length += len(before.text)
        # The first folded character at or after the run's start.
        border = next((k for k, i in enumerate(folded.index) if i >= length), 0)
        if _WORD.fullmatch(row.text, length - 1, length + 1):
            continue  # of what moves behind it: no nickname ends there
        borders.add(border)
        if other_hue(before.colour, run.colour):
            hues.add(border)
    borders.add(head)
    return _Text(row.text, folded, tuple(sorted(borders - {0})), frozenset(hues), head)


def _reading(template: Template, found: regex.Match[str], text: _Text) -> _Reading:
    slots = found.groupdict()

    def part(slot: str) -> str:
        return text.cut(*found.span(slot)) if slots.get(slot) else ""

    fit = 1.0 - _ERROR * sum(found.fuzzy_counts) / template.letters
    borders = [border for border in text.borders if border > text.start]
    if template.opens and borders and _off_border(text, end := found.end("user")):
        doubtful = template.letters <= _SHORT and not _only_gap(text, end)
        fit *= _OFF_BORDER_SHORT if doubtful else _OFF_BORDER
    if template.opens and _is_sentence(part("user")):
        fit *= _OFF_BORDER_SHORT
    begin = found.start("text") if template.kind == "notice" else 0
    if borders and begin and not text.parted(begin) and text.rest[begin - 1] != ":":
        fit *= _OFF_BORDER  # the nickname of somebody may begin with the same word
    count = min(int(slots.get("count") or 1), _MOST_COUNT)
    name = slots["gift"] if slots.get("money") else part("gift")  # one way to write a currency
    gift = Gift(name, count) if slots.get("gift") else None
    said = text.cut(0, len(text.rest)) if template.kind == "system" else part("text")
    if gift is None and slots.get("count"):
        said = slots["count"]  # of people, or of likes
    own = ("user", "text") if slots.get("money") else found.groupdict()
    worded = len(text.rest) - sum(len("".join(found.captures(slot))) for slot in own)
    return _Reading(template.kind, _name(part("user")), said, fit, gift, worded)


def _off_border(text: _Text, end: int) -> bool:
    """Whether a nickname ends where no colour does.

    A gap makes up for one character, and so does a thin one: it has little of a colour.
    """
    slack = 1 if text.parted(end) or text.cut(end - 1, end) in _THIN else 0
    slack |= text.rest[end : end + 1] == ":"  # which has the colour of either
    return all(abs(border - text.start - end) > slack for border in text.borders)


def _only_gap(text: _Text, end: int) -> bool:
    """Whether a nickname ends at a gap and has none itself, wherever colours seem to change."""
    return text.gap(end) and not any(map(text.gap, range(1, end)))


def _comments(text: _Text) -> Iterator[_Reading]:
    """Every way to part nickname and comment, and the row as a whole for want of one."""
    rest, head = text.rest, text.head - text.start
    if 0 < head <= _LONGEST_BARE and ":" not in rest[: head + 1] and not _is_sentence(rest[:head]):
        yield _comment(text, head, head, _COLON_AND_COLOUR)
        return
    for found in regex.finditer(":", rest[: LONGEST_NAME + 1]):
        colon = found.start()
        coloured = any(text.start + p in text.borders for p in (colon, colon + 1))
        if colon and (coloured or not _is_clock(text, colon)):
            fit = _COLON_AND_COLOUR if coloured else _COLON
            twice = _TWICE.match(rest, colon)
            yield _comment(text, colon, twice.end() if twice else colon + 1, fit)
            break
    borders = [border - text.start for border in text.borders if border > text.start]
    # What moves behind a nickname parts it too, but leaves no gap there.
    end = next((b for b in borders if b < len(rest) and text.gap(b)), next(iter(borders), 0))
    if end and _names(text, end):
        yield _comment(text, end, end, _COLOUR)
    # Colours tell of somebody, though not of whom.
    yield _Reading("comment" if borders else "system", "", text.cut(0, len(rest)), _NOBODY)


def _names(text: _Text, end: int) -> bool:
    """Whether colour alone tells that a nickname ends there.

    What moves behind a text changes its colours too, so there has to be another hue, or a gap;
    and a nickname is no sentence.
    """
    sure = text.start + end in text.hues or text.gap(end)
    name = text.cut(0, end)
    return sure and end <= _LONGEST_BARE and not _is_sentence(name)


def _is_sentence(name: str) -> bool:
    return bool(_SENTENCE & set(name.rstrip(" !！")))


def _comment(text: _Text, end: int, start: int, fit: float) -> _Reading:
    user, said = text.cut(0, end), text.cut(start, len(text.rest))
    return _Reading("comment", _name(user), said, fit)


def _is_clock(text: _Text, colon: int) -> bool:
    """Whether a narrow colon stands in a time of day, as in 12:30."""
    said = text.cut(0, len(text.rest))
    at = len(text.cut(0, colon + 1)) - 1
    return any(found.start() < at < found.end() for found in _CLOCK.finditer(said))


def _name(text: str) -> str:
    return text.strip().rstrip(":：;；").strip()
