"""A session: pictures of any shapes in, one array a picture out, in the same order.

Which pictures run together, and what runs beside what, is known here and nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from shizi.deadline import checker
from shizi.page import Image

Array = NDArray[np.float32]
T = TypeVar("T")


class Runtime(Protocol):
    """A network in one framework. Many threads may call it at once."""

    def __call__(self, batch: NDArray[np.uint8]) -> Array:
        """Run RGB pictures of one shape (N, H, W, 3); return an array a picture, (N, ...).

        The memory of the result may be used again by the same thread's next call.
        """


class Batching(NamedTuple):
    """How many pictures of one shape run together.

    Attributes:
        sizes: of batches, the largest first, 1 the last.
        pixels: area that a batch of more than one may have.
        prepares: kernels are prepared for every size, so of those that are small enough only the
            largest is used, and 1.
    """

    sizes: tuple[int, ...]
    pixels: int
    prepares: bool = False

    def of(self, area: int) -> tuple[int, ...]:
        """Return the sizes for pictures of an area, the largest first, 1 the last."""
        most = max(1, self.pixels // area)
        sizes = tuple(size for size in self.sizes if size <= most)
        return (sizes[0], 1) if self.prepares and sizes[0] > 1 else sizes


FEW = Batching((4, 2, 1), 4 * 640 * 48, prepares=True)
"""For a CPU. Weights are fetched for every batch: of 624 px, 1, 2 and 4 lines take 13.4, 11.2 and
9.8 ms a line, of 312 px 7.7, 6.0 and 5.2, of 128 px 4.3, 3.0 and 2.5. But each size of each width
takes 4.7 MB, and 15 to 45 ms when it first comes up. A third size would save 1.5 % of the time of
pages of all kinds, and take 50 MB."""

MANY = Batching((32, 8, 2, 1), 32 * 1500 * 48)
"""For a GPU, which few pictures do not fill, and for a net in training, which prepares nothing."""


class _Batch(NamedTuple):
    """Pictures that run together; where one is missing, the last is shown once more."""

    indices: list[int]
    size: int


class Session:
    """A network that is ready to run. Safe from many threads.

    Args:
        runtime: runs batches.
        batching: how large they are.
        streams: batches that run at the same time.
    """

    def __init__(self, runtime: Runtime, batching: Batching = FEW, streams: int = 1) -> None:
        self._runtime = runtime
        self._batching = batching
        self._streams = streams

    def __call__(self, pictures: Sequence[Image]) -> list[Array]:
        """Run RGB pictures, each (H, W, 3), and return their arrays in the same order."""
        return self.each(pictures, np.array)

    def each(self, pictures: Sequence[Image], then: Callable[[Array], T]) -> list[T]:
        """Run pictures and return what ``then`` makes of each array, in the same order.

        No array outlives its batch, so ``then`` must not keep it. It may be called from
        several threads at once.

        Raises:
            TooLongError: the page that the pictures are of is over its time; the batch that ran
                then is the last one.
        """
        out: dict[int, T] = {}
        check = checker()  # of this thread; those of the pool know of none

        def run(batch: _Batch) -> None:
            check()
            shown = [pictures[i] for i in batch.indices]
            shown += shown[-1:] * (batch.size - len(shown))
            arrays = self._runtime(np.stack(shown))
            out.update(zip(batch.indices, map(then, arrays), strict=False))

        batches = list(self._batches(pictures))
        if self._streams == 1 or len(batches) == 1:
            for batch in batches:
                run(batch)
        else:
            list(self._pool.map(run, batches))  # the list lets errors out
        return [out[i] for i in range(len(pictures))]

    def _batches(self, pictures: Sequence[Image]) -> Iterator[_Batch]:
        """Yield pictures that run together, the costliest first."""
        shapes: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for i, picture in enumerate(pictures):
            shapes[picture.shape].append(i)
        for shape, left in sorted(shapes.items(), key=lambda s: -s[0][0] * s[0][1]):
            for size in self._batching.of(shape[0] * shape[1]):
                enough = size - 1 if size > 2 else size  # four take no longer than three singly
                while len(left) >= enough:
                    yield _Batch(left[:size], size)
                    left = left[size:]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._streams, thread_name_prefix="shizi")
