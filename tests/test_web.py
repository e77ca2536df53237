"""Who may ask a server, and what becomes of those that only hold it up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from shizi.errors import ShiziError
from shizi.web import server
from shizi.web.options import WebOptions
from shizi.web.server import WebServer


class Flood:
    """An application that says hello, and floods whoever opens its socket."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()
        routes = [Route("/", self.hello), WebSocketRoute("/flood", self.flood)]
        self.app = Starlette(routes=routes)

    async def hello(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def flood(self, asked: WebSocket) -> None:
        await asked.accept()
        self.begun.set()
        try:
            while True:
                await asked.send_bytes(bytes(1_000_000))
        finally:
            self.over.set()


@contextmanager
def served(*hosts: str, bound: str = "127.0.0.1") -> Iterator[int]:
    with WebServer(Flood().app, WebOptions(bound, hosts=hosts)) as web:
        yield port_of(web)


def port_of(web: WebServer) -> int:
    return int(web.url.rstrip("/").rpartition(":")[2])


def asked(port: int, **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", "/", skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST.:80", 200),
        ("127.0.0.1:8770", 200),
        ("[::1]:8770", 200),
        ("shop.example:80", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("localhost@evil.example", 403),
        ("192.168.0.7", 403),
        ("[", 403),
        ("", 403),
    ],
)
def test_only_known_names_are_answered(host: str, status: int) -> None:
    with served("shop.example") as port:
        assert asked(port, Host=host).status == status


def test_no_name_or_two_are_not_answered() -> None:
    with served() as port:
        assert asked(port).status in (400, 403)


@pytest.mark.parametrize(("host", "status"), [("10.1.2.3:80", 200), ("evil.example", 403)])
def test_a_server_of_all_networks_answers_to_addresses_in_figures(host: str, status: int) -> None:
    with served(bound="0.0.0.0") as port:
        assert asked(port, Host=host).status == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:1", 200),
        ("https://shop.example", 200),
        ("http://localhost:2", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_other_pages_are_not_answered(origin: str, status: int) -> None:
    with served("shop.example") as port:
        assert asked(port, Host="localhost:1", Origin=origin).status == status


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_answer_says_what_a_page_may_do(host: str) -> None:
    with served() as port:
        answer = asked(port, Host=host)
    assert "frame-ancestors 'none'" in str(answer.headers["Content-Security-Policy"])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def open_flood(port: int) -> socket.socket:
    """A connection to the flood that is never read."""
    one = socket.create_connection(("127.0.0.1", port), 10)
    one.sendall(
        b"GET /flood HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    return one


def test_a_browser_that_never_reads_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_STALLED", 0.2)
    monkeypatch.setattr(server, "_LOOK", 0.02)
    flood = Flood()
    with WebServer(flood.app, WebOptions()) as web, open_flood(port_of(web)):
        assert flood.begun.wait(20)
        assert flood.over.wait(20)


def test_a_server_ends_in_silence_whoever_is_connected(capfd: pytest.CaptureFixture[str]) -> None:
    flood = Flood()
    with WebServer(flood.app, WebOptions()) as web:
        one = open_flood(port_of(web))
        assert flood.begun.wait(20)
    assert flood.over.wait(20)
    one.close()
    assert capfd.readouterr().err == ""


def test_a_taken_port_is_named_and_one_out_of_range_refused() -> None:
    with served() as port, pytest.raises(ShiziError, match=str(port)):
        WebServer(Flood().app, WebOptions(port=port)).__enter__()
    with pytest.raises(ValueError, match="port: must be from 0 to 65535"):
        WebOptions(port=70_000)
