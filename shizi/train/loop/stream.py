"""The stream of training samples: shuffled, rendered by workers, batched, resumable exactly.

A sample is a pure function of its position in the stream. However many workers make them,
the batches are the same, and a run goes on in the middle of the stream as if never stopped.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain, count
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, NamedTuple, Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from shizi.errors import DataError

T = TypeVar("T")


class Position(NamedTuple):
    """Where a stream stands after a batch.

    Attributes:
        next: first sample not yet drawn.
        waiting: samples drawn that wait for a batch of their group to fill.
    """

    next: int = 0
    waiting: tuple[int, ...] = ()


class Sampler(Protocol):
    """What a stream is made of."""

    def __len__(self) -> int:
        """Number of items that samples are made of."""

    def sample(self, seed: int, position: int) -> Any:
        """Return a sample; it depends on the two numbers alone.

        Raises:
            DataError: the item cannot be used.
        """

    def refuse(self, error: DataError) -> None:
        """Take note of an item that cannot be used."""

    def group(self, sample: Any) -> tuple[Hashable, int]:
        """Return what a sample is batched by, and how many of these make a batch."""

    def collate(self, samples: list[Any]) -> Any:
        """Make a batch of samples of one group."""


def index_at(count: int, seed: int, position: int) -> int:
    """Index of the item at a position of an endless stream, shuffled anew every epoch."""
    epoch, place = divmod(position, count)
    return int(_order(count, seed, epoch)[place])


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.intp]:
    return np.random.default_rng((seed, epoch)).permutation(count)


BLOCK = 1000
"""Samples in which sets come as often as they weigh."""


class Mix:
    """Where samples come from: sets that lie end to end, each as often as it weighs.

    Without weights every item comes alike. With them a set is gone through over and over, in
    another order every time, at a pace of its own.

    Args:
        sizes: items of each set.
        weights: of the sets, or none.

    Raises:
        DataError: a set that weighs something has no item.
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float] = ()) -> None:
        if weights and not all(sizes):
            raise DataError("a set that is weighed holds nothing to learn; leave it out")
        self._sizes, self._count = sizes, sum(sizes)
        ends = np.cumsum([0.0, *weights]) / (sum(weights) or 1.0) * BLOCK
        own = np.arange(len(ends))  # a slot at least for each set
        self._slots = np.clip(np.round(ends), own, BLOCK - own[::-1]).astype(int)

    def __len__(self) -> int:
        return self._count

    def index(self, seed: int, position: int) -> int:
        """Index of the item at a position of the stream."""
        if len(self._slots) == 1:
            return index_at(self._count, seed, position)
        block, place = divmod(position, BLOCK)
        slot = int(_order(BLOCK, seed, block)[place])
        part = int(np.searchsorted(self._slots, slot, side="right")) - 1
        first, after = int(self._slots[part]), int(self._slots[part + 1])
        nth = block * (after - first) + slot - first  # of this set's samples
        return sum(self._sizes[:part]) + index_at(self._sizes[part], seed, nth)


def rng_at(seed: int, position: int) -> np.random.Generator:
    """Chance of one sample."""
    return np.random.default_rng((seed, position, 1))


START = Position()


def batches(
    sampler: Sampler, seed: int, start: Position = START, workers: int = 0
) -> Generator[tuple[Any, Position], None, None]:
    """Yield batches for ever, each with the position after it.

    Args:
        sampler: makes samples, groups and batches.
        seed: of order and augmentation.
        start: where to go on.
        workers: processes that make samples; 0: this one.

    Raises:
        DataError: not one item can be used.
    """
    positions = chain(start.waiting, count(start.next))
    bins: dict[Hashable, list[tuple[int, Any]]] = {}
    failed = 0
    for position, sample in _samples(sampler, seed, positions, workers):
        if isinstance(sample, DataError):
            sampler.refuse(sample)
            failed += 1
            if failed >= 2 * len(sampler):  # a whole epoch, wherever it began
                raise DataError(f"none of {len(sampler)} items can be used: {sample}")
            continue
        failed = 0
        group, size = sampler.group(sample)
        held = bins.setdefault(group, [])
        held.append((position, sample))
        if len(held) >= size:
            del bins[group]
            waiting = sorted(p for others in bins.values() for p, _ in others)
            yield sampler.collate([s for _, s in held]), Position(position + 1, tuple(waiting))


def prefetch(items: Iterator[T], depth: int = 4) -> Generator[T, None, None]:
    """Run the iterator in a thread, at most ``depth`` items ahead; its error is raised here.

    Closing waits for the item in the making: an interpreter that ends while a thread is inside
    PyTorch aborts.
    """
    queue: Queue[tuple[T | None, BaseException | None]] = Queue(depth)
    stop = Event()

    def work() -> None:
        try:
            for item in items:
                queue.put((item, None))
                if stop.is_set():
                    return
            queue.put((None, StopIteration()))
        except BaseException as error:
            queue.put((None, error))

    worker = Thread(target=work, daemon=True)
    worker.start()
    try:
        while True:
            item, error = queue.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            assert item is not None
            yield item
    finally:
        stop.set()
        while worker.is_alive():  # it may wait for room in the queue
            with suppress(Empty):
                queue.get(timeout=0.05)


class _Samples(Dataset[Any]):
    """A sampler as PyTorch's loader wants it."""

    def __init__(self, sampler: Sampler, seed: int) -> None:
        self._sampler, self._seed = sampler, seed

    def __getitem__(self, position: int) -> tuple[int, Any]:
        try:
            return position, self._sampler.sample(self._seed, position)
        except DataError as error:
            return position, error


def _samples(
    sampler: Sampler, seed: int, positions: Iterator[int], workers: int
) -> Iterator[tuple[int, Any]]:
    """Yield positions and their samples, in order."""
    source = _Samples(sampler, seed)
    if not workers:
        return map(source.__getitem__, positions)
    loader = DataLoader(
        source,
        batch_size=None,
        sampler=positions,
        num_workers=workers,
        prefetch_factor=16,
        collate_fn=_as_is,
    )
    # A forked worker must not change OpenCV's pool: it would wait for threads that it lacks.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return iter(loader)
    finally:
        cv2.setNumThreads(threads)


def _as_is(sample: T) -> T:
    return sample
