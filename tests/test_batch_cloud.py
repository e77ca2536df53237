"""Inputs and results at addresses, with a server that answers as S3 does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import batch_hands
import pytest
from batch_hands import BLACK, WRONG
from batching import picture, rows, told

from shizi.batch import cloud
from shizi.batch.inputs import expand
from shizi.batch.options import BatchOptions
from shizi.batch.run import Batch
from shizi.errors import OptionError, ShiziError, WriteError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Iterator[Any]:
    """An empty store in memory."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A store at a server that answers as S3 does, with a bucket."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "none")
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store = fsspec.filesystem("s3", skip_instance_cache=True)
        store.mkdir("bucket")
        yield store
    server.stop()


def upload(store: Any, path: Path, *to: str) -> None:
    for address in to:
        store.pipe_file(address, path.read_bytes())


def test_a_store_in_memory_gives_and_takes(memory: Any, tmp_path: Path) -> None:
    upload(memory, picture(tmp_path / "a.tif", BLACK, BLACK), "/scans/a.tif", "/scans/2/b.tif")
    out, account = "memory://out/here", tmp_path / "m"
    for _ in range(2):
        assert told(out, "memory://scans", manifest=account) == []
    assert sorted(memory.find("/out")) == ["/out/here/scans/2/b.txt", "/out/here/scans/a.txt"]
    text = memory.cat_file("/out/here/scans/a.txt").decode()
    assert text.startswith("# memory:///scans/a.tif#1\n20乘20\n")


def test_an_address_is_expanded_as_a_path_is(memory: Any, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", BLACK)
    upload(memory, path, "/x/scans/a.png", "/x/scans/2/b.PNG", "/x/scans/.c.png", "/x/scans/d.txt")

    def found(*given: str) -> list[tuple[str, bool]]:
        return [(f.inner, f.stamp is not None) for f in expand(given, "out")]

    assert found("memory://x/scans") == [("scans/2/b.PNG", True), ("scans/a.png", True)]
    assert found("memory://x/scans/a.png") == [("scans/a.png", True)]
    assert found("memory://x/scans/*.png") == [("scans/.c.png", True), ("scans/a.png", True)]
    assert found("memory://x/*/2/*") == [("x/scans/2/b.PNG", True)]
    assert found("memory://x/none.png") == [("x/none.png", False)]


def test_addresses_that_make_no_sense_are_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"^what://x: Protocol not known"):
        list(expand(["what://x"], "out"))
    with pytest.raises(OptionError, match="a store within another is not looked into"):
        cloud.opened("zip://a.png::memory://a.zip")


def test_a_result_that_is_cut_off_while_it_is_sent_does_not_appear(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cloud.put("memory://out/a.txt") as part:
        part.write_text("first")

    def broken(self: Any, data: bytes) -> int:
        raise ConnectionError("reset")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFile.write", broken, raising=False)
    with (
        pytest.raises(WriteError, match=r"^memory://out/a\.txt: cannot be sent \(reset\)"),
        cloud.put("memory://out/a.txt") as part,
    ):
        part.write_text("second")
    assert memory.cat_file("/out/a.txt") == b"first"


def test_a_bucket_is_read_and_written(s3: Any, tmp_path: Path) -> None:
    good, bad = picture(tmp_path / "a.png", BLACK), picture(tmp_path / "b.png", WRONG)
    upload(s3, good, "bucket/scans/a.png", "bucket/scans/2024/a.png")
    upload(s3, bad, "bucket/scans/b.png")
    account = tmp_path / "batch.sqlite"
    given: dict[str, Any] = {"manifest": account, "format": "text,json"}
    (failed,) = told("s3://bucket/out/", "s3://bucket/scans/", **given)
    assert failed == "s3://bucket/scans/b.png: unexpected RuntimeError: engine failed"
    results = [f"bucket/out/scans/{n}.{kind}" for n in ("2024/a", "a") for kind in ("json", "txt")]
    assert sorted(s3.find("bucket/out")) == results
    assert s3.cat_file("bucket/out/scans/a.txt").decode() == "20乘20\n"

    def ended() -> list[int]:
        return [run for (run,) in rows(tmp_path, "ended")]

    assert told("s3://bucket/out/", "s3://bucket/scans/", **given) == []
    assert ended() == [1, 1, 1]
    s3.rm_file("bucket/out/scans/2024/a.txt")
    upload(s3, picture(tmp_path / "c.png", BLACK, side=30), "bucket/scans/a.png")
    assert told("s3://bucket/out/", "s3://bucket/scans/", **given) == []
    assert ended() == [3, 3, 1]
    assert s3.cat_file("bucket/out/scans/a.txt").decode() == "30乘30\n"
    s3.pipe_file("bucket/out/scans/a.txt", b"corrected")
    upload(s3, good, "bucket/scans/a.png")
    (failed,) = told("s3://bucket/out/", "s3://bucket/scans/", **given)
    assert failed.endswith("s3://bucket/out/scans/a.txt is not as shizi wrote it; move it away")


def test_processes_find_the_server_by_themselves(s3: Any, tmp_path: Path) -> None:
    upload(s3, picture(tmp_path / "a.png", BLACK), "bucket/more/a.png", "bucket/more/b.png")
    command = [sys.executable, batch_hands.__file__, str(tmp_path / "out"), "1", "s3://bucket/more"]
    run = subprocess.run(command, capture_output=True, check=True)
    assert run.stdout.count(b"ended") == 2
    assert (tmp_path / "out" / "more" / "b.txt").read_text() == "20乘20\n"


def test_a_missing_bucket_is_not_made(s3: Any, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", BLACK)
    (failed,) = told("s3://nobucket/out", path, manifest=tmp_path / "m")
    assert failed.startswith(f"{path}: s3://nobucket/out/") or "cannot be sent" in failed
    assert not s3.exists("nobucket")


def test_what_speaks_with_a_store_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ShiziError, match=r"^gs://x: .*gcsfs.*, with pip$"):
        cloud.opened("gs://x")


def test_the_extra_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    options = BatchOptions("memory://out", manifest=tmp_path / "m")
    with pytest.raises(ShiziError, match=r"needs fsspec.*\[cloud\]'$"), closing(Batch(options)):
        pass
