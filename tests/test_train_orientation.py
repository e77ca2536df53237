"""Training of the orientation classifier as published: its labels, its stages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_train_vgg import CPU, SMALL, learn

from shizi.engine import Session
from shizi.errors import DataError
from shizi.nets.spec import VGGOrientationSpec
from shizi.nets.torch.orientation import VGGOrientation
from shizi.nets.torch.runtime import ModuleRuntime
from shizi.orientation import whole
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.stream import batches
from shizi.train.loop.torch import fit
from shizi.train.options import InitOptions, OrientationTrainOptions
from shizi.train.start import train_orientation
from shizi.train.tasks.orientation import clockwise
from shizi.train.tasks.turned_pages import LOOKS, PageOrientationTask


def upright_pages(folder: Path, count: int) -> Path:
    """Pages whose top is dark and whose left is red, on a labels.jsonl."""
    folder.mkdir()
    rows = []
    for i in range(count):
        image = np.full((90 + 10 * i, 120, 3), 200, np.uint8)
        image[: 20 + 2 * i] = 10
        image[:, :20, 2] = 0
        cv2.imwrite(str(folder / f"{i}.png"), image)
        rows.append(json.dumps({"image": f"{i}.png", "lines": []}) + "\n")
    (folder / "labels.jsonl").write_text("".join(rows))
    return folder


def test_a_tiny_classifier_learns_two_pages_in_all_rotations(tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = VGGOrientationSpec(backbone=replace(SMALL, pools=3), tile=48, hidden=16)
    net = VGGOrientation(spec)
    pages = upright_pages(tmp_path / "pages", 2)
    task = PageOrientationTask(net, OrientationTrainOptions(data=(pages,), val=(pages,), batch=8))
    batch = next(batches(task, 1))[0]
    assert batch.images.shape == (8, 48, 48, 3)
    assert sorted(batch.labels) == [0, 0, 1, 1, 2, 2, 3, 3]
    plain = np.stack([whole(item.load(), 48) for item in task._items])  # without augmentation
    turned = [clockwise(image, quarter) for image in plain for quarter in range(4)]
    images = torch.from_numpy(np.stack(turned))
    labels = torch.arange(4).repeat(2)
    fall = learn(net, lambda: F.cross_entropy(net(images), labels), steps=150, rate=3e-3)
    assert fall > 10
    assert task.figures(Session(ModuleRuntime(task.net.eval(), CPU)))["acc_pages"] == 1.0


def test_stage_head_keeps_what_the_first_stages_say(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = VGGOrientation(VGGOrientationSpec(backbone=SMALL, tile=48, hidden=16))
    pages = upright_pages(tmp_path / "pages", 2)
    task = PageOrientationTask(net, OrientationTrainOptions((pages,), batch=8, stage="head"))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    made = []
    net.backbone.stages[0][0].register_forward_hook(lambda *about: made.append(len(about[2])))
    loop = LoopOptions(tmp_path / "run", steps=12, warmup=1, device="cpu", threads=1)
    fit(task, loop)
    assert sum(made) == 2 * LOOKS * 4  # pages, looks and rotations; each once
    for key, value in net.state_dict().items():
        learns = key.startswith(("backbone.stages.3.", "hidden.", "classify."))
        assert torch.equal(value, before[key]) != learns, key
    batch = next(batches(task, 1))[0]
    kept, whole_net = (
        t.loss(batch, CPU)["ce"].item()
        for t in (task, PageOrientationTask(net, OrientationTrainOptions((pages,), batch=8)))
    )
    assert kept == pytest.approx(whole_net, abs=1e-2)


def test_stage_head_is_for_published_nets_that_have_learnt(tmp_path: Path) -> None:
    options = OrientationTrainOptions((upright_pages(tmp_path / "pages", 2),), stage="head")
    loop = LoopOptions(tmp_path / "run", steps=1, device="cpu", threads=1)
    with pytest.raises(DataError, match="published form"):
        train_orientation(options, loop, InitOptions(init="shipped"))
    with pytest.raises(DataError, match="learnt weights"):
        train_orientation(options, loop, InitOptions("vgg16"))
    with pytest.raises(DataError, match="PyTorch alone"):
        train_orientation(options, replace(loop, framework="keras"), InitOptions(init="scratch"))


def test_the_label_is_the_clockwise_angle() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[0, 0] = 255  # top left; a quarter clockwise it is at the top right
    assert clockwise(image, 1)[0, -1].all()
    assert clockwise(image, 2)[-1, -1].all()
    assert clockwise(image, 3)[-1, 0].all()
