"""What a shop takes away from a store: viewers, events and a summary of each evening, as tables."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shizi.errors import ShiziError
from shizi.extras import needed
from shizi.files import whole
from shizi.live.keep.history import History
from shizi.live.keep.store import Store
from shizi.live.mean.value import Rules
from shizi.live.options import Form
from shizi.live.session import Day, iso, session_at

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With what a cell begins that a spreadsheet takes for a formula."""
_MOST_ROWS = 1_048_575
"""Rows that a sheet holds below its head."""


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        name: of the file or sheet.
        head: names of the columns.
        rows: one value for each column, numbers, texts or None.
    """

    name: str
    head: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


def sheets(store: Store, rules: Rules, room: str = "") -> tuple[Sheet, Sheet, Sheet]:
    """Return the viewers, the events and the summary by day of a store.

    Args:
        store: where from.
        rules: of value, which tell what comments are about.
        room: of which; empty: of all.

    Raises:
        ShiziError: the store does not know the room.
    """
    names = store.rooms()
    if room and room not in names:
        known = " ".join(names) or "none"
        raise ShiziError(f"the store has no room {room!r}; there are: {known}")
    chosen = [room] if room else names
    history = History(store)
    return (
        _board(history, room),
        _events(store, history, rules, chosen),
        _summary(history.days(room), rules),
    )


def write(tables: Sequence[Sheet], folder: Path, form: Form) -> list[Path]:
    """Write tables into a folder, which is made; return the files.

    Raises:
        MissingExtraError: xlsx or parquet without their libraries.
        ShiziError: the folder cannot be written, or a sheet would be too long.
    """
    writers: Mapping[Form, Callable[[Sequence[Sheet], Path], list[Path]]] = {
        "csv": _csv,
        "xlsx": _xlsx,
        "parquet": _parquet,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return writers[form](tables, folder)
    except OSError as error:
        raise ShiziError(f"cannot write {folder}: {error}") from error


def _board(history: History, room: str) -> Sheet:
    head = ("viewer", "user", "tier", "score", "days", "first", "last", "comments", "questions",
            "orders", "gifts", "coins", "rooms")  # fmt: skip
    rows = [
        (p.viewer, p.user, p.tier, round(p.score, 2), len({d.day for _, d in p.visits}),
         iso(p.first), iso(p.last), p.comments, p.questions, p.orders, p.gifts, p.coins,
         " ".join(p.rooms))
        for p in history.viewers(lambda past: not room or room in past.rooms)
    ]  # fmt: skip
    return Sheet("board", head, rows)


def _events(store: Store, history: History, rules: Rules, rooms: Sequence[str]) -> Sheet:
    head = ("id", "room", "clock", "time", "source", "source_time", "kind", "viewer", "user",
            "level", "text", "about", "answered", "gift", "count", "coins", "score")  # fmt: skip
    answered = history.answered()

    def rows() -> Iterator[tuple[Any, ...]]:
        for room in rooms:
            known = history.sessions(room)
            for entry in store.entries(room):
                event = entry.event
                session = session_at(known, event.time) if known else None
                about = rules.topics(event.text) if event.kind == "comment" else ()
                yield (
                    event.id, room, iso(session.at(event.time)) if session else None,
                    round(event.time, 3), session.source if session else None,
                    round(event.time - session.base, 3) if session else None, event.kind,
                    entry.viewer, event.user, event.level, event.text, " ".join(about),
                    event.id in answered, event.gift.name if event.gift else None,
                    event.gift.count if event.gift else None, rules.worth(event),
                    round(event.score, 4),
                )  # fmt: skip

    return Sheet("events", head, list(rows()))


def _summary(days: Sequence[tuple[str, Day]], rules: Rules) -> Sheet:
    tiers = [tier.name for tier in rules.tiers]
    head = ("room", "day", "begin", "end", "viewers", "new_viewers", "comments", "questions",
            "orders", "gifts", "coins", *tiers)  # fmt: skip
    evenings: dict[tuple[str, str], list[Day]] = defaultdict(list)
    debut: dict[tuple[str, str], str] = {}
    for room, day in days:  # oldest first
        evenings[room, day.day].append(day)
        debut.setdefault((room, day.viewer), day.day)
    rows = []
    for (room, date), seen in sorted(evenings.items()):
        fresh = sum(debut[room, day.viewer] == date for day in seen)
        sums = [sum(getattr(d, what) for d in seen) for what in head[6:11]]
        graded = [sum(d.tier == tier for d in seen) for tier in tiers]
        begin, end = min(d.first for d in seen), max(d.last for d in seen)
        rows.append((room, date, iso(begin), iso(end), len(seen), fresh, *sums, *graded))
    return Sheet("summary", head, rows)


def _csv(tables: Sequence[Sheet], folder: Path) -> list[Path]:
    paths = []
    for table in tables:
        paths.append(folder / f"{table.name}.csv")
        # With the mark by which Excel knows UTF-8.
        with whole(paths[-1]) as part, part.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(table.head)
            writer.writerows([_harmless(value) for value in row] for row in table.rows)
    return paths


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, marked as text: strangers wrote it."""
    return "'" + value if isinstance(value, str) and value[:1] in _FORMULA else value


def _xlsx(tables: Sequence[Sheet], folder: Path) -> list[Path]:
    with needed("writing xlsx"):
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    for table in tables:
        if len(table.rows) > _MOST_ROWS:
            raise ShiziError(f"{len(table.rows)} {table.name} do not fit a sheet; export as csv")
    book = Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(table.name)
        sheet.freeze_panes = "A2"
        sheet.append(table.head)

        def cell(value: Any, sheet: Any = sheet) -> Any:
            if not isinstance(value, str):
                return value
            made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
            made.data_type = "s"  # never a formula
            return made

        for row in table.rows:
            sheet.append([cell(value) for value in row])
    path = folder / "shizi.xlsx"
    with whole(path) as part:
        book.save(part)
    return [path]


def _parquet(tables: Sequence[Sheet], folder: Path) -> list[Path]:
    with needed("writing parquet"):
        import pyarrow
        from pyarrow import parquet
    paths = []
    for table in tables:
        paths.append(folder / f"{table.name}.parquet")
        columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.head)
        data = {name: list(column) for name, column in zip(table.head, columns, strict=True)}
        with whole(paths[-1]) as part:
            parquet.write_table(pyarrow.table(data), part)
    return paths
