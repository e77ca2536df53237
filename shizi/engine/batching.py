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
        pairs: area of a picture from which on two run together.
    """

    sizes: tuple[int, ...]
    pixels: int
    pairs: int = 0


FEW = Batching((4, 2, 1), 4 * 640 * 48, pairs=81 * 48)
"""For a CPU. Few sizes keep memory flat, and time too: kernels are prepared for every shape, some
3 MB, and weights are fetched for every batch (of 640 px, 1, 2 and 4 lines: 19.0, 16.2 and 15.8 ms a
line; of 320 px 10.9, 9.0 and 7.8; of 128 px 6.5, 4.5 and 3.6). The narrowest lines cost next to
nothing, so kernels for two of them do not pay: 15 MB less for half a percent of the time."""

MANY = Batching((32, 8, 2, 1), 32 * 1500 * 48)
"""For a GPU, which few pictures do not fill, and for a net in training, which prepares nothing."""


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

        def run(batch: list[int]) -> None:
            check()
            arrays = self._runtime(np.stack([pictures[i] for i in batch]))
            out.update(zip(batch, map(then, arrays), strict=True))

        batches = list(self._batches(pictures))
        if self._streams == 1 or len(batches) == 1:
            for batch in batches:
                run(batch)
        else:
            list(self._pool.map(run, batches))  # the list lets errors out
        return [out[i] for i in range(len(pictures))]

    def _batches(self, pictures: Sequence[Image]) -> Iterator[list[int]]:
        """Yield indices of pictures that run together, the costliest first."""
        shapes: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for i, picture in enumerate(pictures):
            shapes[picture.shape].append(i)
        for shape, left in sorted(shapes.items(), key=lambda s: -s[0][0] * s[0][1]):
            area = shape[0] * shape[1]
            most = max(1, self._batching.pixels // area)
            for size in self._batching.sizes:
                if size == 2 and area < self._batching.pairs:
                    continue
                while size <= min(most, len(left)):
                    yield left[:size]
                    left = left[size:]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._streams, thread_name_prefix="shizi")
