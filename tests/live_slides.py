"""Are real screens read when they roll? python tests/live_slides.py live_rooms

Each screenshot of a folder (its ``chats.jsonl`` says where the comments stand and what they say)
becomes a clip: the comments come in from below and roll out above, and the rest stands still.
Every message must be told, right, and once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from shizi.evaluate.live import matching
from shizi.evaluate.rooms import _deed, _follow, _letters, compare
from shizi.evaluate.sets import LiveEvalOptions
from shizi.images.load import load
from shizi.live.event import Event
from shizi.live.frame import Frame
from shizi.live.options import RegionOptions
from shizi.live.see.reading.vote import near
from shizi.live.see.watch import Watch, live_reader
from shizi.page import Image

FPS = 10
Place = tuple[int, int, int, int]


def rolled(image: Image, place: Place, way: str) -> Iterator[Frame]:
    """The screen while its comments roll through: a twelfth a second, or a tenth at once."""
    x0, y0, x1, y1 = place
    chat = image[y0:y1, x0:x1]
    high = len(chat)
    paper = np.empty_like(chat)
    paper[:] = np.median(chat.reshape(-1, 3), axis=0)
    tall = np.concatenate([paper, chat, paper])
    step, held = (high / 12 / FPS, 1) if way == "slide" else (high / 10, FPS)
    offsets = np.repeat(np.minimum(np.arange(0, high + step, step), high), held)
    for index, offset in enumerate([*offsets.round().astype(int), *[high] * FPS]):
        frame = image.copy()
        frame[y0:y1, x0:x1] = tall[offset : offset + high]
        yield Frame(index / FPS, index, image.shape[1], image.shape[0], frame)


def told(image: Image, place: Place, way: str, region: str) -> list[Event]:
    high, wide = image.shape[:2]
    if region == "given":
        region = ",".join(
            f"{v / n:.4f}" for v, n in zip(place, (wide, high, wide, high), strict=True)
        )
    watch = Watch(live_reader(1), region=RegionOptions(region))
    return _follow(watch, rolled(image, place, way), LiveEvalOptions((Path(),)))[0]


def doubled(truth: Sequence[tuple[str, str]], told: Sequence[tuple[str, str]]) -> list[str]:
    """What was told of a message of which something was told already."""
    there, found = (["：".join(map(_letters, pair)) for pair in side] for side in (truth, told))
    fit = np.array([[near(a, b) for b in found] for a in there]).reshape(len(there), len(found))
    pairs = [j for _, j in matching(np.where(fit >= 0.5, fit, 0.0))]
    return [found[j] for j in range(len(found)) if j not in pairs and fit[:, j].max() >= 0.5]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ways", nargs="+", choices=("slide", "jump"), default=["slide", "jump"])
    parser.add_argument(
        "--regions", nargs="+", choices=("given", "auto"), default=["given", "auto"]
    )
    chosen = parser.parse_args()
    sums = np.zeros(3, int)
    for line in (chosen.folder / "chats.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        image, truth = (
            load(chosen.folder / row["image"]),
            [(m["user"], m["text"]) for m in row["messages"]],
        )
        for way in chosen.ways:
            for region in chosen.regions:
                events = told(image, tuple(row["chat_rect"]), way, region)
                said = [(e.user, e.text or _deed(e)) for e in events]
                right, wrong = compare(truth, said)
                twice = doubled(truth, said)
                sums += right, len(truth), len(twice)
                print(
                    f"{row['image']} {way} {region}: {right} of {len(truth)} right, "
                    f"{len(said)} told, {len(twice)} doubled",
                    flush=True,
                )
                for was, became in wrong:
                    print(f"    {was!r} -> {became!r}", flush=True)
    print(f"{sums[0]} of {sums[1]} right ({sums[0] / max(1, sums[1]):.1%}), {sums[2]} doubled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
