"""Frames of a stream: files, folders of pictures, network streams, screens and cameras.

Time is the stream's own clock (its presentation time stamps), carried on over reconnects.
Files are read as fast as they are asked for and lose nothing; what comes in at its own pace
passes a short queue, where the oldest frames are dropped, and counted, when the reader is slow.
"""

from __future__ import annotations

import platform
import threading
import time as clock
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from shizi.errors import MissingExtraError, ShiziError
from shizi.image import SUFFIXES, load
from shizi.page import Image

try:
    import av
except ImportError as error:  # pragma: no cover
    raise MissingExtraError("av", "live", "reading video") from error

_STREAMS = ("rtmp://", "rtmps://", "rtsp://", "rtsps://", "http://", "https://", "srt://", "udp://")
_CAMERAS = {"Linux": ("v4l2", "/dev/video{}"), "Darwin": ("avfoundation", "{}")}
_JUMP = 10.0  # seconds between two frames that are a break in the clock rather than a pause


class StreamError(ShiziError):
    """A stream cannot be opened, or is gone and did not come back."""


@dataclass(frozen=True)
class SourceOptions:
    """How frames are taken from a source.

    Attributes:
        fps: frames looked at in a second of the stream; fewer where it has fewer.
        replay_speed: play a file at so many times its speed, as if it came in live; 0: as fast
            as it can be read.
        timeout: seconds without data after which a stream counts as broken.
        give_up: seconds for which a broken stream is opened again and again; 0: for ever.
        queue: frames of a live source that may wait.
    """

    fps: float = 10.0
    replay_speed: float = 0.0
    timeout: float = 10.0
    give_up: float = 0.0
    queue: int = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream.

    Attributes:
        time: on the stream's clock, seconds from its start.
        index: number of the frame among all that were decoded.
        width: pixels.
        height: pixels.
        picture: the decoder's frame or an RGB array; read it by :meth:`crop`.
    """

    time: float
    index: int
    width: int
    height: int
    picture: Any

    @property
    def image(self) -> Image:
        """The whole frame, RGB (H, W, 3)."""
        return self.crop(0, 0, self.width, self.height)

    def crop(self, x0: int, y0: int, x1: int, y1: int) -> Image:
        """A part of the frame, RGB (y1 - y0, x1 - x0, 3); only that part is converted."""
        if isinstance(self.picture, np.ndarray):
            return np.ascontiguousarray(self.picture[y0:y1, x0:x1])
        if self.picture.format.name not in ("yuv420p", "yuvj420p"):
            return np.ascontiguousarray(self.picture.to_ndarray(format="rgb24")[y0:y1, x0:x1])
        return _from_yuv(self.picture, x0, y0, x1, y1)


def _from_yuv(picture: Any, x0: int, y0: int, x1: int, y1: int) -> Image:
    left, top = x0 // 2 * 2, y0 // 2 * 2  # chroma is at half size
    right, low = x1 + (x1 - left) % 2, y1 + (y1 - top) % 2
    parts = []
    for i, plane in enumerate(picture.planes):
        a = 1 if i == 0 else 2
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        part = rows[top // a : low // a, left // a : min(right // a, plane.width)]
        want = ((low - top) // a, (right - left) // a)
        missing = (want[0] - part.shape[0], want[1] - part.shape[1])  # frames of odd size
        if any(missing):
            part = np.pad(part, ((0, missing[0]), (0, missing[1])), "edge")
        parts.append(part.ravel())
    stacked = np.concatenate(parts).reshape(-1, right - left)  # (1.5 h, w), I420
    rgb = cv2.cvtColor(stacked, cv2.COLOR_YUV2RGB_I420)
    return np.ascontiguousarray(rgb[y0 - top : y1 - top, x0 - left : x1 - left], np.uint8)


@dataclass
class Source:
    """An iterator of frames, sampled at ``SourceOptions.fps``. Close it, or use ``with``.

    Attributes:
        address: what was opened.
        live: it comes in at its own pace: frames may be dropped.
        duration: seconds, where known.
        decoded: frames decoded so far.
        dropped: sampled frames that were dropped because the reader was slow.
        reconnects: times that the stream broke and came back.
    """

    address: str
    live: bool = False
    duration: float | None = None
    decoded: int = 0
    dropped: int = 0
    reconnects: int = 0
    _frames: Iterator[Frame] = field(default_factory=lambda: iter(()))
    _stop: threading.Event = field(default_factory=threading.Event)

    def __iter__(self) -> Iterator[Frame]:
        """Return itself."""
        return self

    def __next__(self) -> Frame:
        """Return the next frame.

        Raises:
            StreamError: the stream broke and did not come back in time.
        """
        return next(self._frames)

    def __enter__(self) -> Source:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Stop reading; the iterator ends."""
        self._stop.set()


