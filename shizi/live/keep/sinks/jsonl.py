"""Events in a file, one JSON object a line, each exactly once."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from shizi.live.keep.sinks.base import SinkError
from shizi.live.keep.store import Record


class JsonlSink:
    """Writes each event once, when no correction of it can come any more.

    Lines are on the disk before the store hears of them, with the length of the file. After a
    crash the file is cut to the length that the store knows, and what follows is written
    again: no line is lost, none is there twice. A file that the store knows nothing of is
    overwritten.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"jsonl:{path.resolve()}"
        self._path = path
        self._file: IO[bytes] | None = None

    def open(self, room: str, place: str | None) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab")
            if place is None or self._file.tell() > int(place or 0):
                self._file.truncate(int(place or 0))
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {error}") from error

    def send(self, records: Sequence[Record]) -> str:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        if self._file is None:
            raise SinkError(f"{self._path} is not open")
        try:
            self._file.write(b"".join(map(_line, records)))
            self._file.flush()
            os.fsync(self._file.fileno())
            return str(self._file.tell())
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {error}") from error

    def close(self) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _line(record: Record) -> bytes:
    body = json.loads(record.body)
    if body["type"] != "event" or not body["closed"]:
        return b""
    return json.dumps(body["event"], ensure_ascii=False).encode() + b"\n"
