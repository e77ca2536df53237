"""Load on ``shizi serve``, and on a plain FastAPI wrapper around RapidOCR beside it.

    python tests/serve_load.py samples/*.jpg --seconds 30 --clients 1 8 64
    python tests/serve_load.py samples/notice.jpg --overload 60

Needs the extras ``serve`` and ``bench``, and fastapi. Each number of clients asks one service, then
the other, in turn. CPU seconds are the service's own, so what else the machine does matters little
to them; requests a second and latencies want a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

PEER = """
import sys, cv2, numpy as np, uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from rapidocr import RapidOCR

app, engine = FastAPI(), RapidOCR()

@app.post("/v1/read")
async def read(request: Request):
    data = np.frombuffer(await request.body(), np.uint8)
    found = await run_in_threadpool(engine, cv2.imdecode(data, cv2.IMREAD_COLOR))
    return {"text": list(found.txts or ())}

@app.get("/healthz")
def health():
    return "ok"

uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


@dataclass
class Load:
    """What clients saw.

    Attributes:
        seconds: of each answer, by status.
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
def service(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a service, and wait until it answers."""
    with subprocess.Popen(command) as process:
        try:
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/healthz")
                    break
                except httpx.ConnectError:
                    if process.poll() is not None:
                        sys.exit("the service did not start")
                    time.sleep(0.2)
            yield process
        finally:
            process.terminate()


def of_process(pid: int) -> tuple[float, float]:
    """CPU seconds and resident MB of a process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def load(pid: int, port: int, pictures: list[bytes], clients: int, seconds: float) -> Load:
    """Ask with some clients for some seconds."""
    found, lock = Load(), threading.Lock()
    begun, before = time.monotonic(), of_process(pid)[0]

    def ask(first: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
            n = first
            while time.monotonic() < begun + seconds:
                start = time.monotonic()
                status = client.post("/v1/read", content=pictures[n % len(pictures)]).status_code
                with lock:
                    found.seconds.setdefault(status, []).append(time.monotonic() - start)
                n += 1
                if status == 429:
                    time.sleep(0.1)  # a client that has not read Retry-After, but is no machine gun

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.wall, found.cpu = time.monotonic() - begun, of_process(pid)[0] - before
    return found


def overload(pid: int, port: int, pictures: list[bytes], seconds: float) -> None:
    """Ask ten times what is taken at once, and print how quick the refusals are."""
    memory = of_process(pid)[1]
    found = load(pid, port, pictures, 10 * 34, seconds)
    counts = Counter({status: len(s) for status, s in found.seconds.items()})
    refused = found.seconds.get(429, [0.0])
    p50, p99 = np.percentile(refused, (50, 99))
    print(f"overload: {dict(counts)}; 429 after {p50 * 1e3:.0f} ms (p50), {p99 * 1e3:.0f} (p99)")
    print(f"memory: {memory:.0f} MB before, {of_process(pid)[1]:.0f} after")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--overload", type=float, default=0, help="seconds; no peer")
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    pictures = [path.read_bytes() for path in given.pictures]
    ours = [sys.executable, "-m", "shizi", "serve", "--port", "8791", "--threads"]
    with service([*ours, str(given.threads), "--queue", "32"], 8791) as shizi:
        load(shizi.pid, 8791, pictures, 1, 3)
        if given.overload:
            overload(shizi.pid, 8791, pictures, given.overload)
            return
        with service([sys.executable, "-c", PEER, "8792"], 8792) as peer:
            load(peer.pid, 8792, pictures, 1, 3)
            print("| | clients | requests/s | p50 / p95 / p99 s | CPU s a request | others |")
            print("|---|---|---|---|---|---|")
            for clients in given.clients:
                for name, process, port in (("shizi", shizi, 8791), ("RapidOCR", peer, 8792)):
                    done = load(process.pid, port, pictures, clients, given.seconds)
                    print(done.row(name, clients), flush=True)


if __name__ == "__main__":
    main()
