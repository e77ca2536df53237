"""A simulated room in motion: rows that scroll, change in place, fade and leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shizi.live.event import Event, Gift
from shizi.live.simulate.script import Act
from shizi.live.simulate.style import PICTOGRAMS, Floats, Sprite, Style, draw_row
from shizi.page import Image

_LEAVING = 1 / 3
"""Share of the roll, at its top, in which gifts count no further: they can be read."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where things stand and how they move. Pixels.

    Attributes:
        left: of the comment area.
        top: of the scrolling rows.
        bottom: of the scrolling rows.
        gap: between rows.
        fade: height over which rows fade at the top; 0: none.
        ease: share of the way that a scroll goes in one frame; 1: rows jump.
        join_slot: joins take turns in a place of their own, below the rows.
        gift_slot: gifts take turns in a place of their own, above the rows.
    """

    left: int
    top: int
    bottom: int
    gap: int
    fade: int
    ease: float
    join_slot: bool
    gift_slot: bool


@dataclass(slots=True, eq=False)
class _Shown:
    message: Act
    sprite: Sprite
    y: float  # from the start of the roll, or of the frame for a slot
    gift: Gift | None
    seen: float | None = None  # when it first was fully visible


@dataclass
class Stage:
    """Shows messages as time goes on. Feed it frames in order."""

    style: Style
    place: Setting
    script: Sequence[Act]
    notice: Act | None = None
    _next: int = 0
    _roll: list[_Shown] = field(default_factory=list)
    _slots: dict[str, _Shown] = field(default_factory=dict)
    _waiting: list[Act] = field(default_factory=list)
    _offset: float = 0.0
    _gone: list[_Shown] = field(default_factory=list)

    def advance(self, time: float) -> None:
        """Let everything up to ``time`` (seconds) happen."""
        while self._next < len(self.script) and self.script[self._next].time <= time:
            self._enter(self.script[self._next], time)
            self._next += 1
        self._take_turns(time)
        for shown in [*self._roll, *self._slots.values()]:
            self._count(shown, time)
        self._scroll(time)

    def paint(self, frame: Image) -> None:
        """Draw all rows over a frame (H, W, 3), in place."""
        p = self.place
        for shown in self._roll:
            _lay(frame, shown.sprite, p.left, round(shown.y - self._offset) + p.bottom, p)
        for shown in self._slots.values():
            _lay(frame, shown.sprite, p.left, round(shown.y), replace(p, top=0, bottom=10**6))

    def truth(self) -> list[Event]:
        """Everything that was ever fully visible, as events in order of time."""
        shown = [s for s in (*self._gone, *self._roll, *self._slots.values()) if s.seen is not None]
        shown.sort(key=lambda s: (s.seen, s.message.time))
        return [_event(i, s) for i, s in enumerate(shown)]

    def _enter(self, message: Act, time: float) -> None:
        slotted = (message.kind == "join" and self.place.join_slot) or (
            message.kind == "gift" and self.place.gift_slot
        )
        if slotted:
            self._waiting.append(message)
            return
        sprite = draw_row(self.style, message)
        end = self._roll[-1].y + self._roll[-1].sprite.height + self.place.gap if self._roll else 0
        self._roll.append(_Shown(message, sprite, end, message.gift))

    def _take_turns(self, time: float) -> None:
        """Give a slot to the next one waiting once the one in it was seen long enough."""
        if self.notice is not None and "notice" not in self._slots:
            sprite = draw_row(self.style, self.notice)
            above = self.place.gift_slot * slot_height(self.style) + self.place.gap
            top = self.place.top - above - sprite.height
            self._slots["notice"] = _Shown(self.notice, sprite, top, None, time)
        for message in list(self._waiting):
            now = self._slots.get(message.kind)
            if now is not None and now.message.user == message.user:
                self._waiting.remove(message)  # it would look the same
                continue
            if now is not None and now.seen is not None:
                last = now.message.counts[-1][0] if now.message.counts else now.message.time
                if time < max(now.seen, last) + (1.2 if message.kind == "join" else 1.8):
                    continue
                self._gone.append(now)
            # What waited counts from when it is shown.
            late = time - message.time
            counts = tuple((t + late, n) for t, n in message.counts)
            message_now = replace(message, time=time, counts=counts)
            sprite = draw_row(self.style, message_now)
            p = self.place
            y = p.bottom + p.gap if message.kind == "join" else p.top - p.gap - sprite.height
            self._slots[message.kind] = _Shown(message_now, sprite, y, message.gift, time)
            self._waiting.remove(message)

    def _count(self, shown: _Shown, time: float) -> None:
        """Raise a gift's count in place when its time has come."""
        due = [n for t, n in shown.message.counts if t <= time]
        if not due or shown.gift is None or due[-1] == shown.gift.count or self._leaves(shown):
            return
        shown.gift = Gift(shown.gift.name, due[-1])
        shown.sprite = draw_row(self.style, shown.message, shown.gift)

    def _leaves(self, shown: _Shown) -> bool:
        """True for a row near the top of the roll."""
        above = shown.y - self._offset + (self.place.bottom - self.place.top)  # pixels
        return shown in self._roll and above < _LEAVING * (self.place.bottom - self.place.top)

    def _scroll(self, time: float) -> None:
        if not self._roll:
            return
        target = self._roll[-1].y + self._roll[-1].sprite.height
        self._offset += (target - self._offset) * self.place.ease
        if target - self._offset < 1:
            self._offset = target
        for shown in self._roll:
            if shown.seen is None and shown.y + shown.sprite.height <= self._offset + 0.5:
                shown.seen = time
        high = self.place.bottom - self.place.top
        while self._roll and self._roll[0].y + self._roll[0].sprite.height < self._offset - high:
            self._gone.append(self._roll.pop(0))


def slot_height(style: Style) -> float:
    """Room for a gift of two lines above the rows, pixels."""
    return 3.9 * style.size


def _lay(frame: Image, sprite: Sprite, left: int, top: int, place: Setting) -> None:
    """Lay a sprite over a frame, cut to the rows' place and faded at its top."""
    first = max(top, place.top, 0)
    last = min(top + sprite.height, place.bottom, len(frame))
    width = min(sprite.alpha.shape[1], frame.shape[1] - left)
    if first >= last:
        return
    inside = slice(first - top, last - top)
    alpha: Floats = sprite.alpha[inside, :width]
    colour: Floats = sprite.colour[inside, :width]
    if place.fade and first < place.top + place.fade:
        ramp = np.clip((np.arange(first, last) - place.top) / place.fade, 0, 1)
        weight = ramp.astype(np.float32)[:, None, None]
        alpha, colour = alpha * weight, colour * weight
    part = frame[first:last, left : left + width]
    part[:] = np.clip(part * (1 - alpha) + colour, 0, 255).astype(np.uint8)


def _event(index: int, shown: _Shown) -> Event:
    m = shown.message
    assert shown.seen is not None
    user = "".join(char for char in m.user if char not in PICTOGRAMS)
    return Event(
        f"truth:{index}", 0, shown.seen, m.kind, user, m.text, 1.0, m.level, shown.gift, True
    )
