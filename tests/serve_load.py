"""Load on ``shizi serve``, and on a plain FastAPI wrapper around RapidOCR beside it (Linux).

    python tests/serve_load.py samples/*.jpg --seconds 30 --clients 1 8 64
    python tests/serve_load.py samples/notice.jpg --overload 60
    python tests/serve_load.py samples/*.jpg --memory 5000

Needs the extras ``serve`` and ``bench``, and fastapi. Each number of clients asks one service, then
the other, in turn. CPU seconds are the service's own, so what else the machine does matters little
to them. ``--core`` keeps the services on one core and the clients, which are light, off it. ONNX
Runtime binds threads of its own to whatever cores there are, so that RapidOCR is then given one.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import PIL.Image

PEER = """
import sys, cv2, numpy as np, uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from rapidocr import RapidOCR

threads = {"EngineConfig.onnxruntime.intra_op_num_threads": int(sys.argv[1])}
app, engine = FastAPI(), RapidOCR(params={"Global.log_level": "critical", **threads})

@app.post("/v1/read")
async def read(request: Request):
    data = np.frombuffer(await request.body(), np.uint8)
    found = await run_in_threadpool(engine, cv2.imdecode(data, cv2.IMREAD_COLOR))
    return {"text": list(found.txts or ())}

@app.get("/healthz")
def health():
    return "ok"

uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""

QUEUE = 32
AGAIN = 0.1
"""Seconds after which a client that was turned away comes again: it has not read Retry-After."""


@dataclass
class Load:
    """What clients saw.

    Attributes:
        seconds: of each answer, by status; 0 is an answer that broke off.
        cpu: seconds that the service took.
        wall: seconds that it all took.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    cpu: float = 0.0
    wall: float = 0.0

    def row(self, name: str, clients: int) -> str:
        """One row of the table."""
        good = self.seconds.get(200, [])
        p50, p95, p99 = np.percentile(good, (50, 95, 99)) if good else (np.nan,) * 3
        others = {status: len(s) for status, s in self.seconds.items() if status != 200}
        return (
            f"| {name} | {clients} | {len(good) / self.wall:.2f} | {p50:.2f} / {p95:.2f} / "
            f"{p99:.2f} | {self.cpu / max(1, len(good)):.2f} | {others or ''} |"
        )


@contextmanager
def service(command: list[str], core: int | None) -> Iterator[tuple[int, int]]:
    """Start a service, wait until it answers, and yield its process and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ours = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    with subprocess.Popen([*command, str(port)]) as process:
        os.sched_setaffinity(0, ours - {core} or ours)
        try:
            while True:
                with suppress(OSError):
                    urlopen(f"http://127.0.0.1:{port}/healthz").close()
                    break
                if process.poll() is not None:
                    sys.exit("the service did not start")
                time.sleep(0.2)
            yield process.pid, port
        finally:
            process.terminate()


def of_process(pid: int) -> tuple[float, float]:
    """CPU seconds and resident MB of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Client:
    """A connection that is kept; its requests are bytes made before, so that it costs little."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and return the status of its answer, 0 where that breaks off."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b"transfer-encoding: chunked" in head:
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    await reader.readexactly(size + 2)
                await reader.readexactly(2)
            else:
                await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
            if b"connection: close" in head:
                self.close()
            return int(head.split()[1])
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def load(pid: int, port: int, files: Iterable[bytes], clients: int, seconds: float) -> Load:
    """Ask with some clients for some seconds, or until there are no more files."""
    found, requests = Load(), iter(files)
    begun, before = time.monotonic(), of_process(pid)[0]

    async def ask() -> None:
        client = Client(port)
        for file in requests:
            if (start := time.monotonic()) > begun + seconds:
                break
            head = (
                f"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(file)}\r\n\r\n"
            )
            status = await client.ask(head.encode() + file)
            found.seconds.setdefault(status, []).append(time.monotonic() - start)
            if status in (0, 429):
                await asyncio.sleep(AGAIN)
        client.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(ask() for _ in range(clients)))

    asyncio.run(all_of_them())
    found.wall, found.cpu = time.monotonic() - begun, of_process(pid)[0] - before
    return found


def overload(pid: int, port: int, files: list[bytes], seconds: float) -> None:
    """Ask ten times what is taken at once, and print how quick the refusals are."""
    print(f"memory: {of_process(pid)[1]:.0f} MB before")
    for _ in range(3):
        found = load(pid, port, itertools.cycle(files), 10 * (QUEUE + 2), seconds / 3)
        counts = {status: len(s) for status, s in sorted(found.seconds.items())}
        p50, p95, p99 = 1e3 * np.percentile(found.seconds.get(429, [0.0]), (50, 95, 99))
        print(
            f"{counts} in {found.wall:.0f} s; 429 after {p50:.0f} / {p95:.0f} / {p99:.0f} ms "
            f"(p50 / p95 / p99); {of_process(pid)[1]:.0f} MB"
        )


def memory(pid: int, port: int, files: list[bytes], count: int) -> None:
    """Ask for many different small pictures, and print what the service holds meanwhile."""
    small = _cut(files, count)
    for part in range(10):
        found = load(pid, port, itertools.islice(small, count // 10), 4, 1e9)
        counts = {status: len(seconds) for status, seconds in found.seconds.items()}
        held = of_process(pid)[1]
        print(f"{(part + 1) * count // 10} requests: {held:.0f} MB ({counts})", flush=True)


def _cut(files: list[bytes], count: int) -> Iterator[bytes]:
    """Yield parts of pictures, each another, of 80 to 240 pixels a side."""
    rng = np.random.default_rng(0)
    pictures = [PIL.Image.open(io.BytesIO(file)).convert("RGB") for file in files]
    for n in range(count):
        picture = pictures[n % len(pictures)]
        w, h = (int(side) for side in rng.integers(80, 240, 2))
        x, y = int(rng.integers(picture.width - w)), int(rng.integers(picture.height - h))
        out = io.BytesIO()
        picture.crop((x, y, x + w, y + h)).save(out, "JPEG")
        yield out.getvalue()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--overload", type=float, default=0, help="seconds; no peer")
    parser.add_argument("--memory", type=int, default=0, help="requests; no peer")
    parser.add_argument("--core", type=int, help="that the services run on, and nothing of ours")
    given = parser.parse_args()
    files = [path.read_bytes() for path in given.pictures]
    ours = [sys.executable, "-m", "shizi", "serve", "--queue", str(QUEUE), "--port"]
    with service(ours, given.core) as shizi:
        load(*shizi, files, 1, 60)
        if given.overload:
            return overload(*shizi, files, given.overload)
        if given.memory:
            return memory(*shizi, files, given.memory)
        threads = "-1" if given.core is None else "1"  # -1: as it likes
        with service([sys.executable, "-c", PEER, threads], given.core) as peer:
            load(*peer, files, 1, 60)
            print("| | clients | requests/s | p50 / p95 / p99 s | CPU s a request | others |")
            print("|---|---|---|---|---|---|")
            for clients in given.clients:
                for name, asked in (("shizi", shizi), ("RapidOCR", peer)):
                    done = load(*asked, itertools.cycle(files), clients, given.seconds)
                    print(done.row(name, clients), flush=True)


if __name__ == "__main__":
    main()
