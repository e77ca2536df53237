"""Where things are served; apart from the server, which needs optional packages."""

from __future__ import annotations

from dataclasses import dataclass

from shizi.options import check_range


@dataclass(frozen=True)
class WebOptions:
    """Where something is served.

    Attributes:
        host: address to listen on; 127.0.0.1 lets nobody else in, 0.0.0.0 everybody.
        port: to listen on; 0: any free one.
        hosts: names, besides localhost and the address, by which browsers may ask; a proxy's, or
            the machine's own in its network.
    """

    host: str = "127.0.0.1"
    port: int = 0
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(self, port=(0, 65535))
