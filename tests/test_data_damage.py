"""Labels that are wrong in ways that once went unseen: mirrored, elsewhere, in another encoding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pictures import SAMPLE, encode
from test_data import BOX, put

from shizi.data import BadRows, open_lines, open_pages, read_pages
from shizi.errors import DataError

HEIGHT, WIDTH = SAMPLE.shape[:2]
BACKWARDS = [BOX[0], BOX[3], BOX[2], BOX[1]]


def pages(folder: Path, *quads: object) -> Path:
    """A page set of one page with lines at these quads."""
    put(folder / "a.png")
    row = {"image": "a.png", "lines": [{"quad": quad, "text": "ab"} for quad in quads]}
    put(folder / "labels.jsonl", json.dumps(row))
    return folder


def test_a_line_whose_corners_run_backwards_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    swapped = [[y, x] for x, y in BOX]
    folder = pages(tmp_path, BOX, BACKWARDS, swapped)
    assert [p.quads.tolist() for p in read_pages(folder)] == [[BOX]]  # what judges goes on without
    (page,) = open_pages(folder, BadRows())
    assert page.quads.tolist() == [BOX]
    assert not page.complete
    assert "line 2: expected the corners clockwise" in caplog.text
    assert "line 3: " in caplog.text


def test_an_outline_drawn_the_other_way_round_is_turned(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    shapes = [
        {"label": text, "shape_type": "polygon", "points": points}
        for text, points in (("ab", BACKWARDS), ("cd", BACKWARDS[1:] + BACKWARDS[:1]))
    ]
    put(tmp_path / "a.json", json.dumps({"imagePath": "a.png", "shapes": shapes}))
    (page,) = open_pages(tmp_path, BadRows(strict=True))
    assert page.quads.tolist() == [BOX, BOX]


def test_labels_of_a_picture_of_another_size_are_refused(tmp_path: Path) -> None:
    far = [[x + 3 * WIDTH, y] for x, y in BOX]
    (page,) = open_pages(pages(tmp_path, BOX, far), BadRows())
    with pytest.raises(DataError, match=rf"line 2 stands outside the picture, {WIDTH}x{HEIGHT}"):
        page.load()


def test_a_box_is_the_same_by_any_two_opposite_corners(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg", encode(SAMPLE, "JPEG"))
    rows = [
        f'{a[0]}, {a[1]}, {b[0]}, {b[1]}, "ab"' for a, b in ((BOX[2], BOX[0]), (BOX[1], BOX[3]))
    ]
    put(tmp_path / "a.txt", "\n".join(rows))
    (page,) = open_pages(tmp_path, BadRows(strict=True))
    assert page.quads.tolist() == [BOX, BOX]


def test_a_damaged_row_among_proposals_is_the_only_one_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg", encode(SAMPLE, "JPEG"))
    put(tmp_path / "a.txt", "0,2,15,20\n16,2,31,20\n32,2,x,20\n")
    bad = BadRows()
    (page,) = open_pages(tmp_path, bad)
    assert page.quads.tolist() == [[[0, 2], [31, 2], [31, 20], [0, 20]]]
    assert bad.count == 1
    assert not page.complete


def test_a_label_file_in_utf_16_is_one_line(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    put(tmp_path / "labels.tsv", "a.png\tab\n".encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16; save it as UTF-8"):
        open_lines(tmp_path, BadRows())


def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path) -> None:
    put(tmp_path / "labels.tsv", "a\0.png\tab\n")
    with pytest.raises(DataError, match=r"labels\.tsv:1: cannot read"):
        open_lines(tmp_path, BadRows())[0].load()


def test_a_task_without_a_picture_is_told_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = put(tmp_path / "export.json", json.dumps([{"annotations": [], "data": {}}]))
    assert not open_pages(file, BadRows())
    assert "task 1: not a task with regions and texts (it names no picture)" in caplog.text
