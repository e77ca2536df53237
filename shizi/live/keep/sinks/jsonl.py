"""Events in a file, one JSON object a line, each exactly once.

The file is only ever made longer. What somebody else wrote is never touched: a file that holds
anything but events is refused. Only a line that was torn when it was written is taken back.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from shizi.errors import ShiziError
from shizi.live.event import Event
from shizi.live.keep.sinks.base import SinkError
from shizi.live.keep.store import Record

_LONGEST = 1 << 20
"""Bytes of the longest line that an event may have."""

_BEGINS = b'{"id": '
"""How every line begins that is written here."""


class JsonlSink:
    """Writes each event once, when no correction of it can come any more.

    Lines are on the disk before the store hears of them, with the length of the file. After a
    crash the file may hold more than the store knows: that stays, and an event that is there is
    not written again. A file that the store knows nothing of is continued if it holds events.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"jsonl:{path.resolve()}"
        self._path = path
        self._file: BinaryIO | None = None
        self._regular = True
        self._end = 0  # bytes that are known to be whole lines
        self._there: set[str] = set()  # ids of events that the store may not know to be there

    def held(self, room: str) -> Sequence[Event]:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.is_file() or not self._path.exists() or self._path.is_dir():
                with self._path.open("ab"):
                    pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise ShiziError(f"cannot write {self._path}: {error.strerror}") from error
        if not self._path.is_file():  # a pipe or a device
            return ()
        prefix = f"{room}-"
        events = (event for line in _lines(self._path, 0) if (event := _event(line)))
        found = [e for e in events if e.id.startswith(prefix) and e.id[len(prefix) :].isdigit()]
        self._refuse_foreign()
        return found

    def open(self, room: str, place: str | None) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if place is None and self._path.is_file():
                self._refuse_foreign()
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            self._file = os.fdopen(handle, "r+b", buffering=0)
            self._regular = stat.S_ISREG(os.fstat(handle).st_mode)
            if self._regular:
                self._take_up(int(place or 0))
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {error}") from error

    def send(self, records: Sequence[Record]) -> str:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        if self._file is None:
            raise SinkError(f"{self._path} is not open")
        told = [body["event"] for r in records if (body := json.loads(r.body)).get("closed")]
        new = [event for event in told if event["id"] not in self._there]
        lines = (json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in new)
        try:
            self._append(b"".join(lines))
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {error}") from error
        return str(self._end)

    def close(self) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        if self._file is not None:
            with suppress(OSError):  # nothing waits in it
                self._file.close()
            self._file = None

    def _append(self, data: bytes) -> None:
        """Write to the end; what cannot be written whole is taken back."""
        assert self._file is not None
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
            if self._regular:
                os.fsync(self._file.fileno())
        except OSError:
            if self._regular:
                with suppress(OSError):  # then it is found, and mended, when it is opened again
                    self._file.truncate(self._end)
                    self._file.seek(self._end)
            raise
        self._end += len(data)

    def _refuse_foreign(self) -> None:
        """Raise an error unless the file holds nothing but events.

        Raises:
            ShiziError: it holds something else.
        """
        for number, line in enumerate(_lines(self._path, 0), 1):
            torn = number > 1 and not line.endswith(b"\n") and line.startswith(_BEGINS)
            if line.strip() and not torn and _event(line) is None:
                raise ShiziError(
                    f"{self._path} holds something other than events (line {number}); "
                    "name another file for them"
                )

    def _take_up(self, known: int) -> None:
        """Find the end of the file and what it holds beyond the bytes that the store knows of."""
        assert self._file is not None
        size = self._file.seek(0, os.SEEK_END)
        self._end = known if known <= size else 0
        self._there = set()
        for line in _lines(self._path, self._end):
            event = _event(line)
            if event is not None:
                self._there.add(event.id)
            if line.endswith(b"\n"):
                self._end += len(line)
            elif event is None and line.startswith(_BEGINS[: len(line)]):
                self._file.truncate(self._end)
            else:  # whole, but for its end
                self._file.seek(0, os.SEEK_END)
                self._file.write(b"\n")
                self._end += len(line) + 1
        self._file.seek(0, os.SEEK_END)


def _lines(path: Path, start: int) -> Iterator[bytes]:
    """Lines of a file from a place on, with their ends; a piece of one that is far too long."""
    with path.open("rb") as file:
        file.seek(start)
        while line := file.readline(_LONGEST):
            yield line


def _event(line: bytes) -> Event | None:
    """The event that a line holds, None for anything else."""
    try:
        return Event.from_dict(json.loads(line))
    except (ValueError, AttributeError):
        return None
