"""A page gets its time and no more; what it ran on stays usable."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from shizi.deadline import checker, within
from shizi.engine import Session
from shizi.errors import Failure, TooLongError
from shizi.images.limits import PageOptions
from shizi.jobs import sheets
from shizi.page import Image, Page, Sheet
from shizi.reader import Reader, ReaderOptions

BLANK = np.full((30, 60, 3), 255, np.uint8)


class Slow:
    """A runtime whose every batch takes ten seconds of a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.ran = 0.0, 0
        self._lock = threading.Lock()
        monkeypatch.setattr("shizi.deadline.monotonic", lambda: self.now)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        with self._lock:
            self.ran += 1
            self.now += 10
        return np.zeros((len(batch), 1), np.float32)

    def reader(self, pictures: int, streams: int = 1) -> Reader:
        """A reader whose detector looks at so many pictures, one a batch."""
        session = Session(self, streams=streams)
        looks = [np.zeros((8, 8 * (i + 1), 3), np.uint8) for i in range(pictures)]

        def detector(image: Image) -> tuple[np.ndarray, np.ndarray]:
            session(looks[: image.shape[1] // 10])
            return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)

        return Reader(
            ReaderOptions(orientation=False),
            detector=detector,  # type: ignore[arg-type]
            recognizer=lambda image, quads: [],  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("streams", [1, 2])
def test_a_page_over_its_time_fails_alone(monkeypatch: pytest.MonkeyPatch, streams: int) -> None:
    slow = Slow(monkeypatch)
    reader = slow.reader(6, streams)
    found = list(reader.read_many([BLANK, BLANK[:, :20]], PageOptions(timeout=25)))
    assert isinstance(found[0], Failure)
    assert isinstance(found[0].error, TooLongError)
    assert str(found[0]).startswith("<array>: reading takes longer than 25 s; give it more")
    assert isinstance(found[1], Page)
    assert 3 + 2 <= slow.ran <= 3 + streams - 1 + 2  # what is running then is run to its end


def test_one_picture_has_the_time_that_its_caller_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    with pytest.raises(TooLongError, match="longer than 15 s"):
        slow.reader(6).read(BLANK, timeout=15)
    assert slow.ran == 2
    assert slow.reader(6).read(BLANK).lines == ()


def test_time_is_counted_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Slow(monkeypatch).reader(2)
    found = sheets([BLANK] * 9, reader.read_image, options=PageOptions(timeout=25))
    assert all(isinstance(item, Sheet) for item in found)


def test_whoever_is_given_no_time_is_not_asked() -> None:
    with within(math.inf, "x"):
        checker()()
    with within(-1, "x"), pytest.raises(TooLongError):
        checker()()
    checker()()
