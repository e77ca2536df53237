"""Simulated live rooms: a clip and the events that it shows.

What is drawn follows real rooms: somebody who moves in a lit place, rows over that picture or in a
panel beside it, badges, coloured nicknames with signs and pictograms, nicknames that no colon ends,
translucent strips, a fade at the top, indented lines, bursts, gifts counted up in place, cards that
were paid for, joins that take turns, a pinned notice, repeats, comments that fly across the
picture, a camera that shakes, and the loss of a video codec.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from shizi.errors import DataError
from shizi.live.options import SimulateOptions
from shizi.live.simulate import scene as scenes
from shizi.live.simulate import script as scripts
from shizi.live.simulate import style as styles
from shizi.live.simulate.scene import SAY_HIGH, TABS_END, Scene, draw_scene
from shizi.live.simulate.script import (
    SIGNS,
    Pace,
    Rng,
    adorned,
    notice,
    paid,
    read_lines,
    write_script,
)
from shizi.live.simulate.stage import Setting, Stage, slot_height
from shizi.live.simulate.style import PICTOGRAMS, draw_row, draw_style
from shizi.page import Image
from shizi.synth.paint.fonts import Face, load_faces, system_fonts

PACES = {"easy": Pace(0.9, 2.0, 0.2), "hard": Pace(1.5, 6.0, 0.3)}
CRF = {"easy": 23, "hard": 33}
_UNUSUAL = {"Light", "DemiLight", "TC"}
"""Words in the names of faces that are too thin, or set a colon in the middle of its square."""


@dataclass(frozen=True)
class Clip:
    """A simulated room, ready to be shown.

    Attributes:
        stage: its rows.
        scene: what moves behind them.
        region: the comment area as fractions x0, y0, x1, y1.
    """

    stage: Stage
    scene: Scene
    region: tuple[float, float, float, float]


def simulate(options: SimulateOptions, clip: Path, truth: Path) -> None:
    """Write a clip (H.264 in MP4) and its events, a JSON line each.

    Raises:
        DataError: a text file cannot be read, or no Chinese font is installed.
        MissingExtraError: fontTools is not installed.
    """
    room = make_room(options)
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=options.fps)
        stream.width, stream.height = room.scene.width, room.scene.height
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, options.fps)
        stream.options = {"crf": str(CRF[options.level]), "preset": "veryfast"}
        for frame in frames(room, options):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    lines = (json.dumps(e.to_dict(), ensure_ascii=False) for e in room.stage.truth())
    truth.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def frames(room: Clip, options: SimulateOptions) -> Iterator[Image]:
    """Show the room: RGB frames (H, W, 3), without codec loss."""
    for index in range(round(options.seconds * options.fps)):
        time = index / options.fps
        frame = room.scene.at(time)
        room.stage.advance(time)
        room.stage.paint(frame)
        yield frame


def make_room(options: SimulateOptions) -> Clip:
    """Draw a room by chance.

    Raises:
        DataError: a text file cannot be read, or no Chinese font is installed.
        MissingExtraError: fontTools is not installed.
    """
    rng = np.random.default_rng([options.seed, 0x5EE])
    portrait = options.shape == "portrait" or (options.shape == "any" and rng.random() < 0.5)
    face = _face(rng)
    hard = options.level == "hard"
    size = 22 if hard else int(rng.integers(24, 31))
    width, height = (720, 1280) if portrait else (1280, 720)
    left = round(width * (0.025 if portrait else rng.uniform(0.70, 0.74)))
    wide = round(width * rng.uniform(0.66, 0.76)) if portrait else width - left - 12
    style = draw_style(rng, face, size, wide, portrait)
    place = _place(rng, portrait, left, size, height, hard)
    looks = np.random.default_rng([options.seed, 0x100C])
    style = replace(
        style,
        frames=looks.random() < 0.4,
        banners=place.gift_slot and looks.random() < 0.6,
        hang=round(size * looks.uniform(1, 3)) if looks.random() < 0.25 else 0,
        colon="  " if looks.random() < 0.15 else style.colon,
    )
    if portrait and np.random.default_rng([options.seed, 0x57AC]).random() < 0.15:
        style = replace(style, stacked=True, colon="  ")
    if portrait and place.join_slot:  # which stands above the input field
        place = replace(place, bottom=min(place.bottom, height - SAY_HIGH - round(2.8 * size)))
    comments = read_lines(options.texts, face.covers)
    script = write_script(rng, options.seconds, PACES[options.level], comments)
    script = adorned(looks, script, [s for s in SIGNS if face.covers(s)] + list(PICTOGRAMS))
    if not portrait and looks.random() < 0.3:  # portrait rooms have none
        script = paid(looks, script, 0.08)
    if style.badge == "none":  # nobody sees a level
        script = [replace(message, level=None) for message in script]
    pinned = notice(rng) if rng.random() < 0.4 else None
    above = place.gift_slot * slot_height(style) + (draw_row(style, pinned).height if pinned else 0)
    if not portrait:
        place = replace(place, top=max(place.top, round(TABS_END + above)))
    top = place.top - above
    bottom = place.bottom + (2.6 * size if place.join_slot else 0)
    region = (
        max(0.0, (left - 4) / width), max(0.0, (top - 4) / height),
        min(1.0, (left + wide + 4) / width), min(1.0, (bottom + 4) / height),
    )  # fmt: skip
    scene = draw_scene(
        rng, width, height, None if portrait else (left - 8, style.light), face, options.seconds
    )
    return Clip(Stage(style, place, script, pinned), scene, region)


def _place(rng: Rng, portrait: bool, left: int, size: int, height: int, hard: bool) -> Setting:
    jumps = rng.random() < (0.5 if hard else 0.3)
    if portrait:
        top, bottom = height * rng.uniform(0.56, 0.64), height * rng.uniform(0.87, 0.9)
    else:
        top, bottom = height * rng.uniform(0.33, 0.36), height * rng.uniform(0.88, 0.93)
    return Setting(
        left=left,
        top=round(top),
        bottom=round(bottom),
        gap=round(size * rng.uniform(0.15, 0.45)),
        fade=round(size * rng.uniform(1.5, 3)) if portrait and rng.random() < 0.7 else 0,
        ease=1.0 if jumps else float(rng.uniform(0.25, 0.6)),
        join_slot=portrait and rng.random() < 0.4,
        gift_slot=rng.random() < 0.4,
    )


def _face(rng: Rng) -> Face:
    """A sans-serif of a weight that screens use, with every character that is drawn."""
    words = styles.WORDS + scenes.WORDS + scripts.WORDS
    paths = system_fonts()
    for i in rng.permutation(len(paths)):
        faces = [f for f in load_faces([paths[i]], need_han=False) if f.han and f.style == "hei"]
        faces = [f for f in faces if f.covers(words) and not _UNUSUAL & set(f.name.split())]
        if faces:
            return faces[int(rng.integers(len(faces)))]
    raise DataError("no sans-serif font of simplified Chinese found; install fonts-noto-cjk")


__all__ = ["Clip", "SimulateOptions", "frames", "make_room", "simulate"]
