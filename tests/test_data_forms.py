"""Forms of label files that people bring from other projects, each on a small set made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import SAMPLE, encode
from test_data import BOX, put, split, texts

from shizi.data import BadRows, open_lines, open_pages
from shizi.errors import DataError

STRICT = BadRows(strict=True)


def test_doctr_recognition(tmp_path: Path) -> None:
    put(tmp_path / "images" / "a.png")
    put(tmp_path / "labels.json", json.dumps({"a.png": "你好", "b.png": 3}))
    bad = BadRows()
    lines = open_lines(tmp_path, bad)
    assert texts(lines) == ["你好"]
    assert np.array_equal(lines[0].load(), SAMPLE)
    assert bad.count == 1


def test_doctr_detection(tmp_path: Path) -> None:
    put(tmp_path / "images" / "a.png")
    put(tmp_path / "images" / "b.png")
    entries = {
        "a.png": {"img_dimensions": [24, 40], "polygons": [BOX, BOX]},
        "b.png": {"polygons": {"words": [BOX], "stamps": [BOX]}},
        "c.png": {},
    }
    put(tmp_path / "labels.json", json.dumps(entries))
    bad = BadRows()
    first, second = open_pages(tmp_path, bad)
    assert first.quads.tolist() == second.quads.tolist() == [BOX, BOX]
    assert first.texts == ("", "")
    assert np.array_equal(second.load(), SAMPLE)
    assert bad.count == 1


def test_labels_that_number_their_characters(tmp_path: Path) -> None:
    put(tmp_path / "char_std.txt", "blank\n的\n一\n \n")
    put(tmp_path / "images" / "1.jpg", encode(SAMPLE, "JPEG"))
    file = put(tmp_path / "train.txt", "1.jpg 1 2 3 2\n2.jpg 0 1\n3.jpg 9\n4.jpg\n")
    bad = BadRows()
    lines = open_lines(file, bad)
    assert texts(lines) == ["的一 一"]
    assert lines[0].load().shape == SAMPLE.shape
    assert bad.count == 3  # row 0 is the blank, there is no row 9, and the last has no number
    put(tmp_path / "keys.txt", "x\n")
    with pytest.raises(DataError, match=r"of which list\? char_std\.txt, keys\.txt"):
        open_lines(file, bad)
    for name in ("keys.txt", "char_std.txt"):
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match="put their list beside it"):
        open_lines(file, bad)


def test_icdar_words(tmp_path: Path) -> None:
    put(tmp_path / "word_1.png")
    put(tmp_path / "gt.txt", '\ufeffword_1.png, "say \\"hi\\", 1"\nword_2.png, "JOINT\n')
    bad = BadRows()
    lines = open_lines(tmp_path, bad)
    assert texts(lines) == ['say "hi", 1']
    assert np.array_equal(lines[0].load(), SAMPLE)
    assert bad.count == 1


def test_proposals_in_text_files(tmp_path: Path) -> None:
    put(tmp_path / "image" / "a.jpg")
    boxes = [piece for line in ((5, 10, 96, 30), (20, 40, 90, 60)) for piece in split(*line)]
    rows = "".join(",".join(str(int(v)) for v in box) + "\n" for box in boxes)
    put(tmp_path / "label" / "a.txt", rows)
    (page,) = open_pages(tmp_path, STRICT)
    assert sorted(page.quads[:, 0].tolist()) == [[5, 10], [20, 40]]
    assert sorted(page.quads[:, 2].tolist()) == [[90, 60], [96, 30]]


def test_pictures_apart_from_their_labels(tmp_path: Path) -> None:
    put(tmp_path / "pictures" / "train" / "a.png")
    file = put(tmp_path / "lists" / "deep" / "rec.txt", "train/a.png\tx\n")
    told = Path(f"{file}@{tmp_path / 'pictures'}")
    assert np.array_equal(open_lines(told, STRICT)[0].load(), SAMPLE)
    label = json.dumps([{"transcription": "x", "points": BOX}])
    pages = put(tmp_path / "lists" / "det.txt", f"train/a.png\t{label}\n")
    (page,) = open_pages(Path(f"{pages}@{tmp_path / 'pictures'}"), STRICT)
    assert np.array_equal(page.load(), SAMPLE)
    with pytest.raises(DataError, match="no such file or folder"):
        open_lines(Path(f"{file}@{tmp_path / 'nowhere'}"), STRICT)
    above = put(tmp_path / "a" / "b" / "c" / "rec.txt", "pictures/train/a.png\tx\n")
    assert np.array_equal(open_lines(above, STRICT)[0].load(), SAMPLE)


def test_what_ppocrlabel_calls_difficult_is_ignored(tmp_path: Path) -> None:
    labels = [
        {"transcription": "a", "points": BOX, "difficult": False},
        {"transcription": "b", "points": BOX, "difficult": True},
    ]
    put(tmp_path / "a.png")
    put(tmp_path / "Label.txt", f"a.png\t{json.dumps(labels)}\n")
    (page,) = open_pages(tmp_path, STRICT)
    assert page.ignore.tolist() == [False, True]


def labelme(folder: Path, name: str, shapes: list[dict[str, object]]) -> None:
    put(folder / f"{name}.png")
    content = {"imagePath": f"{name}.png", "shapes": shapes, "imageData": None}
    put(folder / f"{name}.json", json.dumps(content))


def test_labelme(tmp_path: Path) -> None:
    rectangle = {"label": "你", "points": [[30, 12], [2, 2]], "shape_type": "rectangle"}
    polygon = {"label": "好", "points": BOX, "shape_type": "polygon"}
    point = {"label": "x", "points": [[1, 1]], "shape_type": "point"}
    labelme(tmp_path, "a", [rectangle, polygon])
    labelme(tmp_path, "b", [point])
    put(tmp_path / "c.json", '{"shapes": 3}')
    bad = BadRows()
    first, second = open_pages(tmp_path, bad)
    assert first.quads.tolist() == [BOX, BOX]
    assert first.texts == ("你", "好")
    assert np.array_equal(first.load(), SAMPLE)
    assert not second.complete
    assert bad.count == 2


def test_a_class_of_labelme_is_no_text(tmp_path: Path) -> None:
    plain = {"label": "text", "points": BOX, "shape_type": "polygon"}
    labelme(tmp_path / "plain", "a", [plain, plain])
    (page,) = open_pages(tmp_path / "plain", STRICT)
    assert page.texts == ("", "")
    labelme(tmp_path / "told", "a", [plain, {**plain, "description": "你好"}])
    (page,) = open_pages(tmp_path / "told", STRICT)
    assert page.texts == ("", "你好")


def test_label_studio(tmp_path: Path) -> None:
    size = {"original_width": 40, "original_height": 24}
    box = {"x": 5, "y": 100 / 12, "width": 70, "height": 1000 / 24, "rotation": 0}
    result = [
        {"id": "r", "type": "rectangle", "value": box, **size},
        {"id": "r", "type": "textarea", "value": {**box, "text": ["你好"]}, **size},
        {"id": "q", "type": "rectangle", "value": {**box, "x": 100, "rotation": 90}, **size},
    ]
    task = {
        "data": {"ocr": "/data/upload/1/0123abcd-a.png"},
        "annotations": [{"result": []}, {"result": result}, {"was_cancelled": True, "result": []}],
    }
    put(tmp_path / "images" / "a.png")
    file = put(tmp_path / "export.json", json.dumps([task, {"data": {}, "annotations": []}]))
    bad = BadRows()
    (page,) = open_pages(file, bad)
    assert np.allclose(page.quads[0], BOX, atol=1e-4)
    assert np.allclose(page.quads[1], [[40, 2], [40, 30], [30, 30], [30, 2]], atol=1e-4)
    assert page.texts == ("你好", "")
    assert np.array_equal(page.load(), SAMPLE)
    assert bad.count == 1


def test_json_of_another_kind_is_named(tmp_path: Path) -> None:
    file = put(tmp_path / "notes.json", "[1, 2]")
    with pytest.raises(DataError, match="not of docTR, labelme or Label Studio"):
        open_pages(file, STRICT)
    put(file, "{")
    with pytest.raises(DataError, match="is no JSON"):
        open_pages(file, STRICT)
