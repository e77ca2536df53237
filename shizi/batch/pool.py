"""Hands side by side: each gets an input when it is ready for one, none is lost with a hand."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence

from shizi.batch.hand import Hand
from shizi.batch.task import Lost, Outcome, Task


class Pool:
    """A thread for each hand, which waits for it.

    Args:
        hands: that do the work.
    """

    def __init__(self, hands: Sequence[Hand]) -> None:
        self._hands = hands
        self._waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._ends: queue.SimpleQueue[tuple[Task, Outcome | Lost] | BaseException] = (
            queue.SimpleQueue()
        )
        self._stopped = threading.Event()

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
        """Read inputs, as many at a time as there are hands.

        Yields:
            Each input when it has ended, in whatever order.

        Raises:
            ShiziError: nothing more can be read.
        """
        threads = [threading.Thread(target=self._use, args=(hand,)) for hand in self._hands]
        for thread in threads:
            thread.start()
        try:
            yield from self._hand_out(iter(tasks))
        finally:
            self._stopped.set()
            for hand in self._hands:
                hand.close()
                self._waiting.put(None)
            for thread in threads:
                thread.join()

    def _hand_out(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome]]:
        under_way, again = 0, deque[Task]()
        while True:
            while under_way < len(self._hands):
                task = again.popleft() if again else next(tasks, None)
                if task is None:
                    break
                self._waiting.put(task)
                under_way += 1
            if not under_way:
                return
            ended = self._ends.get()
            if isinstance(ended, BaseException):
                raise ended
            under_way -= 1
            task, end = ended
            if isinstance(end, Outcome):
                yield task, end
            elif (retry := task.after(end)) is not None:
                again.append(retry)
            else:
                yield task, Outcome(failures=(f"{end.page or task.shown}: {end.reason}",))

    def _use(self, hand: Hand) -> None:
        try:
            hand.open()
            while (task := self._waiting.get()) is not None:
                end = hand.read(task)
                if self._stopped.is_set():
                    return
                self._ends.put((task, end))
                if isinstance(end, Lost):
                    hand.open()
        except BaseException as error:
            self._ends.put(error)
