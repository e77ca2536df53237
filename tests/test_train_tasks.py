"""What is trained on: losses, samples and targets are as the nets need them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import box, hello_set, line_set

from shizi.charset import Charset
from shizi.ctc import steps_needed
from shizi.data import PageItem, join_words, read_pages
from shizi.engine import Session
from shizi.errors import DataError, WeightsError
from shizi.nets.spec import CRNNSpec, CTPNSpec
from shizi.nets.torch.crnn import CRNN
from shizi.nets.torch.ctpn import CTPN
from shizi.nets.torch.runtime import ModuleRuntime
from shizi.train.init import initial, initialise
from shizi.train.loop.stream import batches
from shizi.train.losses.torch import ctc_loss
from shizi.train.measure import Seen, rounded
from shizi.train.options import CRNNOptions, CTPNOptions
from shizi.train.tasks.crnn import CRNNTask
from shizi.train.tasks.ctpn import CTPNTask, random_crop, upright_pieces
from shizi.train.transfer import check_backbone, transfer


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(1, 6), max_size=7), min_size=1, max_size=4), st.integers(0, 99)
)
def test_ctc_loss_equals_torchs(labels: list[list[int]], seed: int) -> None:
    """Repeats, empty labels and labels that do not fit included."""
    torch.manual_seed(seed)
    logits = torch.randn(len(labels), 8, 7, requires_grad=True)
    ours = ctc_loss(logits, labels)
    (grad,) = torch.autograd.grad(ours, logits)
    flat = torch.tensor([i for label in labels for i in label], dtype=torch.long)
    lengths = torch.tensor([len(label) for label in labels])
    theirs = F.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1),
        flat,
        torch.full((len(labels),), 8),
        lengths,
        0,
        "mean",
        zero_infinity=True,
    )
    (expected,) = torch.autograd.grad(theirs, logits)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-4, abs=1e-5)
    fits = torch.tensor([steps_needed(label) <= 8 for label in labels])
    assert torch.allclose(grad[fits], expected[fits], atol=1e-5)
    assert torch.isfinite(grad).all()


def test_a_tiny_crnn_learns_eight_lines_by_heart() -> None:
    torch.manual_seed(0)
    net = CRNN(replace(tiny.CRNN, classes=6))
    labels = [[1 + (i + j) % 5 for j in range(1 + i % 3)] for i in range(8)]
    images = torch.zeros((8, 48, 96, 3), dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        for place, char in enumerate(label):  # a bar a character, as high as the class
            image[48 - 9 * char :, 8 + 32 * place : 24 + 32 * place] = 255
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(250):
        loss = ctc_loss(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_the_crnn_task_skips_what_the_charset_cannot_spell(tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "ab"), ("b.png", "xyz"), ("c.png", "ba")])
    charset = Charset("ab")
    net = CRNN(replace(tiny.CRNN, classes=3))
    task = CRNNTask(net, charset, CRNNOptions(data=(data,), val=(data,), batch_width=200))
    batch = next(batches(task, 1))[0]
    assert batch.images.shape[1] == 48
    assert set(map(tuple, batch.labels)) <= {(1, 2), (2, 1)}
    losses = task.loss(batch, torch.device("cpu"))
    assert torch.isfinite(losses["ctc"])
    figures = task.figures(Session(ModuleRuntime(net, torch.device("cpu"))))
    assert 0 <= figures["cer_lines"] <= 9
    assert figures["left_out"] == 1
    with pytest.raises(DataError, match="charset"):
        CRNNTask(net, Charset("q"), CRNNOptions(data=(data,)))


def page(quads: list[list[list[float]]], texts: list[str]) -> PageItem:
    array = np.array(quads, np.float32).reshape(-1, 4, 2)
    return PageItem(Path("x.png"), array, tuple(texts), np.zeros(len(texts), bool))


def test_words_on_a_baseline_join_and_others_do_not() -> None:
    item = page(
        [box(60, 0, 100, 20), box(0, 0, 50, 20), box(300, 0, 350, 20), box(0, 60, 50, 80)],
        ["world", "hello", "far", "below"],
    )
    lines = join_words(item)
    assert sorted(lines.texts) == ["below", "far", "hello world"]
    joined = lines.quads[lines.texts.index("hello world")]
    assert np.array_equal(joined, np.array(box(0, 0, 100, 20), np.float32))


def test_lines_that_run_downwards_are_cut_into_characters() -> None:
    pieces = upright_pieces(page([box(0, 0, 20, 80), box(50, 0, 200, 20)], ["一二三四", "横"]))
    assert len(pieces.quads) == 5
    assert np.allclose(pieces.quads[1], box(0, 20, 20, 40))
    assert pieces.texts[:4] == ("一", "二", "三", "四")


def test_ctpn_batches_carry_targets_where_the_text_is(tmp_path: Path) -> None:
    data = hello_set(tmp_path)
    task = CTPNTask(CTPN(CTPNSpec()), CTPNOptions(data=(data,), size=128, batch=2))
    batch = next(batches(task, 3))[0]
    assert batch.images.shape == (2, 128, 128, 3)
    assert batch.targets.label.shape == (2, 16, 8, 10)
    assert (batch.targets.label == 1).any()
    losses = task.loss(batch, torch.device("cpu"))
    assert all(torch.isfinite(v) for v in losses.values())
    rng = np.random.default_rng(0)
    item = read_pages(tmp_path)[0]
    for _ in range(10):
        crop, quads, ignore = random_crop(item, item.load(), CTPNOptions(data=()), rng)
        assert crop.shape == (512, 512, 3)
        assert len(quads) == len(ignore)


@pytest.mark.parametrize("seed", range(12))
def test_a_crop_shows_the_line_where_its_quad_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height = int(rng.integers(12, 60))
    image = np.full((int(rng.integers(200, 900)), int(rng.integers(300, 900)), 3), 255, np.uint8)
    x, y = int(rng.integers(0, 150)), int(rng.integers(0, 130))
    image[y : y + height, x : x + 140] = 0
    told = page([box(x, y, x + 140, y + height)], ["a"])
    for _ in range(8):
        crop, quads, _ = random_crop(told, image, CTPNOptions(size=256, text=(9, 60)), rng)
        if not len(quads):
            continue
        (x0, y0), (x1, y1) = quads[0].min(0).clip(0, 256), quads[0].max(0).clip(0, 256)
        seen = np.zeros((256, 256), bool)
        seen[round(y0 + 2) : round(y1 - 2), round(x0 + 2) : round(x1 - 2)] = True
        assert (crop[seen] < 128).all()
        around = np.ones((256, 256), bool)
        around[max(0, round(y0 - 3)) : round(y1 + 3), max(0, round(x0 - 3)) : round(x1 + 3)] = False
        paper = crop[around].reshape(-1, 3)
        filled = (paper == paper.min(0)).all(1)  # beside a small page
        assert (filled | (paper > 128).all(1)).all()


def test_initial_weights_must_fit(tmp_path: Path) -> None:
    net = CTPN(CTPNSpec())
    with pytest.raises(WeightsError, match="cannot start"):
        initialise(net, initial(str(tmp_path / "missing.safetensors"), "ctpn", "lcnet"))
    with pytest.raises(WeightsError, match="cannot start"):
        initialise(net, initial("shipped", "orientation", "lcnet"))
    initialise(net, initial("shipped", "ctpn", "lcnet"))


def test_kept_features_need_the_backbone_that_made_them() -> None:
    pytest.importorskip("rapidocr")
    net = CRNN(CRNNSpec(classes=4))
    transfer(net, Charset("abc"))
    check_backbone(net)
    state = {k: v.numpy() for k, v in net.state_dict().items()}
    layer = "backbone.blocks.3.expand"
    mean = np.ones(state[f"{layer}.weight"].shape[1], np.float32)
    state = rounded(state, {layer: Seen((0.0, 1.0), mean)})
    net.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    check_backbone(net)
    with torch.no_grad():
        net.backbone.blocks[3].expand.weight.mul_(1.2)
    with pytest.raises(DataError, match="--stage whole"):
        check_backbone(net)
