"""Where events go besides the store: a file, Redis, Kafka, a web address."""

from __future__ import annotations

from pathlib import Path

from shizi.errors import ShiziError
from shizi.live.keep.sinks.base import Relay, Sink, SinkError

__all__ = ["Relay", "Sink", "SinkError", "open_sink"]


def open_sink(address: str) -> Sink:
    """Make a sink of its address; nothing is connected yet.

    Args:
        address: ``redis://host:port/0``, ``kafka://host:port/topic``, ``http://…``,
            ``https://…``, or the path of a JSONL file.

    Raises:
        ShiziError: no such kind of sink.
        MissingExtraError: its client is not installed.
    """
    scheme, separator, _ = address.partition("://")
    match scheme if separator else "":
        case "":
            from shizi.live.keep.sinks.jsonl import JsonlSink

            return JsonlSink(Path(address))
        case "redis" | "rediss":
            from shizi.live.keep.sinks.redis import RedisSink

            return RedisSink(address)
        case "kafka":
            from shizi.live.keep.sinks.kafka import KafkaSink

            return KafkaSink(address)
        case "http" | "https":
            from shizi.live.keep.sinks.webhook import WebhookSink

            return WebhookSink(address)
        case _:
            raise ShiziError(
                f"no sink for {address!r}: give redis://, kafka://, http(s)://, or a file's path"
            )
