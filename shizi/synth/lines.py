"""Line crops with their text, as a detector would cut them: for training recognition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.crop import lay_out
from shizi.page import Image
from shizi.synth.chance import Rng, pick, weighted
from shizi.synth.looks import LOOKS, Look
from shizi.synth.paint import degrade, emoji
from shizi.synth.paint.fonts import Face
from shizi.synth.paint.ink import ACCENTED, Ink, draw_text, draw_vertical
from shizi.synth.wording.text import stackable
from shizi.synth.world import SynthOptions, World, build_world, rng_for
from shizi.synth.write import write_shards

_LONGEST = 1200  # a crop's width, pixels


@dataclass(frozen=True)
class SynthLineOptions(SynthOptions):
    """What synthetic lines look like: the weight of every look."""

    document: float = field(default=0.32, metadata={"help": "weight of print on paper"})
    screen: float = field(default=0.17, metadata={"help": "weight of user interface text"})
    overlay: float = field(default=0.18, metadata={"help": "weight of chat over video"})
    subtitle: float = field(default=0.07, metadata={"help": "weight of subtitles"})
    sign: float = field(default=0.2, metadata={"help": "weight of signs and posters"})
    receipt: float = field(default=0.06, metadata={"help": "weight of receipts"})
    latin: float = field(default=0.25, metadata={"help": "share of lines in Latin letters"})
    emoji: float = field(default=0.03, metadata={"help": "share of lines with emoji, unlabelled"})
    column: float = field(default=0.03, metadata={"help": "share of columns, laid out to be read"})
    whole: float = field(
        default=0.0,
        metadata={"help": "share of lines that say a string of --texts as it stands"},
    )

    def looks(self) -> dict[str, float]:
        """Look -> weight."""
        return {name: getattr(self, name) for name in LOOKS}


@dataclass(frozen=True, slots=True)
class LineSample:
    """One crop.

    Attributes:
        image: RGB uint8 (H, W, 3); H is 12 to 64, W up to about 1200.
        text: what it says, NFC, single spaces.
    """

    image: Image
    text: str


def line_samples(options: SynthLineOptions, seed: int) -> Iterator[LineSample]:
    """Yield samples 0, 1, 2 … for ever."""
    world, index = build_world(options), 0
    while True:
        yield render_line(world, options, seed, index)
        index += 1


def render_line(world: World, options: SynthLineOptions, seed: int, index: int) -> LineSample:
    """Render sample ``index``: it depends on ``seed`` and ``index`` only."""
    rng = rng_for(seed, index)
    sample = _attempt(world, options, rng)
    for _ in range(3):
        if _visible(sample.image):
            break
        sample = _attempt(world, options, rng)
    return sample


def _visible(crop: Image) -> bool:
    """False for a crop on which chance left next to nothing to see."""
    return float(cv2.meanStdDev(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))[1][0, 0]) > 9


def _attempt(world: World, options: SynthLineOptions, rng: Rng) -> LineSample:
    look = LOOKS[weighted(rng, options.looks())]
    if options.column and rng.random() < options.column:
        column = _column(world, rng, look)
        if column is not None:
            return column
    kind = "latin" if rng.random() < options.latin else weighted(rng, look.texts)
    if options.whole and kind != "latin" and rng.random() < options.whole:
        kind = "whole"
    text, face = world.phrase(rng, kind, look.styles)
    if world.emoji and rng.random() < options.emoji:
        text = emoji.make_room(rng, text)
    ink = emoji.widened(set_line(world, rng, text, face, _size(rng, look, text), look))
    margin = ink.size // 2
    wide = _padded(ink, margin, margin)
    image = look.paint(world, rng, wide)
    if emoji.ROOM in text:
        image = degrade.camera(emoji.paste(image, wide, rng, world.emoji), rng, 0.4)
    crop = _cut(image, wide, rng)
    if rng.random() < 0.08:  # far away
        crop = degrade.resample(crop, rng, max(0.25 + 0.4 * rng.random(), 9 / len(crop)))
    return LineSample(_shrunk(crop, rng), emoji.without_rooms(ink.text))


def _column(world: World, rng: Rng, look: Look) -> LineSample | None:
    """A column of Han whose characters were laid side by side, as reading does.

    Its commas and stops stand at the upper right of their cells. None where no face has all of its
    characters, or reading would not tell them apart.
    """
    text = stackable(world.texts.make(rng, "sentence", "")).lstrip("，。、")[:24]
    face = world.book.draw(rng, look.styles, text) if len(text) > 1 else None
    if face is None:
        return None
    size = _size(rng, look, text)
    ink = draw_vertical(text, face, size, float(rng.choice((0.0, 0.0, 0.05, 0.1, 0.2))))
    wide = _padded(ink, size // 2, size // 2)
    left, right, up, down = (rng.random(4) * 0.17 - 0.02) * size
    image = look.paint(world, rng, wide)
    crop = image[int(wide.top - up) : int(wide.bottom + down) + 1]
    crop = crop[:, int(wide.left - left) : int(wide.right + right) + 1]
    line, edges = lay_out(np.ascontiguousarray(crop))
    return LineSample(_shrunk(line, rng), text) if len(edges) == len(text) + 1 else None


def _shrunk(crop: Image, rng: Rng) -> Image:
    """The crop, 64 px high at most."""
    if crop.shape[0] > 64:
        scale = rng.integers(44, 64) / crop.shape[0]
        crop = np.asarray(
            cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.ascontiguousarray(crop)


def _size(rng: Rng, look: Look, text: str) -> int:
    """Pixels per em, smaller for a text that would become too long; even above 20."""
    low, high = look.sizes
    size = low + (high - low) * rng.random() ** 1.3
    width = sum(0.55 if c < "⺀" else 1.0 for c in text)
    size = max(10.0, min(size, _LONGEST / max(width, 1)))
    return int(size) if size < 20 else int(size / 4) * 4


def set_line(world: World, rng: Rng, text: str, face: Face, size: int, look: Look) -> Ink:
    """Draw ``text`` with chance's choice of Latin face, spacing and smoothing."""
    latin = None
    accents = "".join(ACCENTED.findall(text))  # Chinese faces set these a whole em wide
    pure = all(c < "⺀" for c in text)
    if accents or rng.random() < (0.88 if pure else 0.4):
        styles: tuple[str, ...] = (pick(rng, look.styles),)
        if accents:
            styles = ("hei", "song")
        elif pure and rng.random() < 0.6:  # any hand
            styles = ("hei", "hei", "song", "mono", "display")
        latin = world.book.draw_latin(rng, styles, accents + "0Aa", 9)
        if pure and latin is not None and latin.capitals:
            text = text.upper()
    spacing = 0.0
    if rng.random() < 0.25 and len(text) < 30:
        spacing = float(rng.choice((0.05, 0.1, 0.2, 0.35, 0.6), p=(0.3, 0.25, 0.2, 0.15, 0.1)))
        if not any(c >= "⺀" for c in text):
            spacing *= 0.4
    smooth = size > 30 or rng.random() > (0.35 if look is LOOKS["screen"] else 0.05)
    return draw_text(text, face, size, latin, spacing, smooth)


