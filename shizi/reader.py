"""Reader: image -> upright -> lines -> text -> reading order. The only place that joins them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import BinaryIO

from shizi import weights
from shizi.detection import DetectionOptions, Detector
from shizi.engine import Engine, open_session
from shizi.errors import ShiziError
from shizi.geometry import map_back, rotate90
from shizi.image import ImageLimits, load, name_of, pages
from shizi.layout import LayoutOptions, arrange
from shizi.orientation import OrientationClassifier, OrientationOptions
from shizi.page import Image, Line, Page, Quad
from shizi.recognition import RecognitionOptions, Recognizer


@dataclass(frozen=True)
class ReaderOptions:
    """Everything that reading can be told.

    Attributes:
        orientation: turn rotated pages upright first.
        engine: runtime of the networks.
        threads: CPU threads; 0: all cores.
        least_score: lines read with a lower score are dropped.
    """

    orientation: bool = True
    engine: Engine = "openvino"
    threads: int = 0
    least_score: float = 0.5
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


class Reader:
    """Reads pictures. Immutable, loads each network once, safe from many threads."""

    def __init__(self, options: ReaderOptions | None = None) -> None:
        self.options = options or ReaderOptions()
        o = self.options
        self.detector = Detector(
            open_session(weights.file("ctpn"), o.engine, o.threads), o.detection
        )
        self.recognizer = Recognizer(
            open_session(weights.file("crnn"), o.engine, o.threads),
            weights.charset(),
            o.recognition,
        )

    @cached_property
    def orientation(self) -> OrientationClassifier:
        """The orientation classifier; loaded when first asked for."""
        o = self.options
        session = open_session(weights.file("orientation"), o.engine, o.threads)
        return OrientationClassifier(session, o.turn)

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
        angle, certainty = self.orientation(image) if self.options.orientation else (0, 0.0)
        upright = rotate90(image, angle)
        quads, _ = self.detector(upright)
        readings = self.recognizer(upright, quads)
        kept = [i for i, r in enumerate(readings) if r.text and r.score >= self.options.least_score]
        quads, readings = quads[kept], [readings[i] for i in kept]
        places = arrange(quads, [r.text for r in readings], self.options.layout)
        placed = map_back(quads, angle, width, height)
        lines = tuple(
            Line(
                quad=Quad.from_array(placed[p.index]),
                text=readings[p.index].text,
                score=readings[p.index].score,
                chars=readings[p.index].chars,
                block=p.block,
                paragraph=p.paragraph,
                vertical=readings[p.index].vertical,
            )
            for p in places
        )
        return Page(name, width, height, angle, certainty, lines)


def read(source: Source) -> Page:
    """Read one picture with the default options; the networks stay loaded.

    Raises:
        ImageError: the picture cannot be loaded.
    """
    return _default().read(source)


@cache
def _default() -> Reader:
    return Reader()
