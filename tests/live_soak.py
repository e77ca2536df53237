"""A long run: is memory flat, is nothing lost? python tests/live_soak.py --minutes 30

A simulated minute is shown over and over, so every minute must give as many events as were
drawn; the resident memory of the process is taken at every minute of the stream.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time as clock
from collections import Counter
from contextlib import closing
from pathlib import Path

from live_clips import loop

from shizi.live.options import SimulateOptions
from shizi.live.simulate import make_room, simulate

MINUTE = 60.0


def resident(process: int) -> float:
    """Resident memory of a process, MiB; 0 when it has ended."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def watched(process: subprocess.Popen[bytes], store: Path) -> dict[int, float]:
    """Memory of a run at each minute of the stream, until it ends."""
    memory: dict[int, float] = {}
    while process.poll() is None:
        clock.sleep(1.0)
        try:
            with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as direct:
                (time,) = direct.execute("SELECT max(time) FROM events").fetchone()
        except sqlite3.OperationalError:
            continue  # it is being made
        minute = int((time or 0.0) // MINUTE)
        if minute and minute not in memory:
            memory[minute] = resident(process.pid)
            print(f"minute {minute}: {memory[minute]:.0f} MiB", flush=True)
    return memory


def told(path: Path) -> list[Counter[str]]:
    """What was told in each minute."""
    rounds: dict[int, Counter[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        what = f"{event['kind']} {event['user']}: {event['text']} {event.get('gift', '')}"
        rounds.setdefault(int((event["time"] + 0.5) // MINUTE), Counter())[what] += 1
    return [rounds[k] for k in sorted(rounds)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shizi-") as name:
        folder = Path(name)
        minute, clip = folder / "minute.mp4", folder / "soak.mp4"
        options = SimulateOptions(seed=chosen.seed, seconds=MINUTE, shape="portrait")
        simulate(options, minute, folder / "truth.jsonl")
        loop(minute, chosen.minutes, clip)
        region = ",".join(f"{v:.4f}" for v in make_room(options).region)
        command = [sys.executable, "-m", "shizi", "live", str(clip), "--region", region]
        command += ["--threads", str(chosen.threads), "--store", str(folder / "soak.db")]
        start = clock.monotonic()
        process = subprocess.Popen([*command, "--events", str(folder / "events.jsonl")])
        memory = watched(process, folder / "soak.db")
        took = clock.monotonic() - start
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        rounds = told(folder / "events.jsonl")
        shown = len((folder / "truth.jsonl").read_text(encoding="utf-8").splitlines())
    late = [memory[m] for m in memory if m > 2]
    print(f"exit code {process.returncode}; {sum(map(Counter.total, rounds))} events")
    print(f"{took:.0f} s, {spent.ru_utime + spent.ru_stime:.0f} s of CPU, "
          f"{chosen.minutes * MINUTE / took:.1f} times real time")  # fmt: skip
    print(f"memory after minute 2: {min(late, default=0):.0f} to {max(late, default=0):.0f} MiB")
    counts = [now.total() for now in rounds]
    print(f"events in each minute, {shown} shown: {' '.join(map(str, counts))}")
    other = [(rounds[0] - now).total() for now in rounds[1:]]
    print(f"read otherwise than in the first minute: {' '.join(map(str, other))}")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
