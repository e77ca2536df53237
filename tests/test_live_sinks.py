"""Relays: each event arrives in order, however often a sink goes away."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from live_records import Flaky, records

from shizi.live.keep.sinks import Relay
from shizi.live.keep.store import Record, Store

pytestmark = pytest.mark.usefixtures("impatient")


def test_a_relay_delivers_all_in_order(store: Store) -> None:
    sink = Flaky(["before", "", "after", "before"])
    store.save("r", [], records(1, 300))
    relay = Relay(store, "r", sink, 0)
    relay.start()
    store.save("r", [], records(301, 900))
    relay.finish(900)
    assert relay.close(30.0)
    assert list(dict.fromkeys(sink.got)) == list(range(1, 901))
    assert relay.trouble == "" and sink.opened == 4
    cursor = store.cursor("r", "flaky")
    assert cursor is not None and cursor.seq == 900


def test_a_relay_goes_on_where_it_stopped(store: Store) -> None:
    store.save("r", [], records(1, 5))
    first = Relay(store, "r", Flaky([]), 0)
    assert first.step() and not first.step()
    store.save("r", [], records(6, 9))
    later = Flaky([])
    assert Relay(store, "r", later, 9).step()
    assert later.got == [6, 7, 8, 9]


def test_a_sink_that_stays_away_costs_patience_only(store: Store) -> None:
    sink = Flaky(["before"] * 10_000)
    store.save("r", [], records(1, 5))
    relay = Relay(store, "r", sink, 0)
    relay.start()
    relay.finish(5)
    assert not relay.close(0.2)
    assert relay.trouble == "away"


def test_a_fault_that_nobody_foresaw_is_named_and_does_not_end_a_relay(store: Store) -> None:
    class Odd(Flaky):
        def send(self, some: Sequence[Record]) -> str:
            if self.failures:
                raise RuntimeError(self.failures.pop(0))
            return super().send(some)

    store.save("r", [], records(1, 5))
    sink = Odd(["odd"])
    relay = Relay(store, "r", sink, 0)
    relay.start()
    relay.finish(5)
    assert relay.close(20.0) and sink.got == [1, 2, 3, 4, 5]
