"""What OpenVINO compiled is kept for the next process: the same network, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shizi import weights
from shizi.engine import compiled as kept
from shizi.engine.openvino import OpenVINO, core

LINES = np.random.default_rng(5).integers(0, 255, (4, 48, 192, 3), np.uint8)
FILE = weights.file("orientation")


class Counting:
    """OpenVINO's core, which counts what it compiles."""

    def __init__(self) -> None:
        self.compiled = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(core(), name)

    def compile_model(self, *told: Any) -> Any:
        self.compiled += 1
        return core().compile_model(*told)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    pytest.importorskip("openvino")
    found = Counting()
    monkeypatch.setattr("shizi.engine.openvino.core", lambda: found)
    yield found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(kept.PLACE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def answer(threads: int = 1, **told: Any) -> list[bytes]:
    return [a.tobytes() for a in OpenVINO(FILE, threads, **told)(LINES)]


@pytest.mark.parametrize("network", weights.NETWORKS)
def test_a_kept_network_says_what_it_said(network: weights.Network, folder: Path) -> None:
    pytest.importorskip("openvino")
    ranges = weights.card(network).ranges
    nets = [OpenVINO(weights.file(network), 1, ranges=ranges) for _ in "12"]
    pictures = LINES[:, :32].copy() if network == "ctpn" else LINES  # multiples of 32
    first, second = (net(pictures) for net in nets)
    assert np.array_equal(first, second)
    assert len(list(folder.iterdir())) == 1


def test_it_is_compiled_once(counting: Counting, folder: Path) -> None:
    assert answer() == answer()
    assert counting.compiled == 1


def test_another_network_is_another(counting: Counting, folder: Path) -> None:
    answer()
    answer(threads=2)
    answer(ranges=weights.card("orientation").ranges)
    assert counting.compiled == len(list(folder.iterdir())) >= 2


@pytest.mark.parametrize("harm", ["cut", "changed", "empty"])
def test_what_was_damaged_is_compiled_again(counting: Counting, folder: Path, harm: str) -> None:
    first = answer()
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    changed = whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
    file.write_bytes({"cut": whole[:-99], "changed": changed, "empty": b""}[harm])
    assert answer() == answer() == first
    assert counting.compiled == 2


def test_what_openvino_does_not_take_is_compiled_again(counting: Counting, folder: Path) -> None:
    """Its digest is right, but it is of another version that calls itself the same."""
    first = answer()
    (file,) = folder.iterdir()
    kept._write(file, b"nothing that OpenVINO wrote")
    assert answer() == first
    assert counting.compiled == 2


def test_nothing_is_kept_where_that_is_said(
    counting: Counting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(kept.PLACE, "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert answer() == answer()
    assert counting.compiled == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_does_no_harm(counting: Counting, folder: Path) -> None:
    folder.write_text("a file stands in its place")
    assert answer() == answer()
    assert counting.compiled == 2


def test_it_is_kept_with_the_caches_of_the_user(
    counting: Counting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(kept.PLACE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    answer()
    (file,) = (tmp_path / ".cache" / "shizi").iterdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    answer()
    assert (tmp_path / "elsewhere" / "shizi" / file.name).exists()


def test_the_latest_used_are_kept_and_files_of_others_stay(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    for n in range(kept.KEPT + 3):
        file = folder / f"{n}.network"
        kept._write(file, b"%d" % n)
        os.utime(file, (n, n))
    kept._read(folder / "4.network")
    kept._write(folder / "new.network", b"new")
    left = {file.name for file in folder.iterdir()}
    assert len(left) == kept.KEPT + 1
    assert {"notes.txt", "new.network", "4.network"} <= left
    assert "3.network" not in left
