"""What a shop takes away: tables of viewers, events and evenings."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path
from typing import Any

import pytest
from live_rows import row

from shizi.cli import main
from shizi.live.keep.store import Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.room import Room
from shizi.live.session import Session

EVENING = datetime.datetime(2026, 11, 24, 20, 0).timestamp()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "s.db"
    with Store(str(path)) as opened, Room("r", load_grammar("generic"), load_rules(), opened) as r:
        r.begin(Session("a.mp4", 0.0, EVENING, "given"))
        r.feed(row("小明同学：", "=1+2 多少钱", track=1, time=61.5, closed=True))
        r.feed(row("小明同学：", "已拍", track=2, time=62.0, closed=True))
        r.feed(row("路人甲乙：", "好看", track=3, time=63.0, closed=True))
    return path


def tables(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {
        path.stem: list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
        for path in folder.glob("*.csv")
    }


def test_tables_hold_viewers_events_and_evenings(store: Path, tmp_path: Path) -> None:
    assert main(["live", "export", str(store), "--out", str(tmp_path / "out")]) == 0
    found = tables(tmp_path / "out")
    first = found["board"][0]
    assert (first["user"], first["questions"], first["orders"], first["days"]) == (
        "小明同学", "1", "1", "1",
    )  # fmt: skip
    asked, ordered, _ = found["events"]
    assert asked["clock"].startswith("2026-11-24T20:01:01") and asked["time"] == "61.5"
    assert (asked["source"], asked["source_time"]) == ("a.mp4", "61.5")
    assert (asked["about"], ordered["about"]) == ("price", "order")
    (evening,) = found["summary"]
    assert (evening["day"], evening["viewers"], evening["new_viewers"], evening["comments"]) == (
        "2026-11-24", "2", "2", "3",
    )  # fmt: skip


def test_what_strangers_write_is_no_formula(store: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    for form in ("csv", "xlsx"):
        assert main(["live", "export", str(store), "--to", form, "--out", str(tmp_path)]) == 0
    assert tables(tmp_path)["events"][0]["text"].startswith("'=1+2")
    book: Any = openpyxl.load_workbook(tmp_path / "shizi.xlsx")
    assert book.sheetnames == ["board", "events", "summary"]
    head = [cell.value for cell in book["events"][1]]
    cell = book["events"][2][head.index("text")]
    assert cell.data_type == "s" and cell.value.startswith("=1+2")


def test_parquet_keeps_numbers(store: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert main(["live", "export", str(store), "--to", "parquet", "--out", str(tmp_path)]) == 0
    table = parquet.read_table(tmp_path / "events.parquet").to_pydict()
    assert table["time"] == [61.5, 62.0, 63.0] and table["level"] == [None] * 3


def test_what_is_not_there_is_named(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", "export", str(tmp_path / "no.db")]) != 0
    assert "no.db" in capsys.readouterr().err and not (tmp_path / "no.db").exists()
    assert main(["live", "export", str(store), "--room", "x", "--out", str(tmp_path)]) != 0
    assert "there are: r" in capsys.readouterr().err
