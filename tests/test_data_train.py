"""Training on the sets that people have: what cannot be used is left out, or stops the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from pictures import encode

from shizi.charset import Charset
from shizi.data.tools.convert import ConvertOptions, convert
from shizi.errors import DataError
from shizi.geometry import rotate90
from shizi.nets.spec import CTPNSpec, OrientationSpec
from shizi.nets.torch.crnn import CRNN
from shizi.nets.torch.ctpn import CTPN
from shizi.nets.torch.orientation import Orientation
from shizi.page import Image
from shizi.train.grow import choose_charset
from shizi.train.loop.stream import batches
from shizi.train.tasks import orientation as training
from shizi.train.tasks.crnn import CRNNOptions, CRNNTask
from shizi.train.tasks.ctpn import CTPNOptions, CTPNTask
from shizi.train.tasks.orientation import OrientationTask, OrientationTrainOptions


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


def upright() -> Image:
    """A page of strokes: brighter at the top, so that every tile shows which way up it is."""
    page = np.full((400, 400, 3), 250, np.uint8)
    page[::8] = page[1::8] = page[:, ::8] = 0
    ramp = np.linspace(1, 0.2, 400)[:, None, None]
    return (page * ramp).astype(np.uint8)


def test_orientation_learns_from_four_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for angle in (0, 90, 180, 270):
        (tmp_path / str(angle)).mkdir()
        turned = rotate90(upright(), -angle)
        (tmp_path / str(angle) / "a.png").write_bytes(encode(turned, "PNG"))
    monkeypatch.setattr(training.augment, "recolour", lambda image, rng: image)
    monkeypatch.setattr(training.augment, "spoil", lambda image, rng: image)
    options = OrientationTrainOptions((tmp_path,), batch=16)
    batch = next(batches(OrientationTask(Orientation(OrientationSpec()), options), 1))[0]
    assert set(batch.labels.tolist()) == {0, 1, 2, 3}
    for image, label in zip(batch.images, batch.labels, strict=True):
        back = rotate90(image, 90 * int(label)).astype(float)
        half = len(back) // 2
        assert back[:half].mean() > back[half:].mean()


def test_a_run_needs_a_picture(lines: Path) -> None:
    (lines / "a.png").unlink()
    with pytest.raises(DataError, match="none of 3 items"):
        labels_of(crnn_task(lines))
