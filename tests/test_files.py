"""Files appear whole or not at all."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from shizi.files import whole, write_text


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(RuntimeError), whole(file) as part:
        part.write_text("half")
        raise RuntimeError
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    file.chmod(0o600)
    write_text(file, "新")
    assert file.read_text("utf-8") == "新"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to("far.txt")
    write_text(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "far.txt").read_text() == "new"


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    here = platform.node()
    left = tmp_path / f".a.{ended.pid}@{here}.part.txt"
    alive = tmp_path / f".a.{os.getppid()}@{here}.part.txt"
    foreign = tmp_path / f".a.{ended.pid}@other.part.txt"
    for path in (left, alive, foreign):
        path.touch()
    write_text(tmp_path / "a.txt", "new")
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "a.txt", alive, foreign])


def test_nobody_may_read_the_new_file_before_it_has_the_permissions_of_the_old(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.txt"
    file.touch(0o600)
    with whole(file) as part:
        part.write_text("secret")
        assert part.stat().st_mode & 0o777 == 0o600


def test_what_another_machine_is_writing_is_not_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "other")
    writing = whole(tmp_path / "a.txt")
    part = writing.__enter__()
    part.write_text("whole")
    monkeypatch.setattr("platform.node", lambda: "here")
    monkeypatch.setattr("shizi.files._runs", lambda process: False)
    with whole(tmp_path / "a.txt") as other:
        other.write_text("first")
    writing.__exit__(None, None, None)
    assert (tmp_path / "a.txt").read_text() == "whole"
