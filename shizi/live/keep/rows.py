"""Days and sessions as rows of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection

from shizi.live.keep.schema import days
from shizi.live.session import Day


def put_days(connection: Connection, insert: Any, room: str, changed: Sequence[Day]) -> None:
    """Store days in a transaction; each takes the place of what was known of it."""
    if not changed:
        return
    statement = insert(days)
    keys = ("viewer", "day", "room")
    new = {c.name: statement.excluded[c.name] for c in days.c if c.name not in keys}
    latest = {(d.viewer, d.day): {"room": room, **values(d)} for d in changed}
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(keys), set_=new), list(latest.values())
    )


def values(thing: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as columns."""
    return {f.name: getattr(thing, f.name) for f in fields(thing)}


def day_of_row(row: Any) -> Day:
    """Return a stored day."""
    return Day(**{f.name: getattr(row, f.name) for f in fields(Day)})