def _padded(ink: Ink, x: int, y: int) -> Ink:
    """The same ink in a larger canvas: room for the crop's margins and the neighbours."""
    mask = cv2.copyMakeBorder(ink.mask, y, y, x, x, cv2.BORDER_CONSTANT, value=0)
    return Ink(ink.text, np.asarray(mask, np.uint8), tuple(e + x for e in ink.edges), ink.size,
               ink.top + y, ink.bottom + y, ink.left + x, ink.right + x)  # fmt: skip


def _cut(image: Image, ink: Ink, rng: Rng) -> Image:
    """Cut the line out as detectors do: margins, a little tilt, shear, perspective, stretch."""
    em = ink.size
    mode = rng.random()
    low, high = (-0.03, 0.05) if mode < 0.25 else (0.02, 0.14) if mode < 0.75 else (0.08, 0.32)
    up, down = (low + (high - low) * rng.random(2)) * em
    if rng.random() < 0.1:  # off centre
        up, down = up - 0.06 * em, down + 0.15 * em
    left, right = (rng.random(2) ** 2 * 0.5 - 0.03) * em
    if rng.random() < 0.25:  # close to the ink, as words are labelled
        left, right = (rng.random(2) * 0.08 - 0.04) * em
    if rng.random() < 0.06:  # clipped at an end, but readable
        left = -0.1 * em * rng.random()
    if rng.random() < 0.06:
        right = -0.1 * em * rng.random()
    x0, x1, y0, y1 = ink.left - left, ink.right + right, ink.top - up, ink.bottom + down
    quad: NDArray[np.float32] = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    height, width = y1 - y0, x1 - x0
    if rng.random() < 0.45:
        quad = _bent(quad, rng, width, height)
    stretch = (
        float(np.exp(rng.normal(0, 0.08)))
        if rng.random() < 0.6
        else float(np.exp(rng.normal(0, 0.2)))
    )
    out_h = max(10, round(height))
    out_w = int(np.clip(round(width * stretch), 8, _LONGEST + 100))
    target = np.array([[0, 0], [out_w, 0], [out_w, out_h], [0, out_h]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad - 0.5, target - 0.5)
    flags = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
    crop = cv2.warpPerspective(
        image, matrix, (out_w, out_h), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    if rng.random() < 0.15:
        crop = degrade.light(
            np.asarray(crop, np.uint8), 0.8 + 0.4 * rng.random(), 20 * rng.random() - 10
        )
    return np.asarray(crop, np.uint8)


def _bent(quad: NDArray[np.floating], rng: Rng, width: float, height: float) -> NDArray[np.float32]:
    """Tilt (its rise at most a quarter of the height and 3 degrees), shear and perspective."""
    most = min(np.tan(np.radians(3)) * width, 0.22 * height) / 2
    rise = (rng.random() * 2 - 1) * most
    quad = quad + np.array([[0, -rise], [0, rise], [0, rise], [0, -rise]], np.float32)
    if rng.random() < 0.4:
        lean = float(rng.normal(0, 0.12)) * height
        quad = quad + np.array([[lean, 0], [lean, 0], [-lean, 0], [-lean, 0]], np.float32) / 2
    if rng.random() < 0.5:
        quad = quad + rng.normal(0, 0.03 * height, (4, 2)).astype(np.float32)
    return quad.astype(np.float32)


def write_lines(
    options: SynthLineOptions, out_dir: Path, count: int, seed: int, workers: int = 1
) -> None:
    """Write ``count`` crops to ``out_dir/images`` and ``labels.tsv`` (image<TAB>text).

    Done parts are kept: a run that was stopped goes on where it was.

    Raises:
        DataError: ``out_dir`` holds a set made with other options or another seed.
    """
    write_shards(_LineJob(options, seed), out_dir, count, "labels.tsv", workers, "lines")


@dataclass(frozen=True)
class _LineJob:
    """Writes one sample and returns its row; picklable, so that worker processes can run it."""

    options: SynthLineOptions
    seed: int

    def __call__(self, out_dir: Path, index: int) -> str:
        sample = render_line(build_world(self.options), self.options, self.seed, index)
        name = f"images/{index // 1000:03d}/{index:06d}.jpg"
        cv2.imwrite(str(out_dir / name), sample.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        return f"{name}\t{sample.text}"
