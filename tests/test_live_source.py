"""Sources: frames in their order and time, from files and from streams that break."""

from __future__ import annotations

import sys
import threading
import time as clock
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from live_clips import Publisher, flat
from live_servers import Rtmp, running

from shizi.errors import MissingExtraError
from shizi.live.frame import Frame
from shizi.live.options import SourceOptions
from shizi.live.stream import source as stream
from shizi.live.stream.pace import queued, sampled
from shizi.live.stream.source import Source, StreamError, open_source

ALL = SourceOptions(fps=25)
PATIENT = SourceOptions(fps=25, timeout=3.0, give_up=30.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    flat(path, 4.0)
    return path


def times(source: Source) -> list[float]:
    return [round(frame.time, 3) for frame in source]


def rising(seen: list[float]) -> bool:
    return all(a < b for a, b in pairwise(seen))


def test_a_file_is_read_whole_and_in_time(clip: Path) -> None:
    with open_source(str(clip), ALL) as source:
        frames = list(source)
    assert [round(f.time, 3) for f in frames] == [round(i / 25, 3) for i in range(100)]
    assert source.duration == pytest.approx(4.0) and source.dropped == 0 and not source.live
    assert abs(int(frames[60].image.mean()) - 60) <= 2
    assert frames[0].crop(3, 5, 20, 16).shape == (11, 17, 3)


@pytest.mark.parametrize("start", [0.48, 1.0, 2.48])
def test_a_file_is_taken_up_where_it_was_left(clip: Path, start: float) -> None:
    with open_source(str(clip), ALL, start, away=99.0) as source:
        frames = list(source)
    assert [round(f.time * 25) for f in frames] == list(range(round(start * 25), 100))
    assert abs(int(frames[0].image.mean()) - start * 25) <= 2


def test_the_same_frames_are_looked_at_wherever_one_begins(clip: Path) -> None:
    with open_source(str(clip)) as whole, open_source(str(clip), start=1.36) as part:
        seen, later = times(whole), times(part)
    assert len(seen) == 40
    assert set(later) - {1.36} <= set(seen) and later[0] == 1.36


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    for i in range(5):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((20, 30, 3), 40 * i, np.uint8))
    with open_source(str(tmp_path), SourceOptions(fps=2)) as source:
        assert times(source) == [0.0, 0.5, 1.0, 1.5, 2.0]
    with open_source(str(tmp_path), SourceOptions(fps=2), start=1.0) as source:
        assert [int(f.image.mean()) for f in source] == [80, 120, 160]


def test_the_picture_may_change_its_size(tmp_path: Path) -> None:
    parts = []
    for name, size in (("a", (160, 120)), ("b", (320, 180))):
        flat(tmp_path / name, 1.0, size, "mpegts")
        parts.append((tmp_path / name).read_bytes())
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    with open_source(str(tmp_path / "both.ts"), ALL) as source:
        frames = list(source)
    assert [f.width for f in frames] == [160] * 25 + [320] * 25
    assert frames[-1].image.shape == (180, 320, 3)
    assert rising([f.time for f in frames]) and frames[-1].time < 2.5


def test_played_at_real_time_what_is_late_is_dropped_and_counted(clip: Path) -> None:
    options = SourceOptions(fps=25, replay_speed=20.0, queue=2)
    with open_source(str(clip), options) as source:
        first = next(source)
        deadline = clock.monotonic() + 20
        while source.dropped < 97 and clock.monotonic() < deadline:
            clock.sleep(0.01)
        rest = list(source)
    assert first.time == 0.0 and len(rest) + 1 + source.dropped == 100
    assert round(rest[-1].time, 2) == 3.96  # the latest are kept


def test_a_queue_hands_on_what_went_wrong() -> None:
    def broken() -> Iterator[Frame]:
        yield Frame(0.0, 0, 1, 1, None)
        raise StreamError("gone")

    frames = queued(broken(), 2, threading.Event(), lambda: None)
    with pytest.raises(StreamError, match="gone"):
        list(frames)


def test_decoding_goes_ahead_only_so_far_and_ends_when_nobody_wants_more() -> None:
    made, ended = threading.Semaphore(0), threading.Event()
    count = 0

    def endless() -> Iterator[Frame]:
        nonlocal count
        try:
            while True:
                count += 1
                made.release()
                yield Frame(count / 10, count, 1, 1, None)
        finally:
            ended.set()

    frames = queued(endless(), 3, threading.Event())
    assert next(frames).index == 1
    for _ in range(5):  # one taken, three that wait, one in hand
        assert made.acquire(timeout=10)
    assert not made.acquire(timeout=0.3) and count == 5
    frames.close()  # type: ignore[attr-defined]
    assert ended.wait(10)


def test_sampling_is_even() -> None:
    frames = (Frame(i / 30, i, 1, 1, None) for i in range(300))
    assert len(list(sampled(frames, 10))) == 100


@pytest.mark.parametrize("address", ["none.mp4", "rtmp://127.0.0.1:1/live/x", "screen:a", __file__])
def test_wrong_sources_are_named(address: str) -> None:
    with pytest.raises(StreamError, match=address.rpartition("/")[2]):
        next(open_source(address, PATIENT))


@pytest.fixture
def rtmp() -> Iterator[Rtmp]:
    with running(Rtmp) as server:
        assert isinstance(server, Rtmp)
        yield server


