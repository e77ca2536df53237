"""Readers of line sets and page sets, each on a small set made here."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import pickle
import tempfile
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import lmdb
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pictures import SAMPLE, encode

from shizi.charset import Charset
from shizi.data import (
    BadRows,
    Lines,
    apart,
    open_lines,
    open_pages,
    open_upright,
    shuffled,
    spelt,
    weighed,
    with_pictures,
)
from shizi.data.proposals import first_column, rejoined
from shizi.errors import DataError
from shizi.geometry import box_to_quad, rotate90

STRICT = BadRows(strict=True)
PNG = encode(SAMPLE, "PNG")
BOX = [[2, 2], [30, 2], [30, 12], [2, 12]]


def put(path: Path, content: str | bytes = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def make_lmdb(path: Path, texts: Sequence[str | None], count: int | None = None) -> Path:
    path.mkdir()
    with (
        lmdb.open(str(path), map_size=1 << 20) as environment,
        environment.begin(write=True) as txn,
    ):
        txn.put(b"num-samples", str(len(texts) if count is None else count).encode())
        for i, text in enumerate(texts, 1):
            txn.put(f"image-{i:09d}".encode(), PNG)
            if text is not None:
                txn.put(f"label-{i:09d}".encode(), text.encode())
    return path


def texts(lines: Lines) -> list[str]:
    return [item.text for item in lines]


def test_lmdb(tmp_path: Path) -> None:
    lines = open_lines(make_lmdb(tmp_path / "set", ["你好", "b\tc", ""]), STRICT)
    assert texts(lines) == ["你好", "b\tc", ""]
    assert np.array_equal(lines[1].load(), SAMPLE)
    assert lines[1].name.endswith("set#image-000000002")
    assert texts(open_lines(tmp_path / "set" / "data.mdb", STRICT)) == texts(lines)


def test_lmdb_in_threads_and_processes(tmp_path: Path) -> None:
    lines = open_lines(make_lmdb(tmp_path / "set", [str(i) for i in range(40)]), STRICT)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda i: np.array_equal(lines[i].load(), SAMPLE), range(40)))
    again = pickle.loads(pickle.dumps(lines))
    assert texts(again) == texts(lines)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # forking is unwise, but data loaders do
        child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(lines[3].load(), SAMPLE) else 1)
    assert os.waitpid(child, 0)[1] == 0
    with multiprocessing.get_context("spawn").Pool(1) as processes:
        assert processes.apply(len, (lines,)) == 40


def test_lmdb_faults(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_lmdb(tmp_path / "set", ["a", None, "c"], count=4)
    bad = BadRows()
    assert texts(open_lines(path, bad)) == ["a", "c"]
    assert bad.count == 2
    assert f"{path}:2: the sample has no label" in caplog.text
    put(tmp_path / "junk" / "data.mdb", b"no such thing" * 1000)
    with pytest.raises(DataError, match="cannot read"):
        open_lines(tmp_path / "junk", STRICT)
    make_lmdb(tmp_path / "other", [])
    with lmdb.open(str(tmp_path / "other")) as environment, environment.begin(write=True) as txn:
        txn.delete(b"num-samples")
    with pytest.raises(DataError, match="num-samples"):
        open_lines(tmp_path / "other", STRICT)


def test_labels_tsv(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    put(tmp_path / "labels.tsv", "\ufeffa.png\t一 二\r\n\nb.png\t x\ty \n")
    lines = open_lines(tmp_path, STRICT)
    assert texts(lines) == ["一 二", " x\ty "]
    assert lines[0].where == f"{tmp_path / 'labels.tsv'}:1"
    assert lines[1].where == f"{tmp_path / 'labels.tsv'}:3"
    assert np.array_equal(lines[0].load(), SAMPLE)
    with pytest.raises(DataError, match=r"labels\.tsv:3: cannot read .*b\.png"):
        lines[1].load()
    put(tmp_path / "b.png", b"nothing of the kind")
    with pytest.raises(DataError, match=r"labels\.tsv:3: .*b\.png cannot be read as an image"):
        lines[1].load()


def test_paddle_recognition(tmp_path: Path) -> None:
    rows = 'crop/a.png\t你好\n["crop/a.png", "crop/b.png"]\tx\n[1].png\ty\n'
    file = put(tmp_path / "set" / "rec_gt_train.txt", rows)
    put(tmp_path / "set" / "crop" / "a.png")
    lines = open_lines(file, STRICT)
    assert texts(lines) == ["你好", "x", "x", "y"]
    assert [item.path.name for item in lines] == ["a.png", "a.png", "b.png", "[1].png"]
    assert [item.where[-1] for item in lines] == list("1223")
    assert np.array_equal(lines[0].load(), SAMPLE)
    # Tools also write names relative to the folder above that of the label file.
    put(tmp_path / "set" / "labels" / "rec_gt.txt", rows)
    assert np.array_equal(open_lines(tmp_path / "set" / "labels", STRICT)[0].load(), SAMPLE)


def test_bad_rows_are_left_out_named_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = put(tmp_path / "labels.tsv", b"a.png\tx\nno tab\n\xff\xfe\ty\n" + b"bad\n" * 40)
    bad = BadRows()
    with caplog.at_level(logging.WARNING):
        assert texts(open_lines(tmp_path, bad)) == ["x"]
    assert bad.count == 42
    assert f"{file}:2: expected image<TAB>text" in caplog.text
    assert f"{file}:3: not UTF-8" in caplog.text
    assert len(caplog.records) == 21
    with pytest.raises(DataError, match=r"labels\.tsv:2"):
        open_lines(tmp_path, BadRows(strict=True))


def test_texts_that_the_charset_cannot_spell(tmp_path: Path) -> None:
    put(tmp_path / "labels.tsv", "a.png\tab\nb.png\txa\nc.png\t\nd.png\tb\n")
    bad = BadRows()
    lines = spelt(open_lines(tmp_path, STRICT), Charset("ab"), bad)
    assert texts(lines) == ["ab", "b"]
    assert bad.count == 2


def test_pictures_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    put(tmp_path / "labels.tsv", "a.png\tx\nb.png\ty\n")
    bad, lines = BadRows(), open_lines(tmp_path, STRICT)
    found = list(islice(with_pictures(lines, shuffled(2, 1), bad), 5))
    assert {item.text for item, _ in found} == {"x"}
    assert bad.count == 1  # however often it was met
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match="none of 2 pictures"):
        next(with_pictures(lines, shuffled(2, 1), bad))


@example([["[{"]])
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t")))))
def test_lines_are_a_sequence(parts: list[list[str]]) -> None:
    """Joined, sliced and picked lines give what a list gives."""
    with tempfile.TemporaryDirectory() as folder:
        opened = []
        for i, part in enumerate(parts):
            file = put(Path(folder) / f"{i}.tsv", "".join(f"p\t{text}\n" for text in part))
            opened.append(open_lines(file, STRICT))
    lines, plain = Lines.joined(opened), [text for part in parts for text in part]
    assert texts(lines) == list(lines.texts()) == plain
    assert texts(lines[1::2]) == plain[1::2]
    assert texts(lines[::-1][:3]) == plain[::-1][:3]
    assert [lines[-i].text for i in range(1, len(plain) + 1)] == plain[::-1]
    chosen = list(range(0, len(plain), 3))
    assert texts(lines.take(chosen)) == [plain[i] for i in chosen]


def test_folders_of_sets(tmp_path: Path) -> None:
    put(tmp_path / "sets" / "a" / "labels.tsv", "a.png\ta\n")
    make_lmdb(tmp_path / "sets" / "b", ["b"])
    put(tmp_path / "sets" / "c" / "labels.jsonl", '{"image": "a.png", "lines": []}')
    assert texts(open_lines(tmp_path / "sets", STRICT)) == ["a", "b"]
    assert len(open_pages(tmp_path / "sets", STRICT)) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no line set"):
        open_lines(tmp_path / "empty", STRICT)
    with pytest.raises(DataError, match="holds no page set"):
        open_pages(tmp_path / "empty", STRICT)
    with pytest.raises(DataError, match="no such file or folder"):
        open_lines(tmp_path / "none", STRICT)


def test_labels_jsonl(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        {"image": "a.png", "lines": [{"quad": BOX, "text": "x"}, {"quad": BOX, "ignore": True}]},
        {"image": "b.png", "lines": [], "complete": False},
        {"image": "c.png", "lines": [{"quad": [[1, 1]] * 4}, {"quad": [[0, 0]] * 3}]},
        {"lines": []},
    ]
    file = put(tmp_path / "labels.jsonl", "\n".join(map(json.dumps, rows)) + "\n{")
    bad = BadRows()
    first, second, third = open_pages(tmp_path, bad)
    assert first.quads.shape == (2, 4, 2)
    assert (first.texts, first.ignore.tolist()) == (("x", ""), [False, True])
    assert [page.complete for page in (first, second, third)] == [True, False, False]
    assert len(third.quads) == 0
    for where in ("3: line 1: ", "3: line 2: ", "4: ", "5: "):
        assert f"{file}:{where}" in caplog.text
    assert bad.count == 4
    with pytest.raises(DataError, match=r"labels\.jsonl:3"):
        open_pages(tmp_path, BadRows(strict=True))


def test_paddle_detection(tmp_path: Path) -> None:
    curved = [[0, 0], [10, 0], [20, 0], [20, 10], [10, 10], [0, 10]]
    labels = [
        {"transcription": "你好", "points": BOX},
        {"transcription": "###", "points": BOX},
        {"transcription": "*", "points": BOX},
        {"transcription": "curved", "points": curved},
    ]
    rows = f"set/a.png\t{json.dumps(labels)}\nb.png\t[{{]\n"
    file = put(tmp_path / "set" / "Label.txt", rows)
    put(tmp_path / "set" / "a.png")
    bad = BadRows()
    (page,) = open_pages(tmp_path / "set", bad)
    assert page.texts == ("你好", "", "", "curved")
    assert page.ignore.tolist() == [False, True, True, False]
    assert np.allclose(page.quads[3], box_to_quad(np.array([0, 0, 20, 10])), atol=0.1)
    assert np.array_equal(page.load(), SAMPLE)
    assert bad.count == 1
    assert len(open_pages(file, BadRows())) == 1


def test_icdar_2015(tmp_path: Path) -> None:
    put(tmp_path / "img_1.jpg")
    put(
        tmp_path / "gt_img_1.txt",
        "\ufeff2,2,30,2,30,12,2,12,a,b\r\n1, 1,9,1,9,9,1,9,###\r\nrow\r\n",
    )
    bad = BadRows()
    (page,) = open_pages(tmp_path, bad)
    assert page.texts == ("a,b", "")
    assert page.ignore.tolist() == [False, True]
    assert page.quads[0].tolist() == BOX
    assert page.path.name == "img_1.jpg"
    assert bad.count == 1


def test_icdar_2013(tmp_path: Path) -> None:
    put(tmp_path / "pictures" / "100.jpg")
    rows = '2, 2, 30, 12, "say \\"hi\\", 1"\n1 1 9 9 "b c"\n1, 1, 9, 9, "5, 6, 7, 8"\n'
    put(tmp_path / "truth" / "gt_100.txt", rows)
    (page,) = open_pages(tmp_path, STRICT)
    assert page.texts == ('say "hi", 1', "b c", "5, 6, 7, 8")
    assert page.quads[0].tolist() == BOX


def voc_xml(boxes: Sequence[Sequence[float]], difficult: int = 0) -> str:
    sides = ("xmin", "ymin", "xmax", "ymax")
    things = [
        f"<object><name>text</name><difficult>{difficult}</difficult><bndbox>"
        + "".join(f"<{s}>{v}</{s}>" for s, v in zip(sides, box, strict=True))
        + "</bndbox></object>"
        for box in boxes
    ]
    return f"<annotation><filename>a.jpg</filename>{''.join(things)}</annotation>"


def test_pascal_voc(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "VOCdevkit" / "VOC2007"
    put(folder / "JPEGImages" / "a.jpg")
    put(folder / "JPEGImages" / "b.png")
    put(folder / "Annotations" / "a.xml", voc_xml([(2, 2, 30, 12)]))
    put(folder / "Annotations" / "b.xml", voc_xml([(2, 2, 60, 12)], difficult=1))
    put(folder / "Annotations" / "c.xml", voc_xml([]))
    put(folder / "Annotations" / "d.xml", "<annotation>")
    bad = BadRows()
    first, second = open_pages(tmp_path / "VOCdevkit", bad)
    assert first.quads.tolist() == [BOX]
    assert (first.ignore.tolist(), second.ignore.tolist()) == ([False], [True])
    assert bad.count == 2
    assert "there is no picture c" in caplog.text
    chosen = put(folder / "ImageSets" / "Main" / "val.txt", "b  1\n")
    assert [page.path.name for page in open_pages(chosen, STRICT)] == ["b.png"]


def split(left: int, top: float, right: int, low: float, slope: float = 0.0) -> list[list[float]]:
    """Cut a box into columns of 16 px as text-detection-ctpn's split_label.py does.

    No piece begins with the last pixel, so the last one may be 17 px wide.
    """
    edges = [left, *range((left // 16 + 1) * 16, right, 16)]
    ends = [*(edge - 1 for edge in edges[1:]), right]
    drops = [slope * ((a + b) / 2 - left) for a, b in zip(edges, ends, strict=True)]
    return [[a, top + d, b, low + d] for a, b, d in zip(edges, ends, drops, strict=True)]


def test_proposals_become_lines_again(tmp_path: Path) -> None:
    # The second begins where the first ends, but not where a column does.
    lines = [(5, 10, 90, 30), (91, 12, 177, 30), (20, 40, 90, 60)]
    pieces = [piece for line in lines for piece in split(*line)]
    assert len(pieces) > 12
    put(tmp_path / "JPEGImages" / "a.jpg")
    put(tmp_path / "Annotations" / "a.xml", voc_xml(pieces[::-1]))
    (page,) = open_pages(tmp_path, STRICT)
    assert sorted(page.quads.tolist()) == sorted(box_to_quad(np.array(lines)).tolist())
    assert not page.ignore.any()


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(20, 90)), min_size=1, max_size=6))
def test_lines_that_end_on_a_column_come_back_too(lines: list[tuple[int, int]]) -> None:
    ends = [(left, 30 * i, left + length, 30 * i + 20) for i, (left, length) in enumerate(lines)]
    for origin in (0, 1):
        moved = np.array([origin, 0, origin, 0])
        pieces = np.array([p for end in ends for p in split(*end)]) + moved
        found = first_column(pieces)
        assert found is not None
        back = sorted(rejoined(pieces, found).tolist())
        assert np.allclose(back, sorted(box_to_quad(ends + moved).tolist()), atol=1e-3)


def test_a_page_with_a_refused_line_does_not_count_as_complete(tmp_path: Path) -> None:
    put(tmp_path / "jsonl" / "a.png")
    rows = {"image": "a.png", "lines": [{"quad": BOX}, {"quad": [[1, 1]] * 4}]}
    put(tmp_path / "jsonl" / "labels.jsonl", json.dumps(rows))
    put(tmp_path / "icdar" / "img_1.jpg")
    put(tmp_path / "icdar" / "gt_img_1.txt", "2,2,30,2,30,12,2,12,a\nno label\n")
    put(tmp_path / "voc" / "JPEGImages" / "a.jpg")
    put(tmp_path / "voc" / "Annotations" / "a.xml", voc_xml([(2, 2, 30, 12), (5, 5, 5, 5)]))
    bad = BadRows()
    for name in ("jsonl", "icdar", "voc"):
        (page,) = open_pages(tmp_path / name, bad)
        assert len(page.quads) == 1, name
        assert not page.complete, name
    assert bad.count == 3


def test_sets_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a/val", "b/val", "c")]
    assert list(apart(paths)) == ["a/val", "b/val", "c"]
    assert apart(paths)["b/val"] == paths[1]
    with pytest.raises(DataError, match="named twice"):
        apart([paths[0], tmp_path / "b" / ".." / "a" / "val"])


def test_a_weight_follows_a_path(tmp_path: Path) -> None:
    odd = put(tmp_path / "odd:2", "")
    plain, told = [tmp_path / "a", odd], [Path(f"{tmp_path / 'a'}:2.5"), odd]
    assert weighed(plain) == (plain, [])
    assert weighed(told) == (plain, [2.5, 1.0])
    with pytest.raises(DataError, match="above 0"):
        weighed([Path("a:0")])


def test_a_tilted_line_comes_back_tilted() -> None:
    boxes = np.array(split(0, 10, 159, 30, slope=0.2))
    assert first_column(boxes) == 0
    assert first_column(boxes + np.array([1, 0, 1, 0])) == 1
    (quad,) = rejoined(boxes, 0)
    assert np.allclose(quad, [[0, 10], [159, 41.8], [159, 61.8], [0, 30]], atol=0.2)
    assert first_column(np.array([[5, 10, 90, 30], [16, 40, 31, 60]])) is None
    assert first_column(np.zeros((0, 4))) is None


def test_upright_and_turned_pictures(tmp_path: Path) -> None:
    for angle in (0, 90, 180, 270):  # a picture in folder 90 stands turned clockwise by 90
        turned = rotate90(SAMPLE, -angle)
        put(tmp_path / "turned" / str(angle) / "a.png", encode(turned, "PNG"))
        put(tmp_path / "turned" / str(angle) / "deeper" / "b.png", encode(turned, "PNG"))
    pages = open_upright(tmp_path / "turned", STRICT)
    assert [page.angle for page in pages] == [0, 0, 90, 90, 180, 180, 270, 270]
    assert all(np.array_equal(page.load(), SAMPLE) for page in pages)
    assert not any(page.complete for page in pages)
    put(tmp_path / "plain" / "a.png")
    put(tmp_path / "plain" / "notes.md", "not a picture")
    assert [page.angle for page in open_upright(tmp_path / "plain", STRICT)] == [0]
    put(tmp_path / "plain" / "labels.jsonl", '{"image": "a.png", "lines": []}')
    assert open_upright(tmp_path / "plain", STRICT)[0].complete
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no picture"):
        open_upright(tmp_path / "empty", STRICT)
