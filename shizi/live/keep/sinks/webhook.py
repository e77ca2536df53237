"""Events posted to a web address."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from shizi.live.event import Event
from shizi.live.keep.sinks.base import SinkError
from shizi.live.keep.store import Record


class WebhookSink:
    """Posts records as a JSON list; any 2xx answer confirms them.

    The header ``Idempotency-Key`` is the same when the same records come again.

    Args:
        address: ``http://…`` or ``https://…``.
        timeout: seconds to wait for an answer.
    """

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        url = httpx.URL(address)
        self.name = f"webhook:{url.scheme}://{url.host}:{url.port or ''}{url.path}"
        self._address = url
        self._timeout = timeout
        self._client: httpx.Client | None = None
        self._room = ""

    def held(self, room: str) -> Sequence[Event]:
        """See :class:`~shizi.live.keep.sinks.base.Sink`; it is not asked."""
        return ()

    def open(self, room: str, place: str | None) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        self._room = room
        self._client = httpx.Client(timeout=self._timeout)

    def send(self, records: Sequence[Record]) -> str:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        if self._client is None:
            raise SinkError(f"{self.name} is not open")
        key = f"{self._room}-{records[0].seq}-{records[-1].seq}".encode()
        body = "[" + ",".join(record.body for record in records) + "]"
        headers = {b"Content-Type": b"application/json", b"Idempotency-Key": key}
        try:
            answer = self._client.post(self._address, content=body.encode(), headers=headers)
        except httpx.HTTPError as error:
            raise SinkError(f"{self.name}: {error}") from error
        if not answer.is_success:
            raise SinkError(f"{self.name}: HTTP status {answer.status_code}")
        return ""

    def close(self) -> None:
        """See :class:`~shizi.live.keep.sinks.base.Sink`."""
        if self._client is not None:
            self._client.close()
            self._client = None
