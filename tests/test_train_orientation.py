"""Training of the orientation classifier: labels, validation, the stages of the published form."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_train_vgg import CPU, SMALL, learn

from shizi.engine import Session
from shizi.errors import DataError
from shizi.nets.spec import VGGOrientationSpec
from shizi.nets.torch.orientation import VGGOrientation
from shizi.nets.torch.runtime import ModuleRuntime
from shizi.page import Image, Quads
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.stream import batches
from shizi.train.loop.torch import fit
from shizi.train.options import CTPNOptions, InitOptions, OrientationTrainOptions
from shizi.train.start import train_ctpn, train_orientation
from shizi.train.tasks import orientation as training
from shizi.train.tasks.orientation import TAKEN, OrientationTask, clockwise

BLANK = 200
"""Grey of a page where nothing is written."""


def upright_pages(folder: Path, count: int) -> Path:
    """Pages with a line that is dark at its top and red at its left, on a labels.jsonl."""
    folder.mkdir()
    rows = []
    for i in range(count):
        image = np.full((90, 240, 3), BLANK, np.uint8)
        image[30:62, 20 : 200 + i] = 240
        image[30 : 44 + 2 * i, 20 : 200 + i] = 10
        image[30:62, 20:50, 2] = 0
        cv2.imwrite(str(folder / f"{i}.png"), image)
        quad = [[20, 30], [200 + i, 30], [200 + i, 62], [20, 62]]
        line = {"quad": quad, "text": "ab"}
        rows.append(json.dumps({"image": f"{i}.png", "lines": [line]}) + "\n")
    (folder / "labels.jsonl").write_text("".join(rows))
    return folder


@pytest.fixture(autouse=True)
def finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector finds what is not blank."""

    def detector(_: object) -> Any:
        def find(image: Image) -> tuple[Quads, NDArray[np.float32]]:
            rows, columns = np.nonzero((image != BLANK).any(2))
            x0, y0, x1, y1 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            return np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float32), np.ones(1, "f")

        return find

    monkeypatch.setattr(OrientationTask, "_detector", property(detector))


def test_a_tiny_vgg_learns_which_way_up_two_pages_are(tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = VGGOrientationSpec(replace(SMALL, pools=3), height=24, width=64, hidden=16)
    pages = upright_pages(tmp_path / "pages", 2)
    task = OrientationTask(VGGOrientation(spec), OrientationTrainOptions((pages,), val=(pages,)))
    stream = batches(task, 1)
    assert next(stream)[0].images.shape == (32, 24, 64, 3)
    learn(task.net, lambda: task.loss(next(stream)[0], CPU)["ce"], steps=60, rate=3e-3)
    assert task.figures(Session(ModuleRuntime(task.net.eval(), CPU)))["acc_pages"] == 1.0


def test_stage_head_keeps_what_the_first_stages_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "KEPT", 3)
    torch.manual_seed(0)
    net = VGGOrientation(VGGOrientationSpec(backbone=SMALL, hidden=16))
    pages = upright_pages(tmp_path / "pages", 2)
    task = OrientationTask(net, OrientationTrainOptions((pages,), batch=8, stage="head"))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    made = []
    net.backbone.stages[0][0].register_forward_hook(lambda *about: made.append(len(about[2])))
    loop = LoopOptions(tmp_path / "run", steps=12, warmup=1, device="cpu", threads=1)
    fit(task, loop)
    assert sum(made) == 3 * TAKEN  # samples kept, lines of each; each once
    for key, value in net.state_dict().items():
        learns = key.startswith(("backbone.stages.3.", "hidden.", "classify."))
        assert torch.equal(value, before[key]) != learns, key
    batch = next(batches(task, 1))[0]
    kept, whole_net = (
        t.loss(batch, CPU)["ce"].item()
        for t in (task, OrientationTask(net, OrientationTrainOptions((pages,), batch=8)))
    )
    assert kept == pytest.approx(whole_net, abs=1e-2)


def test_stage_head_is_for_published_nets_that_have_learnt(tmp_path: Path) -> None:
    options = OrientationTrainOptions((upright_pages(tmp_path / "pages", 2),), stage="head")
    loop = LoopOptions(tmp_path / "run", steps=1, device="cpu", threads=1)
    with pytest.raises(DataError, match="published form"):
        train_orientation(options, loop, InitOptions(init="shipped"))
    with pytest.raises(DataError, match="learnt weights"):
        train_orientation(options, loop, InitOptions("vgg16"))
    with pytest.raises(DataError, match="learnt weights"):
        train_ctpn(CTPNOptions(options.data, stage="head"), loop, InitOptions("vgg16"))
    with pytest.raises(DataError, match="published form"):
        train_ctpn(CTPNOptions(options.data, stage="head"), loop, InitOptions(init="shipped"))
    with pytest.raises(DataError, match="PyTorch alone"):
        train_orientation(options, replace(loop, framework="keras"), InitOptions(init="scratch"))


def test_the_label_is_the_clockwise_angle() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[0, 0] = 255  # top left; a quarter clockwise it is at the top right
    assert clockwise(image, 1)[0, -1].all()
    assert clockwise(image, 2)[-1, -1].all()
    assert clockwise(image, 3)[-1, 0].all()
