"""Sets that are drawn when they are asked for, alike everywhere with the same fonts.

``drawn:doubled`` are words in which narrow letters stand side by side, ``drawn:prices`` amounts,
``drawn:code`` code, sums and addresses of the net, ``drawn:pages`` whole pages of all kinds.
``drawn:code:7`` is drawn from another seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np

from shizi.data import LineItem, PageItem
from shizi.errors import DataError
from shizi.page import Image
from shizi.synth import (
    SynthLineOptions,
    SynthOptions,
    SynthPageOptions,
    World,
    build_world,
    render_line,
    render_page,
)
from shizi.synth.paint.fonts import fonts_in, load_faces, make_book

SEED = 9001
LINES, PAGES = 400, 40
"""How many there are of each."""

_KINDS: dict[str, dict[str, float]] = {
    "doubled": {"doubled": 1.0},
    "prices": {"price": 1.0},
    "code": {"code": 0.4, "web": 0.3, "sum": 0.3},
}
"""What lines say: weights of ``shizi.synth.wording.latin.KINDS``."""

_LOOKS = SynthLineOptions(
    document=0.35,
    screen=0.25,
    sign=0.2,
    receipt=0.2,
    overlay=0,
    subtitle=0,
    latin=1,
    emoji=0,
    column=0,
)
_FAINT = 25.0
"""Contrast, standard deviation of grey, below which people would hardly read a line."""


@dataclass(frozen=True, slots=True)
class DrawnLine(LineItem):
    """A line that is on no disk."""

    png: bytes = b""

    def encoded(self) -> bytes:
        """See :class:`~shizi.data.LineItem`."""
        return self.png


@dataclass(frozen=True)
class DrawnPage(PageItem):
    """A page that is on no disk."""

    png: bytes = b""

    def encoded(self) -> bytes:
        """See :class:`~shizi.data.PageItem`."""
        return self.png


def draw(
    name: str, fonts: tuple[Path, ...], texts: tuple[Path, ...]
) -> Iterator[DrawnLine] | Iterator[DrawnPage]:
    """Draw a set: its lines or pages one after another.

    Args:
        name: of the set, or ``NAME:SEED``.
        fonts: folders of Latin faces that take the place of the system's: a network that was
            trained on this system's fonts knows them by heart.
        texts: files of strings; without, words and figures are made up.

    Raises:
        DataError: there is no such set, or the folders hold no font.
        MissingExtraError: fontTools is not installed.
    """
    kind, _, told = name.partition(":")
    if not (told or str(SEED)).isdigit() or kind not in {*_KINDS, "pages"}:
        names = ", ".join(f"drawn:{known}" for known in (*_KINDS, "pages"))
        raise DataError(f"drawn:{name}: there is no such set; there are {names}, and :SEED")
    seed = int(told or SEED)
    if kind == "pages":
        return _pages(_world(SynthPageOptions(texts=texts), fonts), seed)
    return islice(_lines(_world(replace(_LOOKS, texts=texts), fonts), kind, seed), LINES)


def _lines(world: World, kind: str, seed: int) -> Iterator[DrawnLine]:
    latin = replace(world.texts.latin, weights=_KINDS[kind])
    world = replace(world, texts=replace(world.texts, latin=latin))
    for index in count():
        sample = render_line(world, _LOOKS, seed, index)
        if cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY).std() > _FAINT:
            yield DrawnLine(Path(f"drawn:{kind}/{index}"), sample.text, png=_png(sample.image))


def _pages(world: World, seed: int) -> Iterator[DrawnPage]:
    for index in range(PAGES):
        page = render_page(world, SynthPageOptions(), seed, index)
        quads = np.array([line.quad for line in page.lines], np.float32).reshape(-1, 4, 2)
        texts = tuple(line.text for line in page.lines)
        ignore = np.array([line.ignore for line in page.lines], bool)
        path = Path(f"drawn:pages/{index}")
        yield DrawnPage(path, quads, texts, ignore, png=_png(page.image))


def _world(options: SynthOptions, fonts: Sequence[Path]) -> World:
    world = build_world(options)
    if not fonts:
        return world
    paths = [path for folder in fonts for path in fonts_in(folder)]
    if not paths:
        folders = ", ".join(map(str, fonts))
        raise DataError(f"{folders}: no fonts there; name folders that hold some")
    book = make_book(load_faces(paths, need_han=False))
    return replace(world, book=replace(world.book, latin=book.latin))


def _png(image: Image) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()
