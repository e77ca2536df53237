"""Frames of a stream: files, folders of pictures, network streams, screens and cameras.

Time is the stream's own clock (its presentation time stamps), carried on over reconnects.
Files are read as fast as they are asked for and lose nothing; what comes in at its own pace
passes a short queue, where the oldest frames are dropped, and counted, when the reader is slow.
"""

from __future__ import annotations

import platform
import threading
import time as clock
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shizi.errors import ShiziError
from shizi.extras import needed
from shizi.images.load import SUFFIXES, load
from shizi.live.frame import Frame
from shizi.live.options import SourceOptions
from shizi.live.stream.pace import paced, queued, sampled
from shizi.waits import Waits

with needed("reading video"):
    import av

_STREAMS = ("rtmp://", "rtmps://", "rtsp://", "rtsps://", "http://", "https://", "srt://", "udp://")
_CAMERAS = {"Linux": ("v4l2", "/dev/video{}"), "Darwin": ("avfoundation", "{}")}
STILLS = frozenset(SUFFIXES) - {".gif"}
"""Suffixes of files that are one picture; a GIF may move."""

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 8.0  # seconds between two tries to open a stream
_OVER = 30.0  # seconds for which what came to its end is not there again when it is over
_NEAR = 1e-3  # seconds: less than any two frames are apart
_JUMP = 10.0  # seconds between two frames that are a break in the clock rather than a pause


class StreamError(ShiziError):
    """A stream cannot be opened, or is gone and did not come back."""


@dataclass
class Source:
    """An iterator of frames, sampled at ``SourceOptions.fps``. Close it, or use ``with``.

    Attributes:
        address: what was opened.
        live: it comes in at its own pace: frames may be dropped.
        start: stream time at which it begins, seconds.
        duration: stream time at which it ends, where known, seconds.
        decoded: frames decoded so far.
        dropped: sampled frames that were dropped because the reader was slow.
        reconnects: times that the stream broke and came back.
    """

    address: str
    live: bool = False
    start: float = 0.0
    duration: float | None = None
    decoded: int = 0
    dropped: int = 0
    reconnects: int = 0
    _frames: Iterator[Frame] = field(default_factory=lambda: iter(()))
    _stop: threading.Event = field(default_factory=threading.Event)
    _over: bool = False  # what is open came to its end, rather than broke

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

    def _drop(self) -> None:
        self.dropped += 1


def open_source(
    address: str, options: SourceOptions | None = None, start: float = 0.0, away: float = 0.0
) -> Source:
    """Open a source of frames.

    Args:
        address: a video file; a picture or a folder of pictures, shown in the order of their
            names; an rtmp, rtsp or http(s) address (HLS, FLV); ``screen``, ``screen:2`` (a
            monitor) or ``screen:left,top,width,height``; ``camera`` or ``camera:1``.
        options: how.
        start: stream time at which to go on, seconds: what has an end is taken up there.
        away: seconds for which nobody looked: a live source has gone on meanwhile, and its
            clock goes on at ``start + away``.

    Raises:
        StreamError: there is no such source or it cannot be opened.
        MissingExtraError: mss is needed for a screen and not installed.
    """
    o = options or SourceOptions()
    source = Source(address)
    path = Path(address)
    if address.split(":")[0] == "screen":
        source.live, source.start = True, start + away
        frames = _screen(address, o, source)
    elif path.is_dir() or path.suffix.lower() in STILLS:
        source.start = start
        frames = _pictures(path, o, source)
    else:
        frames = _video(address, o, source, start, away)
    frames = sampled(frames, o.fps)
    if o.replay_speed > 0 and not source.live:
        source.live = True
        frames = paced(frames, o.replay_speed, source._stop)
    drop = source._drop if source.live else None  # what has an end is decoded ahead instead
    source._frames = queued(frames, o.queue, source._stop, drop)
    return source


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
            if i / options.fps < source.start - _NEAR:
                continue
            image = load(file)
            source.decoded += 1
            yield Frame(i / options.fps, i, image.shape[1], image.shape[0], image)

    return frames()


def _screen(address: str, options: SourceOptions, source: Source) -> Iterator[Frame]:
    """Pictures of a monitor, or of a part of it, as they are shown."""
    with needed("reading a screen"):
        import mss
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
                begin = clock.monotonic() - source.start
                while not source._stop.is_set():
                    time = clock.monotonic() - begin
                    image = np.asarray(screen.grab(where))[..., 2::-1]
                    h, w = image.shape[:2]
                    yield Frame(time, source.decoded, w, h, image)
                    source.decoded += 1
                    source._stop.wait(
                        max(0.0, 1 / options.fps - (clock.monotonic() - begin - time))
                    )
        except IndexError as error:
            raise StreamError(
                f"there is no monitor as in {address}; write screen or screen:2"
            ) from error
        except mss.ScreenShotError as error:
            raise StreamError(f"cannot take pictures of {address}: {error}") from error

    return frames()


