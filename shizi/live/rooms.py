"""Several rooms at once: a file that names them, and a process for each, kept alive."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from math import inf
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast, get_type_hints

from shizi.errors import ShiziError
from shizi.live.mean.settings import RulesError, check, read_yaml
from shizi.live.options import (
    CropOptions,
    LiveOptions,
    Plan,
    ReadingOptions,
    RegionOptions,
    RoomOptions,
    SeeOptions,
    SourceOptions,
    WatchOptions,
    WriterOptions,
)
from shizi.live.run import Told, follow
from shizi.live.see.watch import Watch
from shizi.live.show.dashboard import Publisher
from shizi.live.stream.source import Source
from shizi.waits import Waits

T = TypeVar("T")

_PARTS: tuple[Any, ...] = (
    LiveOptions,
    SourceOptions,
    RegionOptions,
    WatchOptions,
    ReadingOptions,
    RoomOptions,
    WriterOptions,
    CropOptions,
)
_DEFAULTS = {"wait": inf}
"""What is otherwise for rooms in a file: they are followed evening after evening."""

HANGUP = tuple(getattr(signal, name) for name in ("SIGHUP",) if hasattr(signal, name))
"""What says that the terminal was closed, where there is such a signal."""

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_WELL = 60.0
"""Seconds after which a room that ran is not held to be failing again and again."""


def _flat() -> type[Any]:
    """One dataclass of all settings of a room, which refuses what it does not know."""
    parts: list[Any] = [("source", str)]
    for kind in _PARTS:
        hints = get_type_hints(kind)
        defaults = {f.name: _DEFAULTS.get(f.name, f.default) for f in fields(kind)}
        parts += [(name, hints[name], field(default=value)) for name, value in defaults.items()]
    config = {"__pydantic_config__": {"extra": "forbid"}}
    return make_dataclass("Settings", parts, frozen=True, namespace=config)


_Settings: Any = _flat()


@dataclass(frozen=True)
class _File:
    rooms: dict[str, _Settings]

    __pydantic_config__: ClassVar = {"extra": "forbid"}


def load_rooms(path: Path) -> list[Plan]:
    """Read a file of rooms.

    ``shared`` holds settings of all rooms, ``rooms`` those of each by its name; a setting is
    named as the option of the command line, and ``source`` as its argument.

    Raises:
        RulesError: the file is missing or wrong, as ``file:key: what is wrong``.
    """
    data = read_yaml(path)
    shared, rooms = data.pop("shared", None) or {}, data.get("rooms")
    if not isinstance(shared, dict):
        raise RulesError(f"{path}:shared: expected keys and values")
    if not isinstance(rooms, dict) or not rooms:
        raise RulesError(f"{path}:rooms: expected the name of at least one room and its settings")
    for name, own in rooms.items():
        if not isinstance(own, dict):
            raise RulesError(f"{path}:rooms.{name}: expected keys and values, source among them")
        rooms[name] = {k.replace("-", "_"): v for k, v in {**shared, **own}.items()}
    found = check(_File, data, path).rooms
    plans = [_plan(str(name), settings, path) for name, settings in found.items()]
    _check_files(plans, path)
    return plans


def _plan(name: str, settings: Any, path: Path) -> Plan:
    def part(kind: type[T]) -> T:
        own = {f.name: getattr(settings, f.name) for f in fields(cast(Any, kind))}
        try:
            return kind(**own)
        except ValueError as error:  # as option: what is wrong
            raise RulesError(f"{path}:rooms.{name}.{error}") from error

    live = part(LiveOptions)
    see = SeeOptions(
        part(SourceOptions), part(RegionOptions), part(WatchOptions), part(ReadingOptions)
    )
    return Plan(
        settings.source,
        replace(live, room=name),
        see,
        part(RoomOptions),
        part(WriterOptions),
        part(CropOptions),
    )


def _check_files(plans: Sequence[Plan], path: Path) -> None:
    taken: dict[Path, str] = {}
    for plan in plans:
        name = plan.room.room
        if not plan.room.store:
            raise RulesError(
                f"{path}:rooms.{name}.store: missing; a room that is started again goes on from "
                "its store, and all may share one"
            )
        for key, file in (("events", plan.room.events), ("keep_crops", plan.crops.keep_crops)):
            owner = taken.setdefault(file, name) if file else name
            if owner != name:
                raise RulesError(f"{path}:rooms.{name}.{key}: {file} is written by room {owner}")


class _Pipe(Publisher):
    """Passes on what a room's process publishes."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, threading.Lock()

    def send(self, room: str, kind: str, key: str, message: str | bytes) -> None:
        """See :class:`~shizi.live.show.dashboard.Publisher`."""
        with self._lock:
            self._pipe.send((room, kind, key, message))


