"""Why a viewer has its score: tables to read, for whoever writes the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from shizi.live.event import Event
from shizi.live.mean.board import Board
from shizi.live.mean.value import Rules, Viewer, decayed, tier
from shizi.live.mean.viewers import Names
from shizi.terminal import printable


def explain(viewer: Viewer, rules: Rules, now: float) -> str:
    """Return the terms of a viewer's score at stream time ``now`` as a table."""
    points = decayed(viewer, rules, now)
    asked = " ".join(f"{topic}x{n}" for topic, n in viewer.asked.items()) or "-"
    head = [
        f"{printable(viewer.name)}: tier {tier(viewer, rules, now)}, "
        f"score {sum(points.values()):.2f}",
        f"visits {viewer.visits}, comments {viewer.counts.get('comment', 0)}, "
        f"gifts {viewer.gifts} worth {viewer.coins:g}, "
        f"watched {viewer.dwell / 60:.1f} min, asked {asked}, "
        f"last seen {max(0.0, now - viewer.last):.0f} s ago",
    ]
    rows = [
        (name, f"{viewer.terms.get(name, 0.0):.2f}", f"{points[name]:.2f}", f"{term.half_life:g} s")
        for name, term in rules.terms.items()
    ]
    return "\n".join([*head, *_table(("term", "when last seen", "now", "half-life"), rows)])


def describe(rules: Rules) -> str:
    """Return what the rules ask and give as tables."""
    terms = [
        (
            name,
            ", ".join(f"{what} {points:g}" for what, points in term.earn.items()),
            f"{term.half_life:g} s",
            f"{term.most:g}",
        )
        for name, term in rules.terms.items()
    ]
    tiers = [
        (t.name, f"{t.score:g}", ", ".join(f"{k} {v:g}" for k, v in (t.needs or {}).items()) or "-")
        for t in rules.tiers
    ]
    return "\n".join(
        [
            *_table(("term", "points", "half-life", "most"), terms),
            "",
            *_table(("tier", "score", "needs"), tiers),
        ]
    )


def replay(events: Iterable[Event], rules: Rules) -> Board:
    """Return the board that a log of events gives; the order of the log does not matter."""
    board, names = Board(rules), Names()
    for event in sorted(events, key=lambda e: (e.time, e.id)):
        board.apply(event, names.resolve(event.user, event.level) if event.user else None)
    return board


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    table = (head, *rows)
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(c + " " * (w - cell_len(c)) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
