"""Inputs of a batch: what names them, and what their results are called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from batch_hands import BLACK
from batching import files, picture, rows, told

from shizi.errors import DataError


def named(tmp_path: Path, *given: str, out: Path | None = None) -> list[str]:
    out = out or tmp_path / "out"
    told(out, *given)
    return [name for (name,) in rows(out, "name")]


def test_names_keep_folders_apart_and_never_collide(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    for inner in ("2023/a.png", "2024/a.png", "2024/A.PNG", "2024/a.jpg", "a.png", "v1.2.png"):
        picture(scans / inner, BLACK)
    others = [tmp_path / other / "scans" for other in ("more", "most")]
    for other in others:
        picture(other / "a.png", BLACK)
    found = named(tmp_path, str(scans), *map(str, others))
    assert found[:4] == ["scans/2023/a", "scans/2024/A", "scans/2024/a.jpg", "scans/2024/a.png"]
    assert found[4:7] == ["scans/a", "scans/v1.2", "scans/a.png"]
    assert found[7].startswith("scans/a-")
    assert len(files(tmp_path / "out")) == len(found) == 8


def test_an_input_keeps_its_name_whatever_is_given_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "scans" / "b.png", BLACK)
    monkeypatch.chdir(tmp_path)
    ways: Sequence[str] = (
        "scans", "scans/b.png", "./scans/b.png", "scans/*.png", "sc*/b.png", "scans/**",
        str(tmp_path / "scans"), str(tmp_path / "scans" / "b.png"),
    )  # fmt: skip
    for n, way in enumerate(ways):
        assert named(tmp_path, way, out=Path(f"out{n}")) == ["scans/b"], way
    assert named(tmp_path, *ways, out=Path("all")) == ["scans/b"]
    monkeypatch.chdir(tmp_path / "scans")
    assert named(tmp_path, ".", out=Path("../here")) == ["b"]
    assert named(tmp_path, "../scans", "../../x.png", out=Path("../up")) == ["scans/b", "x"]


def test_lists_name_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "abcd":
        picture(tmp_path / "in" / f"{name}.png", BLACK)
    Path("list.txt").write_text("in/a.png\n\nin/b.png\n", encoding="utf-8-sig")
    Path("zeros").write_text("in/c.png\0in/[d].png\0")
    assert named(tmp_path, "@list.txt", "@zeros") == ["in/a", "in/b", "in/c", "in/d"]
    with pytest.raises(DataError, match=r"^@none\.txt: cannot be read \(No such file"):
        told(tmp_path / "out", "@none.txt")


def test_results_are_no_inputs(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png", BLACK)
    out = tmp_path / "in" / "out"
    pytest.importorskip("pikepdf")
    for _ in range(2):
        told(out, tmp_path / "in", format="pdf")
        assert files(out) == ["in/a.pdf"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_of_any_bytes_and_of_any_length(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in (b"\xff\xfe.png", "字".encode() * 80 + b".png", "字".encode() * 80 + b"x.png"):
        picture(folder / os.fsdecode(name), BLACK)
    assert told(out, folder, format="text,alto") == []
    assert len(files(out)) == 6
    assert told(out, folder, format="text,alto") == []
    assert {run for (run,) in rows(out, "ended")} == {1}
