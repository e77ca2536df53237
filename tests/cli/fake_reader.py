"""What stands in for reading."""

from __future__ import annotations

from shizi.page import Image, Line, Page, Quad
from shizi.reader import ReaderOptions


class FakeReader:
    """Reads the size of a picture; red at the top left means that reading fails."""

    made: list[ReaderOptions]

    def __init__(self, options: ReaderOptions) -> None:
        self.made.append(options)

    def read_image(self, image: Image, name: str) -> Page:
        height, width = image.shape[:2]
        if image[0, 0].tolist() == [255, 0, 0]:
            raise RuntimeError("engine\nfailed")
        quad = Quad.from_array([[0, 0], [width, 0], [width, height], [0, height]])
        return Page(name, width, height, 0, 1.0, (Line(quad, f"{width}乘{height}", 0.9),))
