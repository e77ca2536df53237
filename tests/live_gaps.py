"""Is anything told twice or lost over gaps? python tests/live_gaps.py --seeds 1501

Simulated rooms are damaged on their way: a keyboard covers the lower part of the picture, a menu
all of it, frames are torn, dropped or cut out, the resolution changes. Every message that
could be read for half a second must be told, and none twice.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from shizi.evaluate.live import RULES, matching
from shizi.evaluate.rooms import _follow
from shizi.evaluate.sets import LiveEvalOptions
from shizi.live.event import Event
from shizi.live.frame import Frame
from shizi.live.options import SimulateOptions
from shizi.live.see.watch import Watch, live_reader
from shizi.live.simulate import make_room, simulate
from shizi.live.stream.source import open_source
from shizi.page import Image
from shizi.reader import Reader

LONG = 0.5
"""Seconds for which a message must have been visible to be missed."""

COVERED = ((10.0, 13.0), (20.0, 23.0), (30.0, 33.0))
AWAY = ((12.0, 14.5), (25.0, 27.5))
"""From when until when, seconds."""


def within(time: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(a <= time < b for a, b in spans)


def plain(frames: Iterator[Frame]) -> Iterator[Frame]:
    yield from frames


def keyboard(frame: Frame) -> Frame:
    """A keyboard over the lower part of a picture."""
    image, (w, h) = frame.image.copy(), (frame.width, frame.height)
    y = edge(h, w)
    image[y:] = (210, 213, 219)
    for row in range(4):
        for key in range(10):
            x0, y0 = int(w * (key + 0.1) / 10), y + 40 + row * (h - y) // 5
            image[y0 : y0 + (h - y) // 7, x0 : x0 + int(w * 0.08)] = (250, 250, 252)
    return replace(frame, picture=image)


def edge(height: int, width: int) -> int:
    """Row at which the keyboard begins, pixels."""
    return int(height * (0.5 if height > width else 0.25))


def covered(frames: Iterator[Frame]) -> Iterator[Frame]:
    for frame in frames:
        yield keyboard(frame) if within(frame.time, COVERED) else frame


def menu(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Something plain over the whole picture."""
    for frame in frames:
        hidden = within(frame.time, AWAY)
        yield replace(frame, picture=np.full_like(frame.image, 240)) if hidden else frame


def dropped(share: float) -> Callable[[Iterator[Frame]], Iterator[Frame]]:
    def damage(frames: Iterator[Frame]) -> Iterator[Frame]:
        rng = random.Random(7)
        for frame in frames:
            if rng.random() >= share:
                yield frame

    return damage