def _video(
    address: str, options: SourceOptions, source: Source, start: float, away: float
) -> Iterator[Frame]:
    """Open a file, a stream or a camera; what is live is opened again when it breaks."""
    camera = address.split(":")[0] == "camera"
    remote = address.startswith(_STREAMS)
    if not camera and not remote and not Path(address).is_file():
        raise StreamError(f"{address} does not exist; name a file, a folder or a stream's address")

    def connect() -> Any:
        return _connect(address, options.timeout, camera)

    container = _awaited(connect, options.wait if remote else 0.0)
    known = _duration(container)
    source.live = camera or (remote and known is None)
    source.start = start + away if source.live else start
    source.duration = None if source.live else known
    if source.live:
        return _lasting(container, connect, options.give_up, source)
    return _sought(container, source)


def _duration(container: Any) -> float | None:
    """Length of what has an end, seconds."""
    return container.duration / av.time_base if (container.duration or 0) > 0 else None


def _awaited(connect: Callable[[], Any], patience: float) -> Any:
    """Open something that may not be there for some seconds yet."""
    waits, limit = Waits(_FIRST_WAIT, _LONGEST_WAIT), clock.monotonic() + patience
    while True:
        try:
            return connect()
        except StreamError:
            left = limit - clock.monotonic()
            if left <= 0:
                raise
            clock.sleep(min(left, waits.take()))


def _connect(address: str, timeout: float, camera: bool) -> Any:
    # A second of a stream tells what it is; FFmpeg would look at five.
    settings = {"analyzeduration": "1000000", "rtsp_transport": "tcp"} if "://" in address else {}
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
    container.streams.video[0].thread_type = "AUTO"
    return container


def _lasting(
    container: Any, connect: Callable[[], Any], patience: float, source: Source
) -> Iterator[Frame]:
    """Decode; on a break open the stream again, waiting longer each time, up to 8 seconds.

    A server may hang up for a moment. A broadcast is over when what ended without an error is not
    there again for some seconds, or has become a recording.
    """
    time, seen = source.start, clock.monotonic()
    while not source._stop.is_set():
        # The clock goes on as the wall's did meanwhile.
        start = time + (clock.monotonic() - seen if source.reconnects else 0.0)
        for frame in _decoded(container, source, start):
            time, seen = frame.time, clock.monotonic()
            yield frame
            if source._stop.is_set():
                return
        waits = Waits(_FIRST_WAIT, _LONGEST_WAIT)
        while not source._stop.wait(waits.take()):
            try:
                container = connect()
                if source._over and _duration(container) is not None:
                    container.close()
                    return
                break
            except StreamError as error:
                if source._over and clock.monotonic() - seen > _OVER:
                    return
                if patience and clock.monotonic() - seen > patience:
                    raise StreamError(f"{error} (lost for {patience:g} s)") from error
        source.reconnects += 1


def _sought(container: Any, source: Source) -> Iterator[Frame]:
    """Frames of something that has an end, from ``source.start`` on."""
    if not source.start:
        return _decoded(container, source, 0.0)
    first = next((p.time for p in _pulled(container, source) if p.pts is not None), 0.0)
    with suppress(av.FFmpegError):  # what cannot be sought is decoded from its beginning
        container.seek(int((first + source.start) * av.time_base))
    frames = _decoded(container, source, 0.0, -first)
    return (frame for frame in frames if frame.time > source.start - _NEAR)


def _decoded(
    container: Any, source: Source, start: float, offset: float | None = None
) -> Iterator[Frame]:
    """Frames until the end or a break; damaged packets are passed over.

    A clock that runs backwards or leaps is set right: times never fall.

    Args:
        container: what is open.
        source: whose frames they are.
        start: time of the first frame, where no offset is given.
        offset: of the stream's clock to ours, seconds.
    """
    usual = 1 / float(container.streams.video[0].average_rate or 25)
    time: float | None = None
    with container:
        for picture in _pulled(container, source):
            last = start - usual if time is None else time
            if picture.pts is None:
                time = last + usual
            else:
                stamp = float(picture.pts * picture.time_base)
                offset = start - stamp if offset is None else offset
                if time is not None and not 0 < stamp + offset - time < _JUMP:
                    offset = time + usual - stamp
                time = stamp + offset
            yield Frame(time, source.decoded, picture.width, picture.height, picture)
            source.decoded += 1
            if source._stop.is_set():
                return


def _pulled(container: Any, source: Source) -> Iterator[Any]:
    packets = container.demux(container.streams.video[0])
    source._over = False
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.EOFError):
            source._over = True
            return
        except (av.FFmpegError, OSError):
            return
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue
