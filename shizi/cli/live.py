"""``shizi live``: a room's comments as events, its viewers and their value.

What needs optional packages is imported by the functions that use it: help needs none.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
from cyclopts import App, Group, Parameter
from rich.console import Console

from shizi.bar import bar
from shizi.cli import UsageError
from shizi.cli.show import say
from shizi.errors import DataError
from shizi.files import whole
from shizi.live.event import Event
from shizi.live.options import (
    CropOptions,
    DashboardOptions,
    Form,
    LiveOptions,
    Plan,
    ReadingOptions,
    RegionOptions,
    RoomOptions,
    SeeOptions,
    SimulateOptions,
    SourceOptions,
    WatchOptions,
    WriterOptions,
)
from shizi.page import Image

if TYPE_CHECKING:
    from shizi.live.see.watch import Watch
    from shizi.live.show.dashboard import Dashboard
    from shizi.live.stream.source import Source

live = App(name="live")
_SOURCE, _REGION, _WATCH = SourceOptions(), RegionOptions(), WatchOptions()
_READING = ReadingOptions()
_CROPS = CropOptions()
_PANELS = [Group.create_ordered(name) for name in ("Room", "Picture", "Keeping", "Dashboard")]


@live.default
def watch(
    source: str = "",
    /,
    *,
    room: Annotated[LiveOptions, Parameter(name="*", group=_PANELS[0])] = LiveOptions(),
    rooms: Annotated[Path | None, Parameter(group=_PANELS[0])] = None,
    source_options: Annotated[SourceOptions, Parameter(name="*", group=_PANELS[1])] = _SOURCE,
    region: Annotated[RegionOptions, Parameter(name="*", group=_PANELS[1])] = _REGION,
    watching: Annotated[WatchOptions, Parameter(name="*", group=_PANELS[1])] = _WATCH,
    reading: Annotated[ReadingOptions, Parameter(name="*", group=_PANELS[1])] = _READING,
    keep: Annotated[RoomOptions, Parameter(name="*", group=_PANELS[2])] = RoomOptions(),
    writing: Annotated[WriterOptions, Parameter(name="*", group=_PANELS[2])] = WriterOptions(),
    crops: Annotated[CropOptions, Parameter(name="*", group=_PANELS[2])] = _CROPS,
    dashboard: Annotated[bool, Parameter(group=_PANELS[3])] = False,
    page: Annotated[
        DashboardOptions, Parameter(name="dashboard", group=_PANELS[3])
    ] = DashboardOptions(),
    show: Annotated[Path | None, Parameter(name="--show-region", group=_PANELS[1])] = None,
) -> int:
    """Follow a room: who came in, who said what, who gave what, and what each viewer is worth.

    Args:
        source: video file, folder of pictures, rtmp:// rtsp:// http(s):// address (HLS, FLV),
            screen:N, or camera:N.
        room: what is done with the room.
        rooms: YAML file of several rooms, each followed by a process of its own; their settings
            are in the file.
        source_options: how frames are taken.
        region: where the comments stand.
        watching: how lines are followed.
        reading: when they are read.
        keep: how the room is kept.
        writing: how events are stored.
        crops: which pictures of rows are kept.
        dashboard: serve a page that shows the picture, the events and the viewers.
        page: where the page is served.
        show: write a picture with the comment area drawn upon it, and stop.
    """
    if bool(source) == (rooms is not None):
        raise UsageError("name either a source or a file of --rooms")
    from shizi.live.rooms import HANGUP, load_rooms
    from shizi.live.run import show_region

    ending = _Ending()
    for number in (signal.SIGTERM, *HANGUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, ending)
    if rooms is not None:
        return _several(load_rooms(rooms), page if dashboard else None)
    see = SeeOptions(source_options, region, watching, reading)
    plan = Plan(source, room, see, keep, writing, crops)
    if show is not None:
        picture = show_region(source, plan.see)
        _write_picture(show, picture)
        print(show)
        return 0
    return _one(plan, page if dashboard else None, ending)


class _Ending:
    """Ends a run as Ctrl-C does: what is open is closed and stored.

    An exception that a signal raises is lost where Python cannot pass it on, as in a finalizer; so
    it is raised once more at the next frame.
    """

    def __init__(self) -> None:
        self._asked = False

    def __call__(self, number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # a terminal that is closed says so more than once
        self._asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raise what was asked for, if it was."""
        if self._asked:
            raise KeyboardInterrupt


def _one(plan: Plan, page: DashboardOptions | None, ending: _Ending) -> int:
    from shizi.live.run import follow, room_name

    console = Console(stderr=True)
    with ExitStack() as stack:
        name = room_name(plan.source, plan.room.room)
        board = _served(stack, console, {name: plan.room}, page)
        shown = stack.enter_context(bar())

        def step(source: Source, watch: Watch) -> None:
            ending.check()
            done = watch.statistics
            text = f"{done.factor:.1f}x real time, {source.dropped} dropped"
            text += "" if watch.area else ", searching for the comments"
            shown.at(done.stream, text, source.duration)

        told = follow(plan, board, step)
    for trouble in told.troubles:
        say(console, f"shizi: {trouble}", style="red")
    console.print(str(told), highlight=False)
    return 1 if told.troubles else 0


def _several(plans: list[Plan], page: DashboardOptions | None) -> int:
    from shizi.live.rooms import Rooms

    console = Console(stderr=True)
    with ExitStack() as stack:
        board = _served(stack, console, {plan.room.room: plan.room for plan in plans}, page)
        rooms = Rooms(plans, lambda line: say(console, line), board)
        rooms.run()
    return 1 if rooms.failed else 0


def _served(
    stack: ExitStack, console: Console, rooms: dict[str, LiveOptions], page: DashboardOptions | None
) -> Dashboard | None:
    if page is None:
        return None
    from shizi.live.mean.value import load_rules
    from shizi.live.query import Query
    from shizi.live.show.dashboard import Dashboard

    first = next(iter(rooms.values()))
    query = Query({name: room.store for name, room in rooms.items()}, load_rules(first.rules))
    board = stack.enter_context(
        Dashboard(list(rooms), page, [n for n, r in rooms.items() if r.store], query.routes())
    )
    console.print(f"dashboard: {board.url}")
    return board


def _write_picture(path: Path, picture: Image) -> None:
    try:
        data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
    except cv2.error as error:
        raise UsageError(f"{path} names no kind of picture; end it with .png or .jpg") from error
    with whole(path) as part:
        part.write_bytes(data)


@live.command
def simulate(
    *,
    out: Path,
    truth: Path,
    options: Annotated[SimulateOptions, Parameter(name="*")] = SimulateOptions(),
) -> int:
    """Render a clip of a live room and the events that it shows.

    shizi live simulate --out clip.mp4 --truth clip.jsonl
    shizi live simulate --out hard.mp4 --truth hard.jsonl --level hard --seed 7

    Args:
        out: clip to write, .mp4.
        truth: its events, JSONL.
        options: what the room is like.
    """
    from shizi.live.simulate import simulate as render

    render(options, out, truth)
    return 0


@live.command
def rules(file: str = "value", /, *, check: Path | None = None, most: int = 20) -> int:
    """Explain the value of viewers: what the rules give, or what each viewer of a log has earned.

    shizi live rules
    shizi live rules value --check events.jsonl

    Args:
        file: YAML file of rules, or value for the shipped ones.
        check: events, JSONL, as ``--events`` writes them.
        most: viewers to explain, the most valuable first.
    """
    from shizi.live.mean.explain import describe, explain, replay
    from shizi.live.mean.value import load_rules

    found = load_rules(file)
    if check is None:
        print(describe(found))
        return 0
    board = replay(_logged(check), found)
    for place in board.standings(most):
        print(explain(place.viewer, found, board.now), end="\n\n")
    return 0


@live.command
def learn(
    files: list[Path],
    /,
    *,
    out: Path,
    others: list[Path] | None = None,
    held: Path | None = None,
) -> int:
    """Learn what comments are about, for the rules of value (their key learnt).

    shizi live learn comments.tsv --out mine.npz
    shizi live learn comments.tsv --others chat.txt --held held.tsv --out mine.npz

    Args:
        files: labelled comments, a line each: topics or a minus, a tab, the comment; (a/b) in it
            is one of several wordings.
        out: file to write, .npz.
        others: text files with comments of rooms that sell nothing, one a line.
        held: labelled comments that nothing is learnt from: how well they are told is shown.
    """
    from shizi.cli.show import table, wide_console
    from shizi.live.mean.learn import check, read_labelled, read_others, without
    from shizi.live.mean.learn import learn as fit

    if out.suffix != ".npz":
        raise UsageError(f"{out} must end with .npz")
    aside = read_labelled(held) if held else []
    comments = without([c for path in files for c in read_labelled(path)], aside)
    learnt = fit(comments, [c for path in others or [] for c in read_others(path)])
    with whole(out) as part, part.open("wb") as file:
        learnt.save(file)
    rows = [
        (f.topic or "all", str(f.true), f"{100 * f.precision:.1f}", f"{100 * f.recall:.1f}")
        for f in (check(learnt, aside) if aside else [])
    ]
    if rows:
        wide_console().print(table(("topic", "comments", "precision %", "recall %"), rows))
    print(f"{out}: {len(comments)} comments, {len(learnt.places)} features")
    return 0


@live.command
def export(
    store: str,
    /,
    *,
    to: Form = "csv",
    out: Path | None = None,
    room: str = "",
    rules: str = "value",
) -> int:
    """Write what a store holds as tables: the viewers, the events, and a summary of each evening.

    shizi live export room.db
    shizi live export room.db --to xlsx --out november

    Args:
        store: SQLite file or postgresql://…
        to: csv: a file for each table; xlsx: one file with three sheets; parquet: as csv.
        out: folder for the files; by default export.
        room: of which alone.
        rules: YAML file of value, which tell what comments are about.
    """
    from shizi.live.export import sheets, write
    from shizi.live.keep.store import Store
    from shizi.live.mean.value import load_rules

    if "://" not in store and not Path(store).is_file():
        raise UsageError(f"there is no store {store}; name the one that the rooms were kept in")
    found = load_rules(rules)
    with Store(store) as opened:
        for path in write(sheets(opened, found, room), out or Path("export"), to):
            print(path)
    return 0


def _logged(path: Path) -> Iterator[Event]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield Event.from_dict(json.loads(line))
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from error