def torn(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Below a line the picture is still the one before."""
    rng, last = random.Random(5), None
    for frame in frames:
        image = frame.image
        if last is not None and rng.random() < 0.2:
            cut = rng.randrange(len(image))
            yield replace(frame, picture=np.concatenate([image[:cut], last[cut:]]))
        else:
            yield frame
        last = image


def cut(frames: Iterator[Frame]) -> Iterator[Frame]:
    for frame in frames:
        if not within(frame.time, AWAY):
            yield frame


def resized(frames: Iterator[Frame]) -> Iterator[Frame]:
    for frame in frames:
        if within(frame.time, ((20.0, 40.0),)):
            w, h = round(frame.width * 0.75), round(frame.height * 0.75)
            image: Image = np.asarray(
                cv2.resize(frame.image, (w, h), interpolation=cv2.INTER_AREA), np.uint8
            )
            frame = replace(frame, width=w, height=h, picture=image)
        yield frame


DAMAGE = {
    "plain": plain, "covered": covered, "menu": menu, "torn": torn, "cut": cut,
    "dropped 10 %": dropped(0.1), "dropped 50 %": dropped(0.5), "resized": resized,
}  # fmt: skip


class Visible:
    """A message, from when to when it was there, and for how long it could be read."""

    def __init__(self, event: Event) -> None:
        self.event, self.spans = event, [event.time, event.time]
        self.clear = 0.0


def visible(options: SimulateOptions, damage: str) -> list[Visible]:
    """What could be read in a room that was damaged, second by second."""
    room = make_room(options)
    stage, place = room.stage, room.stage.place
    there: dict[int, tuple[object, list[float], float]] = {}
    for index in range(round(options.seconds * options.fps)):
        time = index / options.fps
        stage.advance(time)
        low, top = 10_000.0, place.top + place.fade
        if damage == "covered" and within(time, COVERED):
            low = edge(room.scene.height, room.scene.width)
        away = damage in ("menu", "cut") and within(time, AWAY)
        for shown in [*stage._roll, *stage._slots.values()]:
            rolls = shown in stage._roll
            y = shown.y - stage._offset + place.bottom if rolls else shown.y
            end = y + shown.sprite.height
            inside = not rolls or (y >= top - 2 and end <= place.bottom + 1)
            some = not rolls or (end >= place.top and y < place.bottom)
            _, spans, clear = there.get(id(shown), (shown, [time, time], 0.0))
            if some and not away:
                spans[1] = time
            clear += (inside and end <= low and not away) / options.fps
            there[id(shown)] = (shown, spans, clear)
    events = {id(s): e for s, e in zip(_in_order(stage), stage.truth(), strict=True)}
    out = []
    for key, (_, spans, clear) in there.items():
        if key in events:
            one = Visible(events[key])
            one.spans, one.clear = spans, clear
            out.append(one)
    return out


def _in_order(stage: object) -> list[object]:
    shown = [
        s for s in (*stage._gone, *stage._roll, *stage._slots.values()) if s.seen is not None  # type: ignore[attr-defined]
    ]  # fmt: skip
    shown.sort(key=lambda s: (s.seen, s.message.time))
    return shown


def alike(a: Event, b: Event) -> float:
    said = (
        f"{e.user}:{e.text if e.kind in ('comment', 'notice', 'system') else ''}" for e in (a, b)
    )
    return float(Levenshtein.normalized_similarity(*map(RULES, said))) if a.kind == b.kind else 0.0


def compare(
    truth: Sequence[Visible], told: Sequence[Event]
) -> tuple[list[Event], list[Event], list[Event]]:
    """What was told twice, what was lost, and what was told of nothing."""
    fit = np.zeros((len(truth), len(told)))
    for i, one in enumerate(truth):
        for j, event in enumerate(told):
            if one.spans[0] - 1 <= event.time <= one.spans[1] + 1:
                likeness = alike(one.event, event)
                fit[i, j] = likeness + 0.001 * (one.clear >= LONG) if likeness >= 0.6 else 0.0
    pairs = dict(matching(fit))
    over = [j for j in range(len(told)) if j not in pairs.values()]
    twice = [told[j] for j in over if (fit[:, j] > 0).any()]
    made = [told[j] for j in over if not (fit[:, j] > 0).any()]
    lost = [x.event for i, x in enumerate(truth) if i not in pairs and x.clear >= LONG]
    return twice, lost, made


def follow(reader: Reader, clip: Path, damage: str) -> list[Event]:
    with open_source(str(clip)) as source:
        frames = DAMAGE[damage](iter(source))
        return _follow(Watch(reader), frames, LiveEvalOptions((clip,)))[0]


def rooms(seeds: Sequence[int], seconds: float) -> Iterator[tuple[str, SimulateOptions]]:
    for seed in seeds:
        for level in ("easy", "hard"):
            yield f"{level}{seed}", SimulateOptions(seed=seed, seconds=seconds, level=level)  # type: ignore[arg-type]


def main(reader: Reader | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--damage", nargs="+", choices=DAMAGE, default=list(DAMAGE))
    parser.add_argument("--rooms", nargs="+", help="such as easy1501: these alone")
    parser.add_argument("--keep", type=Path, help="folder for the clips")
    chosen = parser.parse_args()
    reader, sums = reader or live_reader(1), {}
    with tempfile.TemporaryDirectory(prefix="shizi-") as name:
        folder = chosen.keep or Path(name)
        for room, options in rooms(chosen.seeds, chosen.seconds):
            if chosen.rooms and room not in chosen.rooms:
                continue
            clip = folder / f"{room}.mp4"
            if not clip.exists():
                simulate(options, clip, folder / f"{room}.jsonl")
            for damage in chosen.damage:
                truth = visible(options, damage)
                found = compare(truth, follow(reader, clip, damage))
                sums[damage] = sums.get(damage, np.zeros(3, int)) + [len(x) for x in found]
                print(f"{damage:12} {room}: {len(truth)} shown, told twice {len(found[0])}, "
                      f"lost {len(found[1])}, of nothing {len(found[2])}", flush=True)  # fmt: skip
                for what, events in zip(("twice", "lost", "nothing"), found, strict=True):
                    for e in events:
                        print(f"    {what:8} {e.time:6.2f} {e.kind} {e.user}: {e.text}", flush=True)
    for damage, (twice, lost, made) in sums.items():
        print(f"{damage:12} told twice {twice}, lost {lost}, of nothing {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
