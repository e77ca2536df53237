"""Events in a Kafka topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from shizi.errors import ShiziError
from shizi.extras import needed
from shizi.live.event import Event
from shizi.live.keep.sinks.base import SinkError
from shizi.live.keep.store import Record

_PATIENCE = 15.0


class KafkaSink:
    """Sends every record to a topic, keyed by the room, so that its order is kept.

    A record may come again after a crash; its header ``seq`` tells.

    Args:
        address: ``kafka://host:port[,host:port…]/topic``.

    Raises:
        ShiziError: the address names no topic.
        MissingExtraError: Kafka's client is not installed.
    """

    def __init__(self, address: str) -> None:
        with needed("a Kafka sink"):
            import kafka
        parts = urlsplit(address)
        self._servers, self._topic = parts.netloc.split(","), parts.path.strip("/")
        if not self._topic or not parts.netloc:
            raise ShiziError(f"a Kafka sink is kafka://HOST:PORT/TOPIC, not {address!r}")
        self.name = f"kafka:{parts.netloc}/{self._topic}"
        self._kafka = kafka
        self._producer: Any = None
        self._room = b""

    def held(self, room: str) -> Sequence[Event]:
        """See :class:`~shizi.live.keep.sinks.base.Sink`; it is not asked."""
        return ()

    def open(self, room: str, place: str | None) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        self._room = room.encode()
        try:
            self._producer = self._kafka.KafkaProducer(
                bootstrap_servers=self._servers,
                acks="all",
                enable_idempotence=True,
                bootstrap_timeout_ms=int(_PATIENCE * 1000),
                max_block_ms=int(_PATIENCE * 1000),
            )
        except self._kafka.errors.KafkaError as error:
            raise SinkError(f"{self.name}: {error!r}") from error

    def send(self, records: Sequence[Record]) -> str:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        try:
            sent = [
                self._producer.send(
                    self._topic,
                    key=self._room,
                    value=record.body.encode(),
                    headers=[("seq", str(record.seq).encode())],
                )
                for record in records
            ]
            self._producer.flush(_PATIENCE)
            for one in sent:
                one.get(_PATIENCE)
        except self._kafka.errors.KafkaError as error:
            raise SinkError(f"{self.name}: {error!r}") from error
        return ""

    def close(self) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        if self._producer is not None:
            self._producer.close(timeout=_PATIENCE)
            self._producer = None
