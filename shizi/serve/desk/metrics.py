"""Counts of what is served, as Prometheus reads them (text format 0.0.4)."""

from __future__ import annotations

import threading
from collections import Counter

_HELP = {
    "requests_total": ("counter", "Requests answered, by endpoint and status."),
    "pages_total": ("counter", "Pages read."),
    "lines_total": ("counter", "Lines read."),
    "failures_total": ("counter", "Pages and files that could not be read."),
    "reading_seconds_total": ("counter", "Seconds that threads spent on pages."),
    "places": ("gauge", "Requests that are read or wait."),
    "jobs": ("gauge", "Jobs that are kept."),
}


class Metrics:
    """Counts; safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0

    def answered(self, endpoint: str, status: int) -> None:
        """Count a request."""
        with self._lock:
            self._counts[f'requests_total{{endpoint="{endpoint}",status="{status}"}}'] += 1

    def read(self, lines: int, seconds: float) -> None:
        """Count a page."""
        with self._lock:
            self._counts["pages_total"] += 1
            self._counts["lines_total"] += lines
            self._seconds += seconds

    def failed(self) -> None:
        """Count a page or file that could not be read."""
        with self._lock:
            self._counts["failures_total"] += 1

    def text(self, places: int, jobs: int) -> str:
        """Write all down, with two numbers as they are now."""
        with self._lock:
            found: dict[str, float] = dict.fromkeys(("pages_total", "lines_total"), 0)
            found |= {"failures_total": 0, **self._counts, "places": places, "jobs": jobs}
            found["reading_seconds_total"] = round(self._seconds, 3)
        out = []
        for name, (kind, told) in _HELP.items():
            out += [f"# HELP shizi_{name} {told}", f"# TYPE shizi_{name} {kind}"]
            rows = sorted(row for row in found if row.partition("{")[0] == name)
            out += [f"shizi_{row} {found[row]}" for row in rows]
        return "\n".join(out) + "\n"
