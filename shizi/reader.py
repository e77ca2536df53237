"""Reader: image -> upright -> lines -> text -> reading order. The only place that joins them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from shizi import weights
from shizi.cells import part
from shizi.detection import DetectionOptions, Detector
from shizi.engine import Engine, Session, open_session
from shizi.errors import ShiziError
from shizi.geometry import area, intersection, map_back, rotate90, sides
from shizi.images.load import ImageLimits, Source, load, name_of, pages
from shizi.layout import LayoutOptions, arrange
from shizi.nets.spec import (
    CRNNSpec,
    CTPNSpec,
    OrientationSpec,
    Spec,
    VGGCRNNSpec,
    VGGCTPNSpec,
    VGGOrientationSpec,
)
from shizi.orientation import OrientationClassifier, OrientationOptions
from shizi.page import Image, Line, Page, Quad, Quads
from shizi.recognition import Reading, RecognitionOptions, Recognizer


@dataclass(frozen=True)
class ReaderOptions:
    """Everything that reading can be told.

    Attributes:
        orientation: turn rotated pages upright first.
        engine: runtime of the networks; torch uses a GPU where there is one.
        weights: folder of exported networks to use in place of the shipped ones of that name.
        threads: CPU threads; 0: all cores.
        least_score: lines read with a lower score are dropped.
        lone_score: the same for a single character, which no neighbour vouches for.
    """

    orientation: bool = True
    engine: Engine = "openvino"
    weights: Path | None = None
    threads: int = 0
    least_score: float = 0.5
    lone_score: float = 0.87
    limits: ImageLimits = ImageLimits()
    turn: OrientationOptions = OrientationOptions()
    detection: DetectionOptions = DetectionOptions()
    recognition: RecognitionOptions = RecognitionOptions()
    layout: LayoutOptions = LayoutOptions()


@dataclass(frozen=True)
class Failure:
    """A source that could not be read, and why."""

    source: str
    error: ShiziError


SAMPLE = 6
"""Lines, the longest ones, by which an angle is judged."""

SENSE = 0.85
"""Mean score of the sample above which an angle is believed at once."""


@dataclass(frozen=True)
class Look:
    """An image looked at from one side.

    Attributes:
        angle: degrees clockwise by which the content would then stand rotated.
        score: how sure that is, 0 to 1.
        quads: lines found, pixels of the image made upright by that angle, shape (N, 4, 2).
        sample: what the longest of them say, by index.
        chars: legible characters in the sample, each weighed by how legible it is.
        sure: the sample makes so much sense that no other side needs a look.
    """

    angle: int
    score: float
    quads: Quads
    sample: dict[int, Reading]
    chars: float
    sure: bool


class Reader:
    """Reads pictures. Immutable, loads each network once, safe from many threads."""

    def __init__(self, options: ReaderOptions | None = None) -> None:
        self.options = options or ReaderOptions()
        o = self.options
        session, spec = self._network("ctpn")
        assert isinstance(spec, CTPNSpec | VGGCTPNSpec)
        self.detector = Detector(session, o.detection, spec)
        session, spec = self._network("crnn")
        assert isinstance(spec, CRNNSpec | VGGCRNNSpec)
        charset, squeeze = weights.charset(o.weights), weights.card("crnn", o.weights).squeeze
        self.recognizer = Recognizer(session, charset, o.recognition, spec.height, squeeze)

    @cached_property
    def orientation(self) -> OrientationClassifier:
        """The orientation classifier; loaded when first asked for."""
        session, spec = self._network("orientation")
        assert isinstance(spec, OrientationSpec | VGGOrientationSpec)
        return OrientationClassifier(session, self.options.turn, spec)

    def _network(self, network: weights.Network) -> tuple[Session, Spec]:
        o = self.options
        spec = weights.spec(network, o.weights)
        return open_session(weights.file(network, o.weights), spec, o.engine, o.threads), spec

    def read(self, source: Source) -> Page:
        """Read one picture: a path, encoded bytes, an open file, an RGB array or a PIL image.

        Raises:
            ImageError: the picture cannot be loaded.
        """
        return self.read_image(load(source, self.options.limits), name_of(source))

    def read_many(self, sources: Iterable[Source]) -> Iterator[Page | Failure]:
        """Read sources one by one, each page of a PDF by itself; a failure stops nothing."""
        for source in sources:
            images = pages(source, self.options.limits)
            while True:
                try:
                    name, image = next(images)
                except StopIteration:
                    break
                except ShiziError as error:
                    yield Failure(name_of(source), error)
                    break
                yield self.read_image(image, name)

    def read_image(self, image: Image, name: str = "<array>") -> Page:
        """Read an RGB image (H, W, 3) that is already loaded."""
        height, width = image.shape[:2]
        look = self.look(image)
        upright = rotate90(image, look.angle)
        rest = [i for i in range(len(look.quads)) if i not in look.sample]
        others = self.recognizer(upright, look.quads[rest])
        readings = {**look.sample, **dict(zip(rest, others, strict=True))}
        found, said = part(look.quads, [readings[i] for i in range(len(look.quads))])
        kept = [i for i, reading in enumerate(said) if self._credible(reading)]
        quads, texts = found[kept], [said[i].text for i in kept]
        placed = map_back(quads, look.angle, width, height)
        placed = np.clip(placed, 0, np.array([width, height], np.float32))
        lines = []
        for place in arrange(quads, texts, self.options.layout):
            reading = said[kept[place.index]]
            lines.append(
                Line(
                    quad=Quad.from_array(placed[place.index]),
                    text=reading.text,
                    score=reading.score,
                    chars=reading.chars,
                    block=place.block,
                    paragraph=place.paragraph,
                    vertical=reading.vertical,
                )
            )
        return Page(name, width, height, look.angle, look.score, tuple(lines))

    def _credible(self, reading: Reading) -> bool:
        o = self.options
        least = o.lone_score if len(reading.text) == 1 else o.least_score
        return bool(reading.text) and reading.score >= least

    def look(self, image: Image) -> Look:
        """Find out which way up an image is, and its lines that way up.

        An angle is believed when the longest lines found there make sense. Upright is tried
        first; then the classifier says which side to look at next. If none makes sense at
        once, the one that reads best is taken.
        """
        if not self.options.orientation:
            return self._look(image, 0, 0.0)
        looks = [self._look(image, 0, 0.0)]  # most pages are upright
        if not looks[0].sure:
            voted, score = self.orientation(image)
            for angle in dict.fromkeys(a % 360 for a in (voted, 180, 90, 270)):
                if angle and not looks[-1].sure:
                    looks.append(self._look(image, angle, score if angle == voted else 0.0))
        if looks[-1].sure:
            return self._downwards(image, looks[-1])
        # The most legible; where nothing is, the picture stands as it is.
        best = max(looks, key=lambda look: (look.chars, look.angle == 0))
        return self._downwards(image, best)

    def _downwards(self, image: Image, look: Look) -> Look:
        """Look again, from the side, where the text runs downwards.

        A column on its side reads as well as a line, so a turned picture is not believed to
        hold lines before their characters have been tried upright, one under the other.
        """
        angle, sample = look.angle, look.sample.values()
        columns = (r for r in sample if r.vertical and not r.sideways and not r.text.isascii())
        down = sum(len(r.text) for r in columns)
        if 2 * down <= sum(len(r.text) for r in sample):
            lines = [i for i, r in look.sample.items() if len(r.text) > 3 and not r.vertical]
            tried = look.quads[lines[:2]] if angle else look.quads[:0]
            if _sense(self.recognizer.read_columns(rotate90(image, angle), tried)) < SENSE:
                return look
            angle = (angle - 90) % 360
        quads = self._columns(rotate90(image, angle))
        return replace(look, angle=angle, quads=quads, sample={})

    def _columns(self, upright: Image) -> Quads:
        """Find the lines (N, 4, 2) of a picture whose text mostly runs downwards.

        The detector's slices cannot follow a column unless it lies on its side. What stands
        beside the columns, a title or a page number, is found as usual.
        """
        height, width = upright.shape[:2]
        lying, _ = self.detector(rotate90(upright, 90))
        along, across = sides(lying)
        columns = np.roll(map_back(lying[along > 1.5 * across], 90, width, height), 1, axis=1)
        others, _ = self.detector(upright)
        along, across = sides(others)
        others = others[across < 1.5 * along]  # else a piece of a column
        covered = np.array([sum(intersection(q, c) for c in columns) for q in others])
        return np.concatenate([columns, others[covered <= 0.5 * area(others)]])

    def _look(self, image: Image, angle: int, score: float) -> Look:
        upright = rotate90(image, angle)
        quads, _ = self.detector(upright)
        if not self.options.orientation:
            return Look(angle, score, quads, {}, 0.0, True)
        longest = np.argsort(-np.max(sides(quads), axis=0), kind="stable")[:SAMPLE]
        readings = self.recognizer(upright, quads[longest])
        sample = dict(zip(longest.tolist(), readings, strict=True))
        sense, total = _sense(readings), sum(len(r.text) for r in readings)
        legible = sum(len(r.text) * max(0.0, r.score - 0.5) for r in readings if not r.sideways)
        return Look(angle, max(score, sense), quads, sample, legible, sense > SENSE and total > 3)


def _sense(readings: Sequence[Reading]) -> float:
    """How much sense a sample makes, 0 to 1: its mean score, by which clutter weighs little.

    Text upside down reads as nonsense of low score; text on its side says so, and makes none.
    """
    weights = [len(r.text) * r.score for r in readings]
    upright = (w * r.score for w, r in zip(weights, readings, strict=True) if not r.sideways)
    return sum(upright) / max(1e-9, sum(weights))


def read(source: Source) -> Page:
    """Read one picture with the default options; the networks stay loaded.

    Raises:
        ImageError: the picture cannot be loaded.
    """
    return _default().read(source)


@cache
def _default() -> Reader:
    return Reader()
