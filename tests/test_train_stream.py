"""The stream of batches: what cannot be used is left out, workers start, threads end."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from tiny import Line

from shizi.cpu import cores
from shizi.errors import DataError
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.stream import BLOCK, Mix, batches, prefetch


def test_a_gpu_is_not_starved_by_one_thread() -> None:
    assert LoopOptions().preparers(gpu=False) == 0
    assert LoopOptions().preparers(gpu=True) == cores()
    assert LoopOptions(workers=3).preparers(gpu=True) == 3


def test_without_weights_an_epoch_shows_every_item_once() -> None:
    mix = Mix([3, 4])
    assert sorted(mix.index(5, position) for position in range(7)) == list(range(7))


def test_sets_come_as_often_as_they_weigh_and_each_in_epochs() -> None:
    mix = Mix([10, 400, 3], [3, 1, 0.0001])
    drawn = [mix.index(5, position) for position in range(4 * BLOCK)]
    assert drawn == [mix.index(5, position) for position in range(4 * BLOCK)]
    first, second, third = ([i for i in drawn if low <= i < high] for low, high in SPANS)
    assert len(first) / len(drawn) == pytest.approx(0.75, abs=0.001)
    assert len(third) == 4  # one in a block
    assert set(first) == set(range(10))
    assert set(second) == set(range(10, 410))  # 999 or so draws of 400 items
    counts = Counter(first)
    assert max(counts.values()) - min(counts.values()) <= 1
    with pytest.raises(DataError, match="weighed holds nothing"):
        Mix([10, 0], [1, 1])


SPANS = ((0, 10), (10, 410), (410, 413))


def test_an_unusable_item_is_refused_and_left_out() -> None:
    class Holes(Line):
        refused = 0

        def sample(self, seed: int, position: int) -> float:
            if position % 2:
                raise DataError("a hole")
            return super().sample(seed, position)

        def refuse(self, error: DataError) -> None:
            self.refused += 1

    task = Holes()
    stream = batches(task, 1)
    assert len(next(stream)[0]) == 8
    assert task.refused >= 7

    class Nothing(Holes):
        def sample(self, seed: int, position: int) -> float:
            raise DataError("a hole")

    with pytest.raises(DataError, match="none of 10 items"):
        next(batches(Nothing(), 1))


def test_workers_start_though_opencv_has_threads(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import cv2, numpy as np; "
        "cv2.setNumThreads(4); cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 3); "
        "from shizi.train.loop.stream import batches; from tiny import Line; "
        "next(batches(Line(), 1, workers=2)); "
        "sys.exit(cv2.getNumThreads() != 4)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    assert subprocess.run(command, check=False, timeout=120).returncode == 0


def test_prefetch_hands_on_items_and_errors() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2)
        raise DataError("third")

    got = prefetch(items())
    assert [next(got), next(got)] == [1, 2]
    with pytest.raises(DataError, match="third"):
        next(got)


def test_prefetch_that_is_closed_leaves_no_thread() -> None:
    before = threading.active_count()
    got = prefetch(count())
    assert next(got) == 0
    assert threading.active_count() == before + 1
    got.close()
    assert threading.active_count() == before