def opened(address: str, limit: float = 30.0) -> Source:
    """A stream, once somebody sends it."""
    deadline = clock.monotonic() + limit
    while True:
        try:
            return open_source(address, PATIENT)
        except StreamError:
            if clock.monotonic() > deadline:
                raise
            clock.sleep(0.2)


def test_an_rtmp_server_may_be_killed_in_mid_stream(rtmp: Rtmp, clip: Path) -> None:
    address = rtmp.address + "/room"
    with Publisher(clip, address), opened(address) as source:
        assert source.live and source.duration is None
        before = [next(source).time for _ in range(20)]
        rtmp.stop()
        rtmp.start()
        after: list[float] = []
        while not (source.reconnects and len(after) > 60):
            after.append(next(source).time)
    assert source.reconnects == 1
    assert rising(before + after)


def test_a_stream_that_does_not_come_back_is_named(rtmp: Rtmp, clip: Path) -> None:
    address = rtmp.address + "/room"
    with Publisher(clip, address):
        opened(address).close()
        source = open_source(address, SourceOptions(timeout=2.0, give_up=0.5))
        next(source)
        rtmp.stop()
        with pytest.raises(StreamError, match=r"lost for 0\.5 s"):
            while True:
                next(source)


def test_a_resumed_stream_has_gone_on_meanwhile(rtmp: Rtmp, clip: Path) -> None:
    address = rtmp.address + "/room"
    with Publisher(clip, address):
        opened(address).close()
        with open_source(address, PATIENT, start=100.0, away=20.0) as source:
            assert source.start == 120.0 and 120.0 <= next(source).time < 125.0


def test_hls_as_a_server_cuts_it(rtmp: Rtmp, clip: Path) -> None:
    with Publisher(clip, rtmp.address + "/room"), opened(rtmp.hls + "/room.m3u8") as source:
        seen = [next(source).time for _ in range(60)]
    assert source.live and rising(seen)


@pytest.fixture
def flv(tmp_path: Path) -> Iterator[str]:
    """A server that sends three seconds of FLV without an end, and hangs up."""
    flat(tmp_path / "clip.flv", 3.0, form="flv")
    body = (tmp_path / "clip.flv").read_bytes().replace(b"duration", b"duratioX")

    class Sender(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/x-flv")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    yield from served(Sender, "live.flv")


def served(handler: type[BaseHTTPRequestHandler], path: str) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{path}"
        server.shutdown()
        thread.join()


def test_http_flv_is_opened_again_when_the_server_hangs_up(flv: str) -> None:
    with open_source(flv, PATIENT) as source:
        assert source.live
        seen: list[float] = []
        while source.reconnects < 2 or len(seen) < 150:
            seen.append(next(source).time)
    assert rising(seen)


@pytest.mark.parametrize("becomes", ["nothing", "a recording"])
def test_a_broadcast_that_came_to_its_end_is_over(
    clip: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    real = stream._connect
    tries: list[str] = []

    def connect(address: str, timeout: float, camera: bool) -> Any:
        tries.append(address)
        if len(tries) > 1 and becomes == "nothing":
            raise StreamError("not there")
        return real(str(clip), timeout, camera)

    monkeypatch.setattr(stream, "_connect", connect)
    monkeypatch.setattr(stream, "_duration", lambda _: 4.0 if len(tries) > 1 else None)
    monkeypatch.setattr(stream, "_OVER", 0.0)
    with open_source("rtmp://host/live", SourceOptions(fps=25, give_up=9.0)) as source:
        assert source.live and times(source)
    assert len(tries) == 2


def test_a_recording_on_the_web_has_an_end(clip: Path) -> None:
    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(clip.parent))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    for address in served(Files, clip.name):
        with open_source(address, ALL) as source:
            assert not source.live and len(times(source)) == 100


def test_a_screen_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mss", None)
    with pytest.raises(MissingExtraError, match=r"\[screen\]"):
        open_source("screen")


def test_a_gif_is_a_video(tmp_path: Path) -> None:
    path = tmp_path / "room.gif"
    first, *others = [PIL.Image.new("RGB", (64, 48), (40 * i, 0, 0)) for i in range(5)]
    first.save(path, save_all=True, append_images=others, duration=100)
    with open_source(str(path), SourceOptions(fps=10)) as source:
        frames = list(source)
    assert [round(f.time, 1) for f in frames] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert [int(f.image[0, 0, 0]) for f in frames] == [0, 40, 80, 120, 160]


@pytest.mark.parametrize(("wait", "comes"), [(30.0, True), (0.0, False)])
def test_a_stream_that_is_not_there_yet_is_waited_for(
    clip: Path, monkeypatch: pytest.MonkeyPatch, wait: float, comes: bool
) -> None:
    tries: list[str] = []
    real = stream._connect

    def connect(address: str, timeout: float, camera: bool) -> Any:
        tries.append(address)
        if len(tries) < 3:
            raise StreamError("not there")
        return real(str(clip), timeout, camera)

    monkeypatch.setattr(stream, "_connect", connect)
    monkeypatch.setattr(stream, "_FIRST_WAIT", 0.001)
    if comes:
        with open_source("rtmp://host/live", SourceOptions(wait=wait)) as source:
            assert next(source).time == 0
    else:
        with pytest.raises(StreamError, match="not there"):
            open_source("rtmp://host/live", SourceOptions(wait=wait))
    assert len(tries) == (3 if comes else 1)
