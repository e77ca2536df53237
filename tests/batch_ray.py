"""A batch on a Ray cluster of three machines that are one, two of which work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import batch_hands
import pytest
from batch_hands import ACTOR, BLACK, NODE, ONCE
from batching import files, picture, rows

from shizi.batch.options import BatchOptions
from shizi.batch.run import Batch, hands_of
from shizi.errors import ShiziError

ray = pytest.importorskip("ray")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks for a machine's process in /proc"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]

QUICK = {"health_check_period_ms": 500, "health_check_failure_threshold": 2}
"""A machine is missed at once, and not after half a minute."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A cluster whose first machine keeps the accounts, and two of one core each that work."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", ":".join(sys.path))
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": QUICK}
        made = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(2):
                made.add_node(num_cpus=1)
            made.wait_for_nodes()
            yield made.address
        finally:
            ray.shutdown()
            made.shutdown()


def told(out: Path, folder: Path, address: str, make: Any = batch_hands.sizes) -> list[str]:
    options = BatchOptions(str(out), ray=address)
    with closing(Batch(options, hands=partial(hands_of, make=make))) as batch:
        batch.take_in([str(folder)])
        return [failure for outcome in batch.run() for failure in outcome.failures]


def test_no_cluster_is_told_in_a_line(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", BLACK)
    with pytest.raises(ShiziError, match=r"^no Ray cluster at 127\.0\.0\.1:1 "):
        told(tmp_path / "out", tmp_path, "127.0.0.1:1")


def test_no_reader_on_a_cluster_is_told(tmp_path: Path, cluster: str) -> None:
    picture(tmp_path / "a.png", BLACK)
    with pytest.raises(ShiziError, match=r"ctpn\.onnx: missing; install shizi again$"):
        told(tmp_path / "out", tmp_path, cluster, batch_hands.none)


def test_a_process_an_actor_and_a_machine_die_and_nothing_is_lost_or_doubled(
    tmp_path: Path, cluster: str
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    colours = [BLACK, BLACK, ONCE, BLACK, ACTOR, BLACK, BLACK, NODE, *[BLACK] * 12]
    for n, colour in enumerate(colours):
        picture(folder / f"{n:02}.png", colour, side=20 + n)
    assert told(out, folder, cluster) == []
    assert len(list(folder.glob("*.died"))) == 3
    assert rows(out, "state, pages, ended") == [("done", 1, 1)] * 20
    assert files(out) == [f"in/{n:02}.txt" for n in range(20)]
    for n in range(20):
        assert (out / "in" / f"{n:02}.txt").read_text() == f"{20 + n}乘{20 + n}\n"
    assert sum(node["Alive"] for node in ray.nodes()) == 2
