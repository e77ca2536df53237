"""The table of a comparison: every set and system in it, and nothing else of the file touched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from shizi.bench import compare
from shizi.bench.compare import Report, SetFigures, Tally
from shizi.bench.markdown import COLUMNS, markdown, put, rows_of
from shizi.bench.systems import MEGABYTE, Peers
from shizi.cli import main
from shizi.errors import DataError
from shizi.evaluate import Found, Said, as_found
from shizi.geometry import box_to_quad
from shizi.page import Image, Quads
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


@dataclass
class Known:
    """Says what stands on every page, and always takes as long."""

    name: str
    text: str
    cpu: float
    seconds: float = 1.0

    def read(self, image: Image) -> Found:
        return as_found([(self.detect(image)[0], self.text)])

    def detect(self, image: Image) -> Quads:
        return box_to_quad(np.array([[0, 0, image.shape[1], image.shape[0]]]))

    def read_lines(self, crops: Sequence[Image]) -> list[Said]:
        return [(self.text, 0.9)] * len(crops)

    def memory(self) -> tuple[float, float]:
        return 2.0 * MEGABYTE, 3.0 * MEGABYTE


def test_a_comparison_is_shown_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("sparse", "ab"), ("dense", "abcdefgh")):
        (tmp_path / name).mkdir()
        Pillow.new("RGB", (90, 20), (9, 9, 9)).save(tmp_path / name / "a.png")
        line = {"quad": [[0, 0], [90, 0], [90, 20], [0, 20]], "text": text}
        labels = json.dumps({"image": "a.png", "lines": [line]})
        (tmp_path / name / "labels.jsonl").write_text(labels + "\n", encoding="utf-8")
    readme = tmp_path / "README.md"
    readme.write_text("<!-- benchmark -->\n<!-- /benchmark -->\n", encoding="utf-8")

    @contextmanager
    def known(names: Sequence[str], threads: int, peers: Peers) -> Iterator[list[Known]]:
        yield [Known(name, "ab", 1.0 + i) for i, name in enumerate(names)]

    monkeypatch.setattr(compare, "workers", known)
    monkeypatch.setattr(Peers, "title", lambda self, name: name.upper())
    data = [str(tmp_path / name) for name in ("sparse", "dense")]
    told = ["--readme", str(readme), "--json", str(tmp_path / "figures.json")]
    assert main(["bench", "--data", *data, *told]) == 0
    shown = capsys.readouterr().out
    assert "tiny is left out" in shown
    assert "rapidocr: 2 MB held, 3 at most" in shown
    rows = readme.read_text(encoding="utf-8").splitlines()[3:7]
    cells = [[cell.strip() for cell in row.split("|")[1:8]] for row in rows]
    assert cells[0] == ["dense: 1 pages, 8 characters each", "SHIZI", "1", "1", *["75.00"] * 3]
    assert cells[1][:4] == ["", "RAPIDOCR", "2 (2x)", "1 (1x)"]
    assert cells[2][0] == "sparse: 1 pages, 2 characters each"
    assert cells[2][4:] == ["0.00"] * 3
    found = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [done["name"] for done in found["sets"]] == ["dense", "sparse"]
    assert found["conditions"]["threads"] == "1"
    assert "amx" in found["conditions"]["processor"].lower()


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
