"""Training on the sets that people have: what cannot be used is left out, or stops the run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from numpy.typing import NDArray
from pictures import encode

from shizi.charset import Charset
from shizi.data.tools.convert import ConvertOptions, convert
from shizi.engine import Session
from shizi.errors import DataError
from shizi.geometry import rotate90
from shizi.nets.spec import CTPNSpec, OrientationSpec
from shizi.nets.torch.crnn import CRNN
from shizi.nets.torch.ctpn import CTPN, VGGCTPN
from shizi.nets.torch.orientation import Orientation
from shizi.nets.torch.runtime import ModuleRuntime
from shizi.page import Image, Quads
from shizi.train.grow import choose_charset
from shizi.train.loop.stream import batches
from shizi.train.options import CRNNOptions, CTPNOptions, OrientationTrainOptions
from shizi.train.tasks import turned as training
from shizi.train.tasks.crnn import EARLY, CRNNTask
from shizi.train.tasks.ctpn import CTPNTask
from shizi.train.tasks.orientation import OrientationTask


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    folder = tmp_path / "lines"
    folder.mkdir()
    (folder / "a.png").write_bytes(encode(np.full((48, 60, 3), 200, np.uint8), "PNG"))
    rows = "a.png\tab\nmissing.png\tba\na.png\txyz\na.png\tb\n"
    (folder / "labels.tsv").write_text(rows, encoding="utf-8")
    return folder


def crnn_task(path: Path, strict: bool = False) -> CRNNTask:
    net = CRNN(replace(tiny.CRNN, classes=3))
    return CRNNTask(net, Charset("ab"), CRNNOptions((path,), batch_width=300, strict=strict))


def labels_of(task: CRNNTask) -> set[tuple[int, ...]]:
    stream = batches(task, 1)
    return {tuple(label) for _ in range(6) for label in next(stream)[0].labels}


def test_the_recogniser_learns_from_a_folder_and_from_an_lmdb(
    lines: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert labels_of(crnn_task(lines)) == {(1, 2), (2,)}
    assert "labels.tsv:2: cannot read" in caplog.text
    assert "labels.tsv:3: the charset lacks 'xyz'" in caplog.text
    assert "1 of 4 lines are left out" in caplog.text
    assert "a charset from the data has them" in caplog.text
    assert convert(lines, tmp_path / "lmdb", ConvertOptions("lmdb")) == (3, 1)
    assert labels_of(crnn_task(tmp_path / "lmdb")) == {(1, 2), (2,)}


def test_strict_stops(lines: Path) -> None:
    with pytest.raises(DataError, match=r"labels\.tsv:3: the charset lacks"):
        crnn_task(lines, strict=True)
    (lines / "labels.tsv").write_text("a.png\tab\nmissing.png\tba\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"labels\.tsv:2: cannot read"):
        labels_of(crnn_task(lines, strict=True))


def test_a_charset_from_data_names_no_row_that_training_will_name(
    lines: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (lines / "labels.tsv").open("a", encoding="utf-8") as file:
        file.write("no tab here\n")
    assert choose_charset("data", CRNNOptions((lines,))).chars == "abxyz"
    assert not caplog.text
    with pytest.raises(DataError, match=r"labels\.tsv:5: expected image<TAB>text"):
        choose_charset("data", CRNNOptions((lines,), strict=True))


def test_the_detector_learns_from_icdar_labels(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "img_1.png").write_bytes(encode(np.full((200, 300, 3), 200, np.uint8), "PNG"))
    (tmp_path / "img_2.png").write_bytes(b"broken")
    for name in ("gt_img_1.txt", "gt_img_2.txt"):
        (tmp_path / name).write_text("20,50,220,50,220,80,20,80,text\n", encoding="utf-8")
    task = CTPNTask(CTPN(CTPNSpec()), CTPNOptions((tmp_path,), size=128, batch=2))
    stream = batches(task, 1)
    assert any((next(stream)[0].targets.label == 1).any() for _ in range(4))
    assert "img_2.png cannot be read as an image" in caplog.text
    strict = CTPNOptions((tmp_path,), size=128, batch=2, strict=True)
    with pytest.raises(DataError, match=r"gt_img_2\.txt"):
        next(batches(CTPNTask(CTPN(CTPNSpec()), strict), 1))


def upright(height: int = 400, width: int = 400) -> Image:
    """A picture that is brighter at the top, so that everywhere shows which way up it is."""
    rows = np.linspace(250, 50, height).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(rows[:, None, None], (height, width, 3)))


def brightest(image: Image) -> int:
    """By how many quarters clockwise the bright side of :func:`upright` has turned from the top."""
    grey = image[..., 0].astype(float)
    down, right = (float(np.median(np.diff(grey, axis=axis))) for axis in (0, 1))
    if abs(down) > abs(right):
        return 0 if down < 0 else 2
    return 1 if right > 0 else 3


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is recoloured or spoilt."""
    monkeypatch.setattr(training.augment, "recolour", lambda image, rng: image)
    monkeypatch.setattr(training.augment, "spoil", lambda image, rng: image)


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture is found to hold one line, from its upper left corner on, as wide as it is."""

    def detector(_: object) -> Any:
        def find(image: Image) -> tuple[Quads, NDArray[np.float32]]:
            box = [[0, 0], [image.shape[1], 0], [image.shape[1], 40], [0, 40]]
            return np.array([box], np.float32), np.ones(1, np.float32)

        return find

    monkeypatch.setattr(OrientationTask, "_detector", property(detector))


@pytest.mark.usefixtures("plain", "finds")
def test_the_angle_net_learns_from_four_folders_of_pictures_whose_lines_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "ASIDE", 0)
    for angle in (0, 90, 180, 270):
        (tmp_path / str(angle)).mkdir()
        turned = rotate90(upright(40, 200), -angle)
        (tmp_path / str(angle) / "a.png").write_bytes(encode(turned, "PNG"))
    assert taught(tmp_path) == {0, 2}


def test_a_picture_in_which_no_line_is_found_is_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.png").write_bytes(encode(upright(), "PNG"))
    with pytest.raises(DataError, match="no line to learn"):
        OrientationTask(Orientation(OrientationSpec()), OrientationTrainOptions((tmp_path,)))
    assert "a.png: no line is found" in caplog.text


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("text", "aside", "quarters"),
    [("latin", 0, {0, 2}), ("latin", 1, {1, 3}), ("汉字列表十六", 0, {0, 1, 2, 3})],
)
def test_the_angle_net_learns_from_lines_and_from_what_lies_on_its_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, aside: float, quarters: set[int]
) -> None:
    monkeypatch.setattr(training, "ASIDE", aside)
    (tmp_path / "a.png").write_bytes(encode(upright(40, 240), "PNG"))
    (tmp_path / "labels.tsv").write_text(f"a.png\t{text}\n", encoding="utf-8")
    assert taught(tmp_path) == quarters


@pytest.mark.usefixtures("plain")
def test_the_angle_net_learns_from_columns_laid_down(tmp_path: Path) -> None:
    page = np.full((300, 300, 3), 200, np.uint8)
    page[20:260, 100:140] = np.concatenate([upright(40, 40)] * 6)
    (tmp_path / "a.png").write_bytes(encode(page, "PNG"))
    quad = [[100, 20], [140, 20], [140, 260], [100, 260]]
    row = {"image": "a.png", "lines": [{"quad": quad, "text": "竖排"}]}
    (tmp_path / "labels.jsonl").write_text(json.dumps(row), encoding="utf-8")
    assert taught(tmp_path) == {1, 3}


def taught(folder: Path) -> set[int]:
    """The quarters that samples of a set are labelled with, each seen to be true."""
    task = OrientationTask(Orientation(OrientationSpec()), OrientationTrainOptions((folder,)))
    seen = set()
    for position in range(24):
        for image, label, _ in task.sample(1, position):
            assert brightest(image[:, :40]) == label, position
            seen.add(label)
    return seen


def test_a_line_narrower_than_its_text_is_long_is_no_column(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(upright(8, 8), "PNG"))
    (tmp_path / "labels.tsv").write_text(f"a.png\t{'汉' * 30}\n", encoding="utf-8")
    task = OrientationTask(Orientation(OrientationSpec()), OrientationTrainOptions((tmp_path,)))
    for position in range(24):
        task.sample(1, position)


def test_a_run_needs_a_picture(lines: Path) -> None:
    (lines / "a.png").unlink()
    with pytest.raises(DataError, match="none of 3 items"):
        labels_of(crnn_task(lines))


# What is not known is not taught


def page_set(folder: Path, lines: list[dict[str, object]], complete: bool = True) -> Path:
    """One page, 200 x 300, whose strokes stand at (20, 50) to (220, 80)."""
    folder.mkdir()
    page = np.full((200, 300, 3), 200, np.uint8)
    page[50:80:2, 20:220] = 0
    (folder / "a.png").write_bytes(encode(page, "PNG"))
    row = {"image": "a.png", "lines": lines, "complete": complete}
    (folder / "labels.jsonl").write_text(json.dumps(row), encoding="utf-8")
    return folder


GOOD = {"quad": [[20, 50], [220, 50], [220, 80], [20, 80]], "text": "ab"}
REFUSED = {"quad": [[20, 120]] * 4, "text": "cd"}


@pytest.mark.parametrize("faulty", ["refused", "incomplete"])
def test_what_may_be_text_is_not_taught_as_background(tmp_path: Path, faulty: str) -> None:
    whole = page_set(tmp_path / "whole", [GOOD])
    lines = [GOOD, REFUSED] if faulty == "refused" else [GOOD]
    part = page_set(tmp_path / "part", lines, complete=faulty != "incomplete")
    labels = {}
    for folder in (whole, part):
        task = CTPNTask(CTPN(CTPNSpec()), CTPNOptions((folder,), size=128))
        labels[folder] = np.stack([task.sample(1, i).targets.label for i in range(8)])
    assert ((labels[whole] == 1) == (labels[part] == 1)).all()
    assert (labels[whole] == 0).sum() > 4 * (labels[part] == 0).sum() > 0
    background, text = ((labels[part] == value).any((1, 3)) for value in (0, 1))  # (8, columns)
    assert not (background & ~text).any()  # nothing is known where no line is labelled


def test_a_batch_without_background_has_a_loss(tmp_path: Path) -> None:
    part = page_set(tmp_path / "part", [GOOD], complete=False)
    for net in (CTPN(CTPNSpec()), VGGCTPN(tiny.VGG_CTPN)):
        task = CTPNTask(net, CTPNOptions((part,), size=64, batch=1))
        batch = task.collate([task.sample(1, 0)])
        unknown = batch.targets._replace(label=np.full_like(batch.targets.label, -1))
        losses = task.loss(batch._replace(targets=unknown), torch.device("cpu"))
        assert all(torch.isfinite(value) for value in losses.values())


def test_pages_whose_every_line_is_refused_are_no_lesson(tmp_path: Path) -> None:
    folder = page_set(tmp_path / "set", [REFUSED])
    with pytest.raises(DataError, match="no page with a line to learn: 1 rows cannot be used"):
        CTPNTask(CTPN(CTPNSpec()), CTPNOptions((folder,)))


def test_pages_are_scored_only_where_all_lines_are_known(tmp_path: Path) -> None:
    good = page_set(tmp_path / "good", [GOOD])
    part = page_set(tmp_path / "part", [GOOD], complete=False)
    with pytest.raises(DataError, match="validate on another"):
        CTPNTask(CTPN(CTPNSpec()), CTPNOptions((good,), val=(part,)))


def test_sets_of_one_name_have_figures_of_their_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tiny.line_set(tmp_path / name / "val", [("x.png", "ab")])
    val = (tmp_path / "a" / "val", tmp_path / "b" / "val")
    net = CRNN(replace(tiny.CRNN, classes=3))
    task = CRNNTask(net, Charset("ab"), CRNNOptions(val[:1], val=val, batch_width=300))
    figures = task.figures(Session(ModuleRuntime(net.eval(), torch.device("cpu"))))
    assert {"cer_a/val", "cer_b/val"} <= figures.keys()


def test_word_sets_alone_are_enough_for_the_detector(tmp_path: Path) -> None:
    after = {"quad": [[224, 50], [280, 50], [280, 80], [224, 80]], "text": "cd"}
    words = page_set(tmp_path / "words", [GOOD, after])
    task = CTPNTask(CTPN(CTPNSpec()), CTPNOptions(words=(words,), size=128))
    assert (task.sample(1, 0).targets.label == 1).any()
    assert [page.texts for page in task._items] == [("ab cd",)]
    with pytest.raises(DataError, match="no page with a line"):
        CTPNTask(CTPN(CTPNSpec()), CTPNOptions())


def test_a_net_that_has_learnt_nothing_sees_short_lines_first(tmp_path: Path) -> None:
    rows = [(f"{i}.png", "a" if i % 4 == 0 else "abab") for i in range(40)]
    options = CRNNOptions((tiny.line_set(tmp_path / "lines", rows),), batch_width=300)
    shares = {}
    for fresh in (False, True):
        task = CRNNTask(CRNN(replace(tiny.CRNN, classes=3)), Charset("ab"), options, fresh)
        for when in (0, EARLY):
            lengths = [len(task.crop(1, when + position).label) for position in range(200)]
            shares[fresh, when] = lengths.count(1) / 200
    assert shares[False, 0] == pytest.approx(0.25, abs=0.02)
    assert shares[True, 0] > 0.6  # 1 - 0.75 ** 4 is 0.68
    assert shares[True, EARLY] == shares[False, EARLY] == pytest.approx(0.25, abs=0.02)


def test_sets_are_learnt_as_often_as_they_weigh(tmp_path: Path) -> None:
    few = tiny.line_set(tmp_path / "few", [("x.png", "a")])
    many = tiny.line_set(tmp_path / "many", [(f"{i}.png", "b") for i in range(8)])
    options = CRNNOptions((Path(f"{few}:3"), many), batch_width=300)
    task = CRNNTask(CRNN(replace(tiny.CRNN, classes=3)), Charset("ab"), options)
    labels = [task.crop(1, position).label for position in range(200)]
    assert labels.count([1]) == pytest.approx(150, abs=25)
    assert choose_charset("data", options).chars == "ab"
