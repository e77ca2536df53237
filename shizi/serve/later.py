"""Jobs: orders that are read while nobody waits, their answers kept for a while."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from shizi.serve.answer import Answer, told_of
from shizi.serve.desk.admission import Task
from shizi.serve.refusal import RefusedError, status_of


@dataclass
class Job:
    """An order that is read while nobody waits.

    Attributes:
        id: by which it is asked for; nobody can guess it.
        task: what reads it.
        ended: when it was done (monotonic seconds); None before.
    """

    id: str
    task: Task[Answer]
    ended: float | None = None

    def told(self, keep: float) -> dict[str, Any]:
        """How it stands, as plain values."""
        found: dict[str, Any] = {"id": self.id, "state": self._state, "pages": self.task.pages}
        if self.ended is not None:
            found["expires_in"] = max(0, round(self.ended + keep - time.monotonic()))
        if self._state == "done":
            answer = self.task.result.result()
            found["status"] = answer.status
            found["failures"] = [told_of(failure) for failure in answer.failures]
        elif self._state == "failed":
            error = self.task.result.exception()
            assert error is not None
            found |= {"status": status_of(error), "error": str(error)}
        return found

    @property
    def _state(self) -> str:
        if not self.task.result.done():
            return "reading" if self.task.begun else "waiting"
        return "failed" if self.task.result.exception() else "done"


class Later:
    """The jobs that are kept. Lives in the server's loop.

    Args:
        keep: seconds that an answer is kept.
        most: jobs that are kept.
    """

    def __init__(self, keep: float, most: int) -> None:
        self.keep = keep
        self._most = most
        self._jobs: dict[str, Job] = {}

    def __len__(self) -> int:
        self._forget()
        return len(self._jobs)

    def check(self) -> None:
        """Make room for a job; the one that was done first goes.

        Raises:
            RefusedError: none is done.
        """
        self._forget()
        if len(self._jobs) < self._most:
            return
        ended = [job for job in self._jobs.values() if job.ended is not None]
        if not ended:
            raise RefusedError(429, "too many jobs wait; ask again later", {"Retry-After": "30"})
        del self._jobs[min(ended, key=lambda job: job.ended or 0).id]

    def add(self, task: Task[Answer]) -> Job:
        """Keep a job."""
        job = Job(secrets.token_urlsafe(16), task)

        def end(_: object) -> None:
            job.ended = time.monotonic()

        task.result.add_done_callback(end)
        self._jobs[job.id] = job
        return job

    def find(self, id: str) -> Job:
        """Return a job.

        Raises:
            RefusedError: there is none.
        """
        self._forget()
        if id not in self._jobs:
            raise RefusedError(
                404, "there is no such job; its result may have been kept long enough"
            )
        return self._jobs[id]

    def drop(self, id: str) -> None:
        """Give a job up, and forget it.

        Raises:
            RefusedError: there is none.
        """
        self.find(id).task.give_up()
        del self._jobs[id]

    def _forget(self) -> None:
        last = time.monotonic() - self.keep
        gone = [j.id for j in self._jobs.values() if j.ended is not None and j.ended < last]
        for id in gone:
            del self._jobs[id]
