"""Hands on the machines of a Ray cluster; paths travel to them, and no pixels.

An actor there keeps a process as :mod:`shizi.batch.hand` does here, so pages are timed and deaths
are borne in the same way. Where an actor goes away with its machine, its input is read by another,
and a new actor begins wherever there is room.
"""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

from shizi.batch.hand import Hand, Make, Process
from shizi.batch.task import Lost, Outcome, Task, Work
from shizi.errors import ShiziError
from shizi.extras import needed
from shizi.images.source import reason

_TRIES = 5
"""Actors in a row that may go away before they are ready."""

_PATIENCE = 20.0
"""Seconds that a cluster may take to answer at all."""

_LOOK = 1.0
"""Seconds after which a hand that waits for room looks whether it is still wanted."""


def hands(address: str, most: int, work: Work, make: Make) -> list[Hand]:
    """Join a cluster, and return hands on it.

    Args:
        address: of the cluster, as Ray has it; auto finds the one that runs here.
        most: how many there are; 0: as many as it has room for now.
        work: what is the same for all inputs.
        make: makes what reads pages.

    Raises:
        ShiziError: there is no such cluster, or no room on it.
        MissingExtraError: ``pip install 'shizi[ray]'`` was not done.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is to be told of it
    with needed("a Ray cluster"):
        import ray
    try:
        _knock(address)
        ray.init(address, ignore_reinit_error=True, log_to_driver=False, logging_level="error")
        cores = int(ray.cluster_resources().get("CPU", 0))
    except Exception as error:  # whatever kind of connection it was
        raise ShiziError(f"no Ray cluster at {address} ({reason(error)}); start one") from error
    room = most or cores // work.reading.threads
    if not room:
        raise ShiziError(f"the Ray cluster at {address} has no room for a process; enlarge it")
    return [_Remote(work, make) for _ in range(room)]


def _knock(address: str) -> None:
    """Find out quickly whether anybody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()


class _Actor:
    """What runs on the other machine."""

    def __init__(self, work: Work, make: Make) -> None:
        self._hand = Process(work, make=make)

    def open(self) -> None:
        self._hand.open()

    def read(self, task: Task) -> Outcome | Lost:
        self._hand.open()
        return self._hand.read(task)


class _Remote:
    """A hand on another machine: see :class:`~shizi.batch.hand.Hand`."""

    def __init__(self, work: Work, make: Make) -> None:
        self._work, self._make = work, make
        self._actor: Any = None
        self._closed = threading.Event()

    def open(self) -> None:
        """Wait until there is room for an actor, and it is ready."""
        import ray

        for left in reversed(range(_TRIES)):
            if self._actor is not None or self._closed.is_set():
                return
            kind: Any = ray.remote(num_cpus=self._work.reading.threads)(_Actor)
            actor = kind.remote(self._work, self._make)
            try:
                self._wait(actor.open.remote())
            except ray.exceptions.RayActorError as error:
                if not left:
                    raise ShiziError(f"no reader begins on the cluster: {reason(error)}") from error
            except ray.exceptions.RayTaskError as error:
                raise ShiziError(reason(error.cause or error)) from error
            else:
                self._actor = actor
                if self._closed.is_set():
                    self.close()

    def read(self, task: Task) -> Outcome | Lost:
        """Let the actor read an input."""
        import ray

        try:
            end: Outcome | Lost = ray.get(self._actor.read.remote(task))
        except ray.exceptions.RayActorError:
            ray.kill(self._actor)  # it may only be out of reach
            self._actor = None
            return Lost(None, "its machine went away again and again", moved=True)
        except ray.exceptions.RayTaskError as error:
            raise ShiziError(reason(error.cause or error)) from error
        return end

    def close(self) -> None:
        """End it, whatever it reads."""
        import ray

        self._closed.set()
        if self._actor is not None:
            ray.kill(self._actor)

    def _wait(self, opening: Any) -> None:
        import ray

        while not self._closed.is_set():
            ready, _ = ray.wait([opening], timeout=_LOOK)
            if ready:
                ray.get(opening)
                return
