"""Real servers for tests, on free ports in folders of their own; skipped where not installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A Postgres server; `stop` and `start` as often as you like."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("pg_ctl") or next(
            (str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))), None
        )
        if found is None:
            pytest.skip("Postgres is not installed: apt-get install postgresql")
        self._bin, self._data = Path(found).resolve().parent, folder / "data"
        self._user: str | None = None
        if os.geteuid() == 0:  # Postgres refuses to run as root
            self._user = next((u for u in ("postgres", "nobody") if _exists(u)), None)
            shutil.chown(folder, self._user)
        self._port = free_port()
        self.address = f"postgresql://tester@127.0.0.1:{self._port}/postgres"
        self._run("initdb", "-D", str(self._data), "-U", "tester", "-A", "trust", "--no-sync")

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self._data}"
        self._run("pg_ctl", "-w", "-D", str(self._data), "-o", options, "-l",
                  str(self._data / "log"), "start")  # fmt: skip

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-D", str(self._data), "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        done = subprocess.run(
            command, user=self._user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()


class Redis:
    """A Redis server that keeps its data over a restart."""

    def __init__(self, folder: Path) -> None:
        self._program = shutil.which("redis-server")
        if self._program is None:
            pytest.skip("Redis is not installed: apt-get install redis-server")
        pytest.importorskip("redis")
        self._folder, self._port = folder, free_port()
        self.address = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        from redis import Redis as Client
        from redis.backoff import ConstantBackoff
        from redis.retry import Retry

        command = [str(self._program), "--port", str(self._port), "--bind", "127.0.0.1", "--dir",
                   str(self._folder), "--appendonly", "yes", "--appendfsync", "always"]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with Client.from_url(self.address, retry=Retry(ConstantBackoff(0.05), 200)) as client:
            client.ping()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Rtmp:
    """Nginx with its RTMP module, which also cuts what it gets into HLS."""

    def __init__(self, folder: Path) -> None:
        module = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
        self._program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if self._program is None or not module.is_file():
            pytest.skip("no RTMP server: apt-get install nginx libnginx-mod-rtmp")
        port, web = free_port(), free_port()
        self.address = f"rtmp://127.0.0.1:{port}/live"
        self.hls = f"http://127.0.0.1:{web}/hls"
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        folder.chmod(0o755)
        places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"load_module {module}; daemon off; worker_processes 1; pid {folder}/pid; {user}\n"
            "events {}\n"
            f"rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; hls on;"
            f" hls_path {folder}/hls; hls_fragment 1s; }} }} }}\n"
            f"http {{ access_log off; {places} server {{ listen 127.0.0.1:{web};"
            f" root {folder}; }} }}\n"
        )

    def start(self) -> None:
        command = [str(self._program), "-p", str(self._folder), "-c",
                   str(self._folder / "nginx.conf"), "-e", str(self._folder / "log")]  # fmt: skip
        self._process = subprocess.Popen(command)
        port = int(self.address.rpartition(":")[2].partition("/")[0])
        deadline = clock.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert clock.monotonic() < deadline and self._process.poll() is None
                clock.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()  # at once, with its workers and connections
            self._process.wait(20)
            self._process = None


Server = Postgres | Redis | Rtmp


@contextmanager
def running(kind: type[Postgres] | type[Redis] | type[Rtmp]) -> Iterator[Server]:
    """A started server, stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="shizi-") as folder:
        server = kind(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
