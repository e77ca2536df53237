"""Whole pages with their lines: for training detection and for end-to-end tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.geometry import area, intersection
from shizi.page import Image
from shizi.synth.chance import Rng, weighted
from shizi.synth.kinds.documents import document
from shizi.synth.kinds.drawing import Drawing, PageLine
from shizi.synth.kinds.scenes import blank, scene, subtitle
from shizi.synth.kinds.screens import overlay, screen
from shizi.synth.paint import backgrounds as bg
from shizi.synth.paint import degrade
from shizi.synth.world import SynthOptions, World, build_world, rng_for
from shizi.synth.write import write_shards

_READABLE = 8.0  # a line less high than this (pixels) is marked `ignore`
_VISIBLE = 0.75  # so is one of which less than this lies inside the picture


@dataclass(frozen=True)
class SynthPageOptions(SynthOptions):
    """What synthetic pages look like: the weight of every kind, and the sizes."""

    document: float = field(default=0.32, metadata={"help": "weight of print on paper"})
    screen: float = field(default=0.17, metadata={"help": "weight of user interfaces"})
    overlay: float = field(default=0.13, metadata={"help": "weight of chat panels over pictures"})
    scene: float = field(default=0.29, metadata={"help": "weight of signs, posters, products"})
    subtitle: float = field(default=0.06, metadata={"help": "weight of films with subtitles"})
    blank: float = field(default=0.03, metadata={"help": "weight of pictures without text"})
    shortest: int = field(default=320, metadata={"help": "least long side, pixels"})
    longest: int = field(default=1600, metadata={"help": "greatest long side, pixels"})


@dataclass(frozen=True, slots=True)
class PageSample:
    """A picture and what stands on it.

    Attributes:
        image: RGB uint8 (H, W, 3).
        lines: in the order they were written; quads lie inside the picture.
    """

    image: Image
    lines: tuple[PageLine, ...]


_Draw = Callable[[World, Rng, int, int], Drawing]
_KINDS: dict[str, _Draw] = {
    "document": document,
    "screen": screen,
    "overlay": overlay,
    "scene": scene,
    "subtitle": subtitle,
    "blank": blank,
}


def page_samples(options: SynthPageOptions, seed: int) -> Iterator[PageSample]:
    """Yield pages 0, 1, 2 … for ever."""
    world, index = build_world(options), 0
    while True:
        yield render_page(world, options, seed, index)
        index += 1


def render_page(world: World, options: SynthPageOptions, seed: int, index: int) -> PageSample:
    """Render page ``index``: it depends on ``seed`` and ``index`` only."""
    rng = rng_for(seed, index)
    kind = weighted(rng, {name: getattr(options, name) for name in _KINDS})
    height, width = _shape(rng, options, kind)
    drawing = _KINDS[kind](world, rng, height, width)
    if kind == "document":
        drawing = (
            _photographed(world, drawing, rng) if rng.random() < 0.5 else _scanned(drawing, rng)
        )
    elif kind == "screen":
        drawing = _shown(drawing, rng)
    elif kind in ("overlay", "subtitle"):
        drawing = _streamed(drawing, rng)
    else:
        drawing = _snapped(drawing, rng)
    h, w = drawing.image.shape[:2]
    lines = (clipped(line, h, w) for line in drawing.lines)
    return PageSample(drawing.image, tuple(line for line in lines if line is not None))


def _shape(rng: Rng, options: SynthPageOptions, kind: str) -> tuple[int, int]:
    """Height and width, pixels."""
    span = options.longest - options.shortest
    longer = options.shortest + span * rng.random() ** 1.4
    if kind in ("document", "screen"):
        longer = max(longer, min(640.0, options.longest))
    ratio = 0.55 + 0.4 * rng.random()
    portrait = rng.random() < {"document": 0.75, "screen": 0.45, "scene": 0.35}.get(kind, 0.2)
    if kind == "overlay" and rng.random() < 0.3:
        ratio, portrait = 0.2 + 0.3 * rng.random(), False
    short = max(64, int(longer * ratio))
    return (int(longer), short) if portrait else (short, int(longer))


def clipped(line: PageLine, height: int, width: int) -> PageLine | None:
    """The line with its quad inside the picture, or None when most of it is outside."""
    inside = np.clip(line.quad, 0, (width, height)).astype(np.float32)
    whole = float(area(line.quad))
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = intersection(line.quad, frame) / max(whole, 1e-6)
    if seen < 0.3:
        return None
    if seen >= 0.999:
        inside = line.quad
    edges = np.linalg.norm(np.roll(inside, -1, 0) - inside, axis=1)
    tiny = min(edges[0] + edges[2], edges[1] + edges[3]) / 2 < _READABLE
    return PageLine(inside, line.text, line.ignore or bool(tiny or seen < _VISIBLE))


def _warped(
    drawing: Drawing, matrix: NDArray[np.floating], size: tuple[int, int], ground: Image | None
) -> Drawing:
    """Map picture and quads by a homography onto a picture of ``size`` (width, height)."""
    border = cv2.BORDER_CONSTANT if ground is not None else cv2.BORDER_REPLICATE
    image = cv2.warpPerspective(
        drawing.image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border
    )
    if ground is not None:
        inside = np.full(drawing.image.shape[:2], 255, np.uint8)
        inside = cv2.warpPerspective(inside, matrix, size, flags=cv2.INTER_LINEAR)
        weight = inside.astype(np.float32) / 255
        image = cv2.blendLinear(np.asarray(image, np.uint8), ground, weight, 1 - weight)
    lines = [
        PageLine(cv2.perspectiveTransform(line.quad[None], matrix)[0].astype(np.float32), line.text)
        for line in drawing.lines
    ]
    return Drawing(np.asarray(image, np.uint8), lines)


def _homography(
    rng: Rng, h: int, w: int, bend: float, zoom: float, turn: float
) -> NDArray[np.float64]:
    """Corners moved by up to ``bend`` of the size, zoomed, turned by ``turn`` degrees."""
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    target = source + rng.uniform(-bend, bend, (4, 2)).astype(np.float32) * (w, h)
    spin = cv2.getRotationMatrix2D((w / 2, h / 2), -turn, zoom)
    target = target @ spin[:, :2].T + spin[:, 2]
    return np.asarray(cv2.getPerspectiveTransform(source, target.astype(np.float32)), np.float64)


def _photographed(world: World, drawing: Drawing, rng: Rng) -> Drawing:
    """A page on a desk, seen aslant, curled a little, under uneven light."""
    h, w = drawing.image.shape[:2]
    if rng.random() < 0.3:
        drawing = _curled(drawing, rng)
    desk = (
        bg.window(rng, world.bank, h, w)
        if rng.random() < 0.6
        else bg.plain(bg.any_colour(rng), h, w)
    )
    turn = float(rng.normal(0, 3)) if rng.random() < 0.7 else float(rng.uniform(-15, 15))
    matrix = _homography(rng, h, w, 0.06 * rng.random(), 0.78 + 0.3 * rng.random(), turn)
    drawing = _warped(drawing, matrix, (w, h), desk)
    image = drawing.image
    if rng.random() < 0.7:
        image = degrade.shadow(image, rng, 0.55 * rng.random())
    return Drawing(degrade.camera(image, rng, 0.7 * rng.random()), drawing.lines)


def _curled(drawing: Drawing, rng: Rng) -> Drawing:
    """Lines bowed by bent paper; a quad follows the middle of its line's ends."""
    h, w = drawing.image.shape[:2]
    rise, phase = 0.008 * h * rng.random(), rng.random() * np.pi
    x = np.arange(w, dtype=np.float32)
    lift = (rise * np.sin(np.pi * x / w + phase)).astype(np.float32)  # (w,)
    rows = np.arange(h, dtype=np.float32)[:, None] + lift[None]
    image = cv2.remap(
        drawing.image,
        np.broadcast_to(x, (h, w)).copy(),
        rows,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    lines = []
    for line in drawing.lines:
        quad = line.quad.copy()
        quad[:, 1] -= rise * np.sin(np.pi * quad[:, 0] / w + phase)
        lines.append(PageLine(quad, line.text))
    return Drawing(np.asarray(image, np.uint8), lines)


def _scanned(drawing: Drawing, rng: Rng) -> Drawing:
    """A scan: a little askew, grey or two-coloured, dusty."""
    h, w = drawing.image.shape[:2]
    if rng.random() < 0.6:
        drawing = _warped(
            drawing, _homography(rng, h, w, 0.0, 1.0, float(rng.normal(0, 0.8))), (w, h), None
        )
    image = drawing.image
    form = rng.random()
    if form < 0.15:
        image = degrade.bilevel(image, rng)
    elif form < 0.5:
        image = degrade.noise(degrade.blur(image, 0.3 + 0.5 * rng.random()), rng, 6 * rng.random())
    if rng.random() < 0.2:
        image = degrade.specks(image, rng, int(rng.integers(20, 200)))
    return Drawing(degrade.jpeg(image, int(rng.integers(50, 95))), drawing.lines)


def _shown(drawing: Drawing, rng: Rng) -> Drawing:
    """A screenshot, compressed or not; at times a photograph of the screen."""
    chance = rng.random()
    if chance < 0.3:
        return drawing
    if chance < 0.8:
        return Drawing(degrade.jpeg(drawing.image, int(rng.integers(35, 95))), drawing.lines)
    h, w = drawing.image.shape[:2]
    drawing = _warped(
        drawing, _homography(rng, h, w, 0.05, 0.95, float(rng.normal(0, 2))), (w, h), None
    )
    return Drawing(degrade.camera(drawing.image, rng, 0.6), drawing.lines)


def _streamed(drawing: Drawing, rng: Rng) -> Drawing:
    """A video frame: often enlarged, then compressed."""
    image, lines = drawing.image, drawing.lines
    h, w = image.shape[:2]
    if rng.random() < 0.5:
        scale = float(rng.uniform(0.85, 2.0))
        scale = min(scale, 1600 / max(h, w)) if max(h, w) < 1600 else 1.0
        image = np.asarray(
            cv2.resize(image, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_LINEAR),
            np.uint8,
        )
        lines = [PageLine(line.quad * np.float32(scale), line.text) for line in lines]
    return Drawing(degrade.jpeg(image, int(rng.integers(30, 92))), lines)


def _snapped(drawing: Drawing, rng: Rng) -> Drawing:
    """A photograph of a street or an object."""
    if rng.random() < 0.45:
        h, w = drawing.image.shape[:2]
        matrix = _homography(rng, h, w, 0.08 * rng.random(), 1.0, float(rng.normal(0, 4)))
        drawing = _warped(drawing, matrix, (w, h), None)
    image = drawing.image
    if rng.random() < 0.3:
        image = degrade.shadow(image, rng, 0.6 * rng.random())
    if rng.random() < 0.15:
        image = degrade.light(image, 0.35 + 0.4 * rng.random(), 0)
    return Drawing(degrade.camera(image, rng, 0.8 * rng.random()), drawing.lines)


def write_pages(
    options: SynthPageOptions, out_dir: Path, count: int, seed: int, workers: int = 1
) -> None:
    """Write ``count`` pages to ``out_dir/images`` and ``labels.jsonl``.

    A row is ``{"image", "lines": [{"quad", "text", "ignore"}]}``. Done parts are kept: a run
    that was stopped goes on where it was.

    Raises:
        DataError: ``out_dir`` holds a set made with other options or another seed.
    """
    write_shards(_PageJob(options, seed), out_dir, count, "labels.jsonl", workers, "pages")


@dataclass(frozen=True)
class _PageJob:
    """Writes one page and returns its row; picklable, so that worker processes can run it."""

    options: SynthPageOptions
    seed: int

    def __call__(self, out_dir: Path, index: int) -> str:
        sample = render_page(build_world(self.options), self.options, self.seed, index)
        name = f"images/{index // 1000:03d}/{index:06d}.jpg"
        cv2.imwrite(str(out_dir / name), sample.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])
        return json.dumps(
            {"image": name, "lines": [_row(line) for line in sample.lines]}, ensure_ascii=False
        )


def _row(line: PageLine) -> dict[str, object]:
    quad = [[round(float(x), 1), round(float(y), 1)] for x, y in line.quad]
    return {"quad": quad, "text": line.text, "ignore": line.ignore}
