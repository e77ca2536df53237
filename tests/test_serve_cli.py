"""``shizi serve`` as a process: it reads, and ends when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from shizi.cli import main

SAMPLES = Path(__file__).parents[1] / "samples"


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "shizi", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        try:
            told = run.stderr.readline()
            assert told.startswith("shizi: serving at http://"), told
            yield run, told.split()[-1]
        finally:
            run.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGTERM")
def test_it_reads_until_it_is_told_to_end() -> None:
    with process("--threads", "1") as (run, url):
        notice = (SAMPLES / "notice.jpg").read_bytes()
        for orientation in ("true", "false"):
            answer = httpx.post(
                f"{url}v1/read?orientation={orientation}", content=notice, timeout=120
            )
            assert answer.status_code == 200
            assert answer.text.startswith("停水检修通知\n")
        rotated = (SAMPLES / "rotated.jpg").read_bytes()
        page = httpx.post(f"{url}v1/read?format=json", content=rotated, timeout=120).json()[0]
        assert page["angle"] != 0
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0
        assert run.stderr is not None
        assert run.stderr.read() == ""


def test_a_taken_port_and_a_wrong_option_are_told_in_a_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["serve", "--token-file", str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err
    assert main(["serve", "--queue", "-1"]) == 2
    assert capsys.readouterr().err.startswith("shizi: queue: must be")
