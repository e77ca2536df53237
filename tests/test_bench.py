"""The table of a comparison: every set and system in it, and nothing else of the file touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shizi.bench.compare import Report, SetFigures, Tally
from shizi.bench.markdown import COLUMNS, markdown, put, rows_of
from shizi.bench.systems import Peers
from shizi.cli import main
from shizi.errors import DataError
from shizi.scores import DetectionScore, TextRules, TextScore

DENSE = SetFigures(
    "books",
    2,
    400.0,
    {
        "shizi": {"s CPU": 0.5, "s wall": 0.6, "page CER": 0.01},
        "rapidocr": {"s CPU": 2.0, "s wall": 0.9, "page CER": 0.0125},
    },
    TextRules(),
)
REPORT = Report(
    {"processor": "one | two"},
    {"shizi": "shizi 1", "rapidocr": "RapidOCR 2"},
    (DENSE, replace(DENSE, name="signs", density=20.0)),
    {},
)


def test_a_row_tells_a_system_and_how_much_longer_it_takes() -> None:
    ours, theirs = rows_of(DENSE, REPORT.systems)
    assert ours[:4] == ["books: 2 pages, 400 characters each", "shizi 1", "0.5", "0.6"]
    assert theirs[:4] == ["", "RapidOCR 2", "2 (4x)", "0.9 (1.5x)"]
    assert (ours[4], theirs[4]) == ("1.00", "1.25")
    assert ours[5:] == [""] * (len(COLUMNS) - 3)  # what was not measured


def test_the_table_is_written_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("a\n<!-- benchmark -->\nold \\1\n<!-- /benchmark -->\nb\n", encoding="utf-8")
    table = markdown(REPORT)
    for _ in range(2):
        put(path, table)
        text = path.read_text(encoding="utf-8")
        assert text == f"a\n<!-- benchmark -->\n{table}\n<!-- /benchmark -->\nb\n"
    assert table.index("books") < table.index("signs")
    assert {line.count(" | ") for line in table.split("\n\n")[0].splitlines()} == {len(COLUMNS) + 1}


@pytest.mark.parametrize("text", ["no marks\n", "<!-- benchmark -->\n<!-- /benchmark -->\n" * 2])
def test_a_file_without_one_place_for_the_table_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="benchmark"):
        put(path, "table")
    assert path.read_text(encoding="utf-8") == text


def test_a_file_that_is_missing_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--data", str(tmp_path), "--readme", str(tmp_path / "none.md")]) == 1
    assert "none.md" in capsys.readouterr().err


def test_peers_that_are_not_there_are_left_out() -> None:
    there = Path("networks"), Path("lite")
    assert Peers().names() == ["rapidocr"]
    assert Peers(there[0]).names() == ["rapidocr", "tiny"]
    assert Peers(None, there[1]).names() == ["rapidocr"]
    assert Peers(*there).names() == ["rapidocr", "tiny", "lite"]


def test_what_a_set_has_no_labels_for_is_not_told() -> None:
    tally = Tally(pages=TextScore(1, 100, 0, 1), seconds=[1.0, 3.0], cpu=[2.0, 4.0])
    assert tally.figures() == {
        "s CPU": 3.0,
        "s wall": 2.0,
        "page CER": 0.01,
        "strict CER": 0.0,
        "turned CER": 0.0,
    }
    assert Tally(detection=DetectionScore(1, 1, 1)).figures() == {"detection F": 1.0}