def _child(plan: Plan, pipe: Connection, shown: bool) -> None:
    """Follow one room, in a process of its own; the last message says how it went."""
    for number in (signal.SIGINT, *HANGUP):  # the parent says when to stop
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parent = multiprocessing.parent_process()

    def step(source: Source, watch: Watch) -> None:
        if parent is not None and not parent.is_alive():
            source.close()

    try:
        told = follow(plan, _Pipe(pipe) if shown else None, step)
    except (ShiziError, OSError) as error:
        pipe.send(str(error))
    except KeyboardInterrupt:
        pass
    else:
        pipe.send(told)


class Rooms:
    """Follows rooms, a process each; one that crashes is started again and goes on.

    A room whose source or settings are at fault ends, and is named with the reason.

    Args:
        plans: of the rooms.
        tell: called with a line for whoever looks on, from any thread.
        publisher: of the dashboard, where there is one.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        tell: Callable[[str], None],
        publisher: Publisher | None = None,
    ) -> None:
        self._plans, self._tell, self._publisher = plans, tell, publisher
        self._context = multiprocessing.get_context("spawn")
        self._stop = threading.Event()
        self.processes: dict[str, int] = {}
        """Process numbers of the rooms that run."""
        self.failed: dict[str, str] = {}
        """Rooms that ended badly, and why."""

    def run(self) -> None:
        """Follow all rooms to their ends; an interrupt stops them and is raised again."""
        threads = [threading.Thread(target=self._keep, args=(plan,)) for plan in self._plans]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                threads[0].join(0.2)
                self._stop.wait(0.2)
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _keep(self, plan: Plan) -> None:
        name, waits = plan.room.room, Waits(_FIRST_WAIT, _LONGEST_WAIT)
        while not self._stop.is_set():
            begun = clock.monotonic()
            end = self._once(plan)
            if isinstance(end, Told):
                self._say(name, "; ".join(end.troubles) or "ended")
                self._tell(f"{name}: {end}")
                if end.troubles:
                    self.failed[name] = "; ".join(end.troubles)
                return
            if isinstance(end, str):
                self.failed[name] = end
                self._say(name, end)
                return
            if self._stop.is_set():
                return
            if clock.monotonic() - begun > _WELL:
                waits.reset()
            wait = waits.take()
            self._say(name, f"stopped with exit code {end}; starting again in {wait:g} s")
            self._stop.wait(wait)
            plan = replace(plan, keep=replace(plan.keep, resume=True))

    def _once(self, plan: Plan) -> Told | str | int | None:
        """One run: how it went, what was at fault, or the exit code of a crash."""
        ours, theirs = self._context.Pipe(duplex=False)
        shown = self._publisher is not None
        process = self._context.Process(target=_child, args=(plan, theirs, shown), daemon=True)
        process.start()
        theirs.close()
        name = plan.room.room
        self.processes[name] = process.pid or 0
        if self._publisher:
            self._publisher.publish_state(name, "")
        end: Told | str | None = None
        asked = False
        try:
            while True:
                if self._stop.is_set() and not asked:
                    process.terminate()
                    asked = True
                if not ours.poll(0.2):
                    continue
                message = ours.recv()
                if isinstance(message, tuple) and self._publisher:
                    self._publisher.send(*message)
                else:
                    end = message
        except EOFError:
            process.join()
        del self.processes[name]
        return process.exitcode if end is None else end

    def _say(self, name: str, what: str) -> None:
        self._tell(f"{name}: {what}")
        if self._publisher:
            self._publisher.publish_state(name, what)