def open_source(address: str, options: SourceOptions | None = None) -> Source:
    """Open a source of frames.

    Args:
        address: a video file; a picture or a folder of pictures, shown in the order of their
            names; an rtmp, rtsp or http(s) address (HLS, FLV); ``screen``, ``screen:2`` (a
            monitor) or ``screen:left,top,width,height``; ``camera`` or ``camera:1``.
        options: how.

    Raises:
        StreamError: there is no such source or it cannot be opened.
        MissingExtraError: mss is needed for a screen and not installed.
    """
    o = options or SourceOptions()
    source = Source(address)
    path = Path(address)
    if address.split(":")[0] == "screen":
        source.live = True
        frames = _screen(address, o, source)
    elif path.is_dir() or path.suffix.lower() in SUFFIXES:
        frames = _pictures(path, o, source)
    else:
        frames = _video(address, o, source)
    frames = _sampled(frames, o.fps)
    if o.replay_speed > 0 and not source.live:
        source.live = True
        frames = _paced(frames, o.replay_speed, source._stop)
    source._frames = _queued(frames, o.queue, source) if source.live else frames
    return source


def _sampled(frames: Iterator[Frame], fps: float) -> Iterator[Frame]:
    """Let at most ``fps`` frames a second through, evenly by their time."""
    step, due = 1 / fps, -np.inf
    for frame in frames:
        if frame.time >= due - 1e-3:
            due = max(due + step, frame.time + step / 2)
            yield frame


def _paced(frames: Iterator[Frame], speed: float, stop: threading.Event) -> Iterator[Frame]:
    start = clock.monotonic()
    for frame in frames:
        stop.wait(max(0.0, start + frame.time / speed - clock.monotonic()))
        yield frame


def _queued(frames: Iterator[Frame], size: int, source: Source) -> Iterator[Frame]:
    """Pull frames in a thread of their own; the oldest go when more than ``size`` wait."""
    waiting: deque[Frame] = deque()
    changed = threading.Condition()
    failure: list[BaseException] = []
    ended = threading.Event()

    def pull() -> None:
        try:
            for frame in frames:
                with changed:
                    if len(waiting) >= size:
                        waiting.popleft()
                        source.dropped += 1
                    waiting.append(frame)
                    changed.notify()
                if source._stop.is_set():
                    break
        except BaseException as error:  # handed to the reader
            failure.append(error)
        finally:
            with changed:
                ended.set()
                changed.notify()

    threading.Thread(target=pull, name="shizi-source", daemon=True).start()
    while True:
        with changed:
            changed.wait_for(lambda: waiting or ended.is_set())
            frame = waiting.popleft() if waiting else None
        if source._stop.is_set():
            return
        if frame is None:
            break
        yield frame
    if failure:
        raise failure[0]


def _pictures(path: Path, options: SourceOptions, source: Source) -> Iterator[Frame]:
    """Pictures of a folder as frames 1 / fps apart."""
    files = [path] if not path.is_dir() else sorted(
        p for p in path.iterdir() if p.suffix.lower() in SUFFIXES
    )  # fmt: skip
    if not files or not files[0].is_file():
        raise StreamError(f"no picture at {path}; name a picture or a folder that holds some")
    source.duration = len(files) / options.fps

    def frames() -> Iterator[Frame]:
        for i, file in enumerate(files):
            image = load(file)
            source.decoded += 1
            yield Frame(i / options.fps, i, image.shape[1], image.shape[0], image)

    return frames()


