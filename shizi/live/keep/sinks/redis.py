"""Events in a Redis stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shizi.extras import needed
from shizi.live.event import Event
from shizi.live.keep.sinks.base import SinkError
from shizi.live.keep.store import Record

_KEPT = 1_000_000
"""Entries that the stream keeps, about."""


class RedisSink:
    """Adds every record to the stream ``shizi:ROOM``, as field ``body``.

    The entry's id is the record's number, and a stream only takes rising ids: a record that
    comes again after a crash is refused there, so each is in the stream once.

    Args:
        address: ``redis://[user:password@]host:port/database``.

    Raises:
        MissingExtraError: Redis' client is not installed.
    """

    def __init__(self, address: str) -> None:
        with needed("a Redis sink"):
            import redis
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._client: Any = redis.Redis.from_url(
            address, socket_timeout=10.0, socket_connect_timeout=5.0
        )
        connection = self._client.connection_pool.connection_kwargs
        host, port = connection.get("host", ""), connection.get("port", "")
        self.name = f"redis:{host}:{port}/{connection.get('db', 0)}"
        self._stream = ""

    def held(self, room: str) -> Sequence[Event]:
        """See :class:`~shizi.live.keep.sinks.base.Sink`; it is not asked."""
        return ()

    def open(self, room: str, place: str | None) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        self._stream = f"shizi:{room}"
        try:
            self._client.ping()
        except self._errors as error:
            raise SinkError(f"{self.name}: {error}") from error

    def send(self, records: Sequence[Record]) -> str:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for record in records:
                    pipeline.xadd(
                        self._stream, {"body": record.body}, id=f"{record.seq}-1", maxlen=_KEPT
                    )
                answers = pipeline.execute(raise_on_error=False)
            for record, answer in zip(records, answers, strict=True):
                if isinstance(answer, Exception) and not self._there(record, answer):
                    raise SinkError(f"{self.name}: {self._stream}: {answer}")
        except self._errors as error:
            raise SinkError(f"{self.name}: {error}") from error
        return ""

    def close(self) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        self._client.close()

    def _there(self, record: Record, answer: Exception) -> bool:
        if "equal or smaller" not in str(answer):
            return False
        return bool(self._client.xrange(self._stream, f"{record.seq}-1", f"{record.seq}-1"))
