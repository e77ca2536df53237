"""Lines of text that keep their identity while they move: born, seen, gone.

Only the tracker changes tracks. Whoever reads a line tells it what came of that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from shizi.live.frame import Box
from shizi.live.see.tracking.boxes import find_lines, same_place, shared, without_avatar
from shizi.live.see.tracking.panel import Panel
from shizi.live.see.tracking.scroll import vote
from shizi.live.see.tracking.search import SLIDE, Search, Stripe, alone, shown, stacked, unstacked
from shizi.live.see.tracking.strokes import another
from shizi.live.see.tracking.track import Track, torn
from shizi.page import Image, Quads

_LONG = 2.5
"""Width of a line, in its heights, from which it is no clutter and its height tells."""

_TALL = 1.8
"""Height of a line, in that of most, from which it is none that came in: there is more to it."""

_EQUAL = 0.99
"""Likeness from which nothing changed that could be read."""

_CLEAR = 0.6
"""Share of a line's ink from which it can be read as well as before."""

_LOW = 0.85
"""Height of a line, in that of most, below which some of it may be missing."""

_CUT = 0.06
"""How much lower a line that was coming in ends, in its heights, if some of it was cut off."""

_ENTERING, _SLIDES = 0.5, 0.7
"""Seconds within which a new line may be sliding in, and less than how many of its heights it
goes in one step: one that jumps was there as a whole."""

_SAME, _STILL, _SURELY = 0.55, 0.9, 0.8
"""Likeness, a correlation of strokes, from which a line is taken for the one seen before; from
which it has not moved, without looking further; and from which it has though most have not."""

_PATIENCE = 0.6
"""Seconds for which a line may be hidden before it counts as gone."""

_PAUSE = 0.15
"""Seconds for which rows that roll slowly may stand still, by whole pixels."""

_DIGIT = 1.2
"""Room for a digit that was overlooked, in heights of the line."""

_GLIMPSE = 0.25
"""Seconds after which a line that was seen once is still there if it was one: a torn picture shows
a row twice, and halves of two rows as one."""

_EASE, _ASTRAY = 2, 0.9
"""Pixels by which a row may stand otherwise than the roll tells: rounding, codecs, easing; and, in
its heights, one that was hidden while the others moved, or seen last in a torn picture."""

_SOME = 3
"""Rows that tell where rows begin."""

_FAR, _GAIN = 8, 0.3
"""Pixels from which a scroll shows, and by how much likeness at least one row tells of it."""


@dataclass
class Tracker:
    """Follows the lines of one panel from frame to frame.

    Attributes:
        detect: finds text lines in a picture (H, W, 3): quads (N, 4, 2).
        first: number of the first track.
        tracks: what is visible or only just hidden, from top to bottom.
        scrolled: pixels that the panel scrolled up so far.
    """

    detect: Callable[[Image], Quads]
    first: int = 0
    tracks: list[Track] = field(default_factory=list)
    scrolled: float = 0.0
    _given: int = 0
    _moving: bool = True
    _twice: bool = False  # a row that jumped is seen where it was, too
    _rolled: int = 0  # at the latest step, pixels
    _time: float = -np.inf
    _motion: tuple[float, float] = (np.inf, -np.inf)  # when the latest one began and ended, seconds
    _past: list[tuple[Box, float]] = field(default_factory=list)
    _heights: deque[float] = field(default_factory=lambda: deque(maxlen=40))  # of lines, pixels
    _top: float = np.inf  # highest place of a row that moved, pixels
    _slots: list[Box] = field(default_factory=list)  # where lines stood still and took turns

    def __post_init__(self) -> None:
        """Start without having looked anywhere."""
        self._search = Search()

    def step(self, panel: Panel, time: float) -> list[Track]:
        """Look at the panel in the next frame; return the tracks that are gone."""
        before = [t for t in self.tracks if t.seen and t.last == self._time]
        found = self._follow(panel, time)
        for track in found:
            self._renew(track, panel)
        self._moving |= len(found) < len(before)
        if 0 < abs(self._rolled) < _SLIDES * self.usual:
            goes_on = time - self._motion[1] <= max(_PAUSE, 1.5 * (time - self._time))
            self._motion = (self._motion[0] if goes_on else time, time)
        for track in before:
            track.fleeting = track.seen == 1 and time - track.last < _GLIMPSE
        if stripes := self._stripes(panel, found, time):
            self._look(panel, stripes, time)
        self._time = time
        gone = [
            t for t in self.tracks
            if time - t.last > _PATIENCE or not panel.holds(t.template)
        ]  # fmt: skip
        self.tracks = [t for t in self.tracks if t not in gone]
        self._past += [(t.box, self.scrolled) for t in gone if t.moved]
        self._slots = [*self._slots, *(t.box for t in gone if t.pinned)][-8:]
        self.tracks.sort(key=lambda t: float(t.box[1]))
        return gone

    def _stripes(self, panel: Panel, found: Sequence[Track], time: float) -> list[Stripe]:
        """Where to look for new lines now."""
        sliding = 0 < abs(self._rolled) < _SLIDES * self.usual
        if torn(found) or self._twice:
            self._moving = True
            return []
        if not self._search.due(time, self._moving, sliding):
            return []
        self._moving = False
        lines = {t.id: panel.inside(t.box) for t in found}
        if not sliding:
            for box in alone(panel.strokes, [*lines.values()], self.usual):
                self.tracks.append(self._adopt(panel.outside(box), panel, time))
        doubted = {t.id for t in found if not t.whole}
        return self._search.stripes(panel.strokes, lines, doubted, self.usual, time)

    @property
    def usual(self) -> float:
        """Height of a line, pixels; 0 while none was seen."""
        return median(self._heights) if self._heights else 0.0

    @property
    def left(self) -> float:
        """Where the rows that roll begin, pixels; not a number while too few are known."""
        lefts = [float(t.box[0]) for t in self.tracks if t.rolls]
        return median(lefts) if len(lefts) >= _SOME else np.nan

    def number(self) -> int:
        """Give out the next track's number."""
        self._given += 1
        return self.first + self._given - 1

    def read(self, track: Track, refused: bool = False) -> None:
        """A track was read as it looks now; ``refused``: there was no text."""
        track.wanted, track.refused = False, refused

    def want(self, track: Track) -> None:
        """A track is to be read again, though it looks as before."""
        track.wanted = True

    def settle(self, track: Track, final: bool) -> None:
        """What a track says will not change any more; or, after all, it may."""
        track.final = final

    def widen(self, track: Track) -> None:
        """What a track says goes on to the right of its box: to be read again."""
        track.box = track.box + np.array([0, 0, _DIGIT * track.height, 0], np.float32)
        track.wanted = True

    def change(self, track: Track, time: float) -> None:
        """A track looks different from a time on, seconds: to be read again."""
        track.version, track.since = track.version + 1, time
        track.wanted, track.final = True, False

    def begin(self, track: Track, time: float) -> None:
        """Another line stands where a track is from a time on, seconds."""
        track.first, track.stayed = time, 0.0

    def finish(self) -> list[Track]:
        """The stream is over: return what was still there."""
        gone, self.tracks = self.tracks, []
        return gone

    def _follow(self, panel: Panel, time: float) -> list[Track]:
        """Find every track again; return those that were."""
        tracks = self.tracks
        if not tracks:
            return []
        stay = [panel.fits(t.template) for t in tracks]
        self._rolled = shift = self._shift(panel, stay)
        self._moving |= shift != 0
        nears = [self._near(t, fit, panel, shift) for t, fit in zip(tracks, stay, strict=True)]
        self._twice = any(
            min(fit, near[0]) >= _SAME and abs(near[1] - t.template.top) > t.height / 2
            for t, fit, near in zip(tracks, stay, nears, strict=True)
        )
        found = []
        for track, fit, near in zip(tracks, stay, nears, strict=True):
            top = track.template.top
            # An equal row that comes to where it was is no sign that it stood.
            comes = any(
                best >= _SAME and abs(to - top) < 0.3 * track.height and to != near[1]
                for best, to in nears
            )
            # Nor is one that nobody knows yet, if this one is found where the others went.
            went = near[0] >= _SAME and abs(shift) > track.height / 2
            better = fit > near[0] + 0.1 and not (comes or went)
            stood = shift != 0 and (track.pinned or better)
            track.fit, place = (fit, top) if stood else near
            if track.fit >= _SAME:
                found.append((track, place - top))
            elif not track.pinned:
                track.move(shift)  # hidden, it goes along
        taken: list[Track] = []
        for track, step in sorted(found, key=lambda f: -f[0].fit):
            track.move(step)
            if any(same_place(t.box, track.box) for t in taken):
                continue  # another one is there
            taken.append(track)
            track.last = time
            track.seen += 1
            track.fleeting = False
            track.moved += abs(step)
            track.moving = step != 0
            track.owed = 0 if track.pinned or abs(shift - step) <= _EASE else shift - step
            slides = 0 < abs(step) < _SLIDES * track.height
            track.whole &= not (slides and time - track.first < _ENTERING)
            low = track.height < _LOW * self.usual and track.moved == abs(step) > 0
            track.whole &= not low  # an edge may have cut it until now
            track.stayed += min(abs(shift - step), track.height)
            self._top = min(self._top, track.template.top) if track.rolls else self._top
        # In a torn picture one half moves at first, the other one later: most of them tell.
        steps = [step for track, step in found if track.moved > 0]
        self.scrolled -= median(steps) if steps else shift
        return taken

    def _near(self, track: Track, stay: float, panel: Panel, shift: int) -> tuple[float, int]:
        """How well a track fits around where it should be, and where; ``stay``: where it was."""
        top = track.template.top
        astray = track.last < self._time and not track.pinned
        if not (shift or track.owed or astray):
            return stay, top
        reach = round(_ASTRAY * track.height) if astray else _EASE
        places = {top + shift, top + shift + track.owed}
        return max(panel.fits_near(track.template, place, reach) for place in places)

    def _shift(self, panel: Panel, stay: Sequence[float]) -> int:
        """How far the roll moved, pixels; ``stay``: likeness of each track where it was."""
        free, curves, rows = [], [], []
        pairs = [(t, fit) for t, fit in zip(self.tracks, stay, strict=True) if not t.pinned]
        # What was hidden already does not tell that anything moves now.
        left = [t for t, fit in pairs if fit < _STILL and t.last == self._time]
        if not left:
            return 0
        for track, fit in pairs:
            curve = panel.likeness(track.template)
            row = track.template._replace(top=track.template.top - panel.top)
            if track in left:
                free.append((curve, row.top, fit))
            elif fit >= _STILL:
                # It has a vote on how far, not on whether: it may have a place of its own, or be
                # one of equal messages and seem to stand where another one went.
                half = len(row.ink) // 2
                curve[max(0, row.top - half) : row.top + half + 1] = 0
            curves.append(curve)
            rows.append(row)
        shift, _ = vote(curves, rows, panel.height)
        places = [(c, at + shift, fit) for c, at, fit in free if 0 <= at + shift < len(c)]
        # Further up than any row was seen they may be cut off.
        inside = [place for place in places if place[1] >= self._top - panel.top] or places
        fits = [max(0.0, float(c[to])) for c, to, _ in inside]
        gain = max((f - fit for f, (_, _, fit) in zip(fits, inside, strict=True)), default=0.0)
        if abs(shift) > _FAR and gain < _GAIN:
            return 0  # all are still there: equal messages seem to stand in each other's places
        # Where most stand, one that is not found again has changed in place rather than moved;
        # if it seems to go down, an equal one stands there.
        few = len(free) < sum(fit >= _STILL for _, fit in pairs)
        if few and shift > 0:
            return 0
        least = _SURELY if few else _SAME
        return shift if fits and float(np.sqrt(np.mean(np.square(fits)))) >= least else 0

    def _renew(self, track: Track, panel: Panel) -> None:
        """Take in the latest look of a track; notice a change in place."""
        now, shown = panel.shown(track.template)
        if now.shape != track.template.ink.shape:
            return
        watched = track.fit < _EQUAL and not track.final
        if watched and another(track.strokes, shown):
            track.doubt += 1
            if track.doubt < 2:
                if shown.mean() > _CLEAR * track.clarity:  # it may be the last that is seen of it
                    track.view = panel.view(track.box, self.usual)
                return
            self.change(track, track.last)
            if track.refused:
                self.begin(track, track.last)
                track.refused = False
            mix = 1.0
        else:
            mix = 0.3
        track.doubt = 0
        track.strokes = track.strokes * np.float32(1 - mix) + shown * np.float32(mix)
        mixed = track.template.ink * np.float32(1 - mix) + now * np.float32(mix)
        track.template = track.template._replace(ink=mixed)
        clarity = float(shown.mean())
        fading = clarity <= _CLEAR * track.clarity and not track.wanted
        if not (fading or track.final):
            track.view, track.clarity = panel.view(track.box, self.usual), clarity

    def _look(self, panel: Panel, stripes: Sequence[Stripe], time: float) -> None:
        """Look for lines in stripes; adopt those that no track explains."""
        entering = {t.id for t in self.tracks if not t.whole}
        for track in self.tracks:
            track.whole |= shown(panel.inside(track.box), stripes)
        picture = stacked(panel.image, stripes, self.usual)
        for line in find_lines(self.detect, picture, self.usual):
            box = panel.outside(without_avatar(unstacked(line, stripes), panel.image))
            known = [t for t in self.tracks if t.last == time and same_place(t.box, box)]
            if not known and not self._leaving(box, panel.top, time):
                self.tracks.append(self._adopt(box, panel, time))
            if 0 < _TALL * self.usual < box[3] - box[1]:
                continue  # something that moves behind them
            parts = [t for t in known if box[3] - box[1] > 1.2 * t.height]
            if len(known) > 1 and len(parts) == len(known):  # of a line that was coming in
                self.tracks = [t for t in self.tracks if t not in parts[1:]]
            elif len(known) != 1:
                continue
            track = known[0]
            if box[2] < track.box[2] - track.height:
                continue  # an icon beside it
            lower = box[3] > track.box[3] + _CUT * track.height
            grown = box[3] - box[1] > 1.2 * track.height or (track.id in entering and lower)
            longer = box[2] > track.box[2] + track.height and track.box[0] > box[0] - 8
            if grown or longer:
                track.reshape(box, panel)
                track.whole = False
                track.view = panel.view(box, self.usual)
                self.change(track, time)
        for track in self.tracks:
            if track.id in entering and track.whole:
                self._note(track.box)

    def _note(self, box: Box) -> None:
        """Learn how high lines are."""
        tall = float(box[3] - box[1])
        if box[2] - box[0] > _LONG * tall:
            self._heights.append(tall)

    def _leaving(self, box: Box, top: int, time: float) -> bool:
        """True for what is left, above all rows, of one that scrolls out or had left before."""
        rows = [t for t in self.tracks if t.last == time and t.rolls]
        hidden = [t.box for t in self.tracks if t.last < time and t.moved]
        gone = [b - np.array([0, up, 0, up], np.float32) for b, up in self._ghosts()]
        there = [b for b in hidden + gone if shared(b, box) > 0.3]
        fades = any(abs(b[2] - box[2]) < self.usual for b in there)  # and ends where it ended
        slack = 0.3 * self.usual
        if box[1] > top + slack and box[3] < self._top + slack and not fades:
            return False  # rows do not come up there, nor is it cut off
        low = box[3] - box[1] < 0.75 * self.usual
        if not rows:  # they were hidden, all of them
            return low and bool(box[1] < self._top + self.usual / 2 < np.inf)
        if any(t.box[1] < box[1] for t in rows):
            return False
        pinned = [t.box for t in self.tracks if t.pinned]
        if any(shared(slot, box) > 0.7 for slot in (*self._slots, *pinned)):
            return False  # the next one's turn
        return low or bool(there)

    def _ghosts(self) -> list[tuple[Box, float]]:
        """Rows that scrolled and were lost, but may show yet, and how far they went on since."""
        self._past = [(b, at) for b, at in self._past if 0.6 * (b[3] - b[1]) > self.scrolled - at]
        return [(b, self.scrolled - at) for b, at in self._past]

    def _adopt(self, box: Box, panel: Panel, time: float) -> Track:
        template = panel.template(box)
        shown = panel.shown(template)[1].copy()
        if box[3] < panel.top + panel.height - _EASE:  # else it may be cut off
            self._note(box)
        return Track(
            id=self.number(),
            first=time,
            last=time,
            box=box,
            template=template,
            strokes=shown,
            view=panel.view(box, self.usual),
            clarity=float(shown.mean()),
            since=time,
            came=self._motion[0] if time - self._motion[1] <= SLIDE + _PAUSE else time,
        )