def _screen(address: str, options: SourceOptions, source: Source) -> Iterator[Frame]:
    """Pictures of a monitor, or of a part of it, as they are shown."""
    try:
        import mss
    except ImportError as error:
        raise MissingExtraError("mss", "live", "reading a screen") from error
    part = address.partition(":")[2]
    try:
        numbers = [int(n) for n in part.split(",")] if part else [1]
        if len(numbers) not in (1, 4):
            raise ValueError
    except ValueError:
        raise StreamError(
            f"{address!r} is no screen; write screen, screen:2 or screen:left,top,width,height"
        ) from None

    def frames() -> Iterator[Frame]:
        try:
            with mss.mss() as screen:
                where: Any = dict(zip(("left", "top", "width", "height"), numbers, strict=False))
                where = where if len(numbers) == 4 else screen.monitors[numbers[0]]
                start = clock.monotonic()
                while not source._stop.is_set():
                    time = clock.monotonic() - start
                    image = np.asarray(screen.grab(where))[..., 2::-1]
                    h, w = image.shape[:2]
                    yield Frame(time, source.decoded, w, h, image)
                    source.decoded += 1
                    source._stop.wait(
                        max(0.0, 1 / options.fps - (clock.monotonic() - start - time))
                    )
        except (mss.ScreenShotError, IndexError) as error:
            raise StreamError(f"cannot take pictures of {address}: {error}") from error

    return frames()


def _video(address: str, options: SourceOptions, source: Source) -> Iterator[Frame]:
    """Open a file, a stream or a camera; what is live is opened again when it breaks."""
    camera = address.split(":")[0] == "camera"
    remote = address.startswith(_STREAMS)
    if not camera and not remote and not Path(address).is_file():
        raise StreamError(f"{address} does not exist; name a file, a folder or a stream's address")

    def connect() -> Any:
        return _connect(address, options.timeout, camera)

    container = connect()
    known = container.duration / av.time_base if (container.duration or 0) > 0 else None
    source.live = camera or (remote and known is None)
    source.duration = None if source.live else known
    if source.live:
        return _lasting(container, connect, options.give_up, source)
    return _decoded(container, source, 0.0)


def _connect(address: str, timeout: float, camera: bool) -> Any:
    settings = {"fflags": "nobuffer", "rtsp_transport": "tcp"} if "://" in address else {}
    try:
        if camera:
            name, pattern = _CAMERAS.get(platform.system(), ("dshow", "video={}"))
            number = address.partition(":")[2] or "0"
            container = av.open(pattern.format(number), format=name, timeout=timeout)
        else:
            container = av.open(address, options=settings, timeout=timeout)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise StreamError(f"cannot open {address}: {error}; check the address") from error
    if not container.streams.video:
        container.close()
        raise StreamError(f"{address} has no picture; name a source with video")
    return container


def _lasting(
    container: Any, connect: Callable[[], Any], patience: float, source: Source
) -> Iterator[Frame]:
    """Decode; on a break open the stream again, waiting longer each time, up to 8 seconds."""
    time, seen = 0.0, clock.monotonic()
    while not source._stop.is_set():
        # The clock goes on as the wall's did meanwhile.
        start = time + (clock.monotonic() - seen if source.reconnects else 0.0)
        for frame in _decoded(container, source, start):
            time, seen = frame.time, clock.monotonic()
            yield frame
            if source._stop.is_set():
                return
        wait = 0.25
        while not source._stop.wait(wait):
            try:
                container = connect()
                break
            except StreamError as error:
                if patience and clock.monotonic() - seen > patience:
                    raise StreamError(f"{error} (lost for {patience:g} s)") from error
            wait = min(2 * wait, 8.0)
        source.reconnects += 1


def _decoded(container: Any, source: Source, start: float) -> Iterator[Frame]:
    """Frames until the end or a break; damaged packets are passed over.

    A clock that runs backwards or leaps is set right: times never fall.
    """
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    usual = 1 / float(stream.average_rate or 25)
    offset: float | None = None  # of the stream's clock to ours
    time = start - usual
    with container:
        for picture in _pulled(container, stream):
            stamp = time + usual if picture.pts is None else float(picture.pts * picture.time_base)
            if offset is None:
                offset = start - stamp
            if not 0 < stamp + offset - time < _JUMP:
                offset = time + usual - stamp
            time = stamp + offset
            yield Frame(time, source.decoded, picture.width, picture.height, picture)
            source.decoded += 1
            if source._stop.is_set():
                return


def _pulled(container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError, OSError):
            return
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue
