"""Training of the published nets: targets, losses, tasks, and how a run starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from quads import quad_iou
from safetensors.torch import load_file
from tiny import box, hello_set, line_set
from torch import Tensor, nn

from shizi import ctc, weights
from shizi.charset import Charset
from shizi.detection import DetectionOptions
from shizi.detection.slices import build_quads
from shizi.engine import Session
from shizi.errors import DataError, WeightsError
from shizi.nets import onnx as graphs
from shizi.nets.spec import (
    CRNNSpec,
    VGGCRNNSpec,
    VGGCTPNSpec,
    VGGSpec,
)
from shizi.nets.torch import build
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.nets.torch.ctpn import VGGCTPN
from shizi.nets.torch.runtime import ModuleRuntime
from shizi.train.card import RunCard, read_card
from shizi.train.grow import choose_charset
from shizi.train.init import initial, initialise
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.stream import batches
from shizi.train.loop.torch import fit
from shizi.train.losses.torch import ctc_loss, paper_loss
from shizi.train.options import (
    CRNNInitOptions,
    CRNNOptions,
    CTPNOptions,
)
from shizi.train.start import paced, train_crnn
from shizi.train.targets import NEAR, Targets, assign, sample, slice_quads
from shizi.train.tasks import ctpn
from shizi.train.tasks.crnn import CRNNTask
from shizi.train.tasks.ctpn import CTPNTask

SMALL = VGGSpec(stages=((8, 1), (16, 1), (24, 1), (32, 1)), pools=4)
DETECTOR = VGGCTPNSpec(backbone=SMALL, channels=32, hidden=16, embed=32)
RECOGNISER = VGGCRNNSpec(classes=6, widths=(8, 16, 16, 16, 32, 32, 32), hidden=32)
CPU = torch.device("cpu")


def learn(net: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float) -> float:
    """Train on one batch; return by what factor the loss fell."""
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    first = loss().item()
    for _ in range(steps):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return first / value.item()


# Targets and loss of the detector


def random_targets(seed: int, text: float) -> Targets:
    rng = np.random.default_rng(seed)
    shape = (6, 7, 10)
    label = rng.choice([1, 0, -1, NEAR], shape, p=[text, 0.9 - text, 0.05, 0.05]).astype(np.int8)
    pairs = rng.normal(0, 2, (3, *shape, 2)).astype(np.float32)
    return Targets(label, pairs[0], (pairs[1] > 0).astype(np.float32), pairs[2])


@given(st.integers(0, 99), st.sampled_from([0.0, 0.05, 0.4, 0.9]))
def test_a_sample_is_half_text_or_filled_with_background(seed: int, text: float) -> None:
    targets = random_targets(seed, text)
    got = sample(targets, np.random.default_rng(seed), count=32)
    had, has = ([int((t.label == v).sum()) for v in (1, 0)] for t in (targets, got))
    assert has[0] == min(16, had[0])
    assert has[1] == min(32 - has[0], had[1])
    assert (got.label == targets.label)[got.label >= 0].all()
    assert (np.isin(got.label, (1, NEAR)) == np.isin(targets.label, (1, NEAR))).all()
    assert got.vertical is targets.vertical


def slow_loss(heads: np.ndarray, targets: Targets) -> dict[str, float]:
    """Equation 5 of the paper, one anchor at a time."""

    def smooth(x: float) -> float:
        return 0.5 * 9 * x * x if abs(x) < 1 / 9 else abs(x) - 0.5 / 9  # sigma 3, as released

    score, vertical, side = [], [], []
    for at in np.ndindex(targets.label.shape):
        if targets.label[at] in (0, 1):
            wrong, right = heads[at][:2] if targets.label[at] else heads[at][1::-1]
            score.append(float(np.log1p(np.exp(wrong - right))))
        if targets.label[at] in (1, NEAR):
            vertical.append(sum(smooth(heads[at][2 + i] - targets.vertical[at][i]) for i in (0, 1)))
            nearer = min(targets.offsets[at], key=abs)
            if abs(16 * nearer) <= 32:
                side.append(smooth(heads[at][4] - nearer))
    return {
        "text": float(np.mean(score)),
        "vertical": sum(vertical) / max(1, len(vertical)),
        "side": 2 * sum(side) / max(1, len(side)),
    }


@pytest.mark.parametrize("text", [0.0, 0.02, 0.4])
def test_the_papers_loss_equals_a_plain_one(text: float) -> None:
    targets = random_targets(3, text)
    heads = np.random.default_rng(4).normal(0, 2, (*targets.label.shape, 5)).astype(np.float32)
    label, vertical, _, offsets = (torch.from_numpy(t)[None] for t in targets)
    tensor = torch.from_numpy(heads)[None].requires_grad_()
    got = paper_loss(tensor, label, vertical, offsets)
    assert {k: v.item() for k, v in got.items()} == pytest.approx(slow_loss(heads, targets), 1e-4)
    torch.stack(list(got.values())).sum().backward()
    assert tensor.grad is not None
    assert torch.isfinite(tensor.grad).all()


def bars(count: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Pictures (count, 64, 128, 3) with a dark bar each, and the bars' quads (1, 4, 2).

    No bar ends, or lies, halfway between two cells: which cell owns it is not for a tiny net.
    """
    rng = np.random.default_rng(5)
    images = np.full((count, 64, 128, 3), 230, np.uint8)
    quads = []
    for image in images:
        x0, x1 = 16 * rng.integers((1, 5), (4, 8)) + rng.integers(-3, 4, 2)
        centre, height = 16 * rng.integers(1, 3) + 8 + rng.integers(-3, 4), rng.integers(18, 32)
        y0, y1 = centre - height // 2, centre + height // 2
        image[y0:y1, x0:x1] = 20
        quads.append(np.array([box(x0, y0, x1, y1)], np.float32))
    return images, quads


def test_a_tiny_ctpn_finds_eight_pictures_bars() -> None:
    torch.manual_seed(0)
    net = VGGCTPN(DETECTOR)
    images, quads = bars(8)
    batch, rng = torch.from_numpy(images), np.random.default_rng(0)
    whole_targets = [
        assign(slice_quads(q, np.zeros(1, bool), 8, 16), 4, 8, DETECTOR) for q in quads
    ]

    def loss() -> Tensor:
        drawn = zip(*(sample(t, rng) for t in whole_targets), strict=True)
        label, vertical, _, offsets = (torch.from_numpy(np.stack(t)) for t in drawn)
        losses = paper_loss(net.heads(batch), label, vertical, offsets)
        return torch.stack(list(losses.values())).sum()

    assert learn(net, loss, steps=160, rate=5e-3) > 10
    options = DetectionOptions(margin=0.0)
    with torch.inference_mode():
        outputs = net(batch).numpy()
    for output, truth in zip(outputs, quads, strict=True):
        found, _ = build_quads(output, DETECTOR, options)
        assert len(found) == len(truth)
        for quad in truth:
            assert max(quad_iou(quad, other) for other in found) > 0.65


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    return hello_set(tmp_path)


def test_stage_head_of_the_detector_learns_what_stage_whole_would_of_the_same_crops(
    hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctpn, "KEPT", 3)
    torch.manual_seed(0)
    net = VGGCTPN(DETECTOR)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    options = CTPNOptions(data=(hello,), size=96, batch=2, stage="head")
    task = CTPNTask(net, options)
    assert len({task.sample(1, position).image.tobytes() for position in range(9)}) == 3
    made = []
    net.backbone.stages[0][0].register_forward_hook(lambda *about: made.append(len(about[2])))
    fit(task, LoopOptions(hello / "run", steps=6, warmup=1, device="cpu", threads=1))
    assert sum(made) == 3  # crops kept; each once
    for key, value in net.state_dict().items():
        kept = key.startswith(tuple(f"backbone.stages.{stage}." for stage in range(3)))
        assert torch.equal(value, before[key]) == kept, key
    batch = next(batches(task, 1))[0]
    whole = CTPNTask(net, replace(options, stage="whole"))
    losses = [sum(v.item() for v in t.loss(batch, CPU).values()) for t in (task, whole)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-2)


def test_ctpn_batches_follow_the_paper(hello: Path) -> None:
    options = CTPNOptions(data=(hello,), val=(hello,), size=192, batch=2)
    task = CTPNTask(VGGCTPN(DETECTOR), options)
    batch = next(batches(task, 3))[0]
    assert batch.targets.label.shape == (2, 12, 12, 10)
    assert ((batch.targets.label >= 0).sum((1, 2, 3)) == 128).all()
    assert (batch.targets.label == 1).any()
    losses = task.loss(batch, CPU)
    assert losses.keys() == {"text", "vertical", "side"}
    assert all(torch.isfinite(v) for v in losses.values())
    assert 0 <= task.figures(Session(ModuleRuntime(task.net.eval(), CPU)))["score"] <= 1


# Recogniser


@pytest.mark.parametrize("rnn", ["lstm", "gru"])
def test_a_tiny_crnn_reads_eight_lines(rnn: str) -> None:
    torch.manual_seed(0)
    net = VGGCRNN(replace(RECOGNISER, rnn=rnn))
    labels = [[1 + (i + j) % 5 for j in range(1 + i % 3)] for i in range(7)] + [[2, 2, 3]]
    images = torch.zeros((8, 32, 64, 3), dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        for place, char in enumerate(label):  # a bar a character, as high as the class
            image[32 - 6 * char :, 4 + 20 * place : 16 + 20 * place] = 255
    assert learn(net, lambda: ctc_loss(net(images), labels), steps=200, rate=1e-2) > 10
    with torch.inference_mode():
        logits = net(images).numpy()
    assert [[s.id for s in ctc.greedy(line)] for line in logits] == labels


def test_crnn_batches_are_as_high_as_the_net_wants(tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "ab"), ("b.png", "ba")])
    net, charset = VGGCRNN(replace(RECOGNISER, classes=3)), Charset("ab")
    options = CRNNOptions(data=(data,), val=(data,), batch_width=120)
    task = CRNNTask(net, charset, options)
    batch = next(batches(task, 1))[0]
    assert batch.images.shape[1] == 32
    assert torch.isfinite(task.loss(batch, CPU)["ctc"])
    assert 0 <= task.figures(Session(ModuleRuntime(net.eval(), CPU)))["cer_lines"] <= 9
    with pytest.raises(DataError, match="stage whole"):
        CRNNTask(net, charset, replace(options, stage="head"))


# How a run starts


def test_a_charset_is_shipped_read_or_made_from_the_labels(tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "识字"), ("b.png", "字a")])
    assert choose_charset(None, CRNNOptions((data,))) == weights.charset()
    assert choose_charset("data", CRNNOptions((data,))).chars == "a字识"
    (tmp_path / "own.txt").write_text("xyz\n")
    assert choose_charset(str(tmp_path / "own.txt"), CRNNOptions((data,))).chars == "xyz"
    with pytest.raises(WeightsError, match="cannot read the charset"):
        choose_charset("missing.txt", CRNNOptions((data,)))
    RunCard("crnn", RECOGNISER, Charset("qr")).write(tmp_path / "run")
    assert choose_charset("data", CRNNOptions((data,)), tmp_path / "run").chars == "qr"
    empty = line_set(tmp_path / "empty", [("a.png", "")])
    with pytest.raises(DataError, match="no character"):
        choose_charset("data", CRNNOptions((empty,)))


def test_a_run_can_be_built_again_and_started_from(tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "识字"), ("b.png", "字a")])
    options = CRNNOptions(data=(data,), batch_width=64)
    loop = LoopOptions(out=tmp_path / "run", steps=1, warmup=1, device="cpu", threads=1)
    init = CRNNInitOptions(net="vgg", rnn="gru", charset="data")
    train_crnn(options, loop, init)
    card = read_card(tmp_path / "run")
    assert card == RunCard("crnn", VGGCRNNSpec(classes=4, rnn="gru"), Charset("a字识"))
    state = load_file(tmp_path / "run" / "best.safetensors")
    build(card.spec).load_state_dict(state)
    assert json.loads((tmp_path / "run" / "options.json").read_text())["backbone_lr"] == 1

    with pytest.raises(DataError, match="another net, charset"):
        train_crnn(options, loop, replace(init, rnn="lstm"))
    exported = tmp_path / "net.onnx"
    arrays = {k: v.numpy() for k, v in state.items()}
    onnx.save(graphs.build(card.spec, arrays), str(exported))
    for path in (tmp_path / "run", tmp_path / "run" / "best.safetensors", exported):
        net = VGGCRNN(VGGCRNNSpec(classes=4, rnn="gru"))
        init = initial(str(path), "crnn", "vgg")
        initialise(net, init, card.charset)
        for key in ("backbone.norms.0.running_var", "rnns.1.weight_hh_l0_reverse"):
            assert torch.allclose(net.state_dict()[key], state[key], atol=2e-3), key
    run = initial(str(tmp_path / "run"), "crnn", "vgg")
    assert run.spec == card.spec
    with pytest.raises(WeightsError, match="does not begin with"):
        initialise(net, run, Charset("abc"))
    with pytest.raises(WeightsError, match="another net"):
        initial(str(tmp_path / "run"), "ctpn", "lcnet")
    with pytest.raises(WeightsError, match="another net"):
        initial(str(tmp_path / "run"), "crnn", "lcnet")


def test_a_run_goes_on_as_it_was_made(tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "识字"), ("b.png", "字a")])
    options = CRNNOptions(data=(data,), batch_width=64)
    loop = LoopOptions(out=tmp_path / "run", steps=1, warmup=1, device="cpu", threads=1)
    narrow = CRNNInitOptions(net="vgg", rnn="gru", width=0.05, charset="data")
    train_crnn(options, loop, narrow)
    later = CRNNInitOptions(net="vgg", init=str(tmp_path / "run"))
    train_crnn(options, replace(loop, out=tmp_path / "later"), later)
    assert read_card(tmp_path / "later").spec == read_card(tmp_path / "run").spec
    for other in (replace(later, rnn="lstm"), replace(later, width=0.1)):
        with pytest.raises(WeightsError, match="another rnn or width"):
            train_crnn(options, replace(loop, out=tmp_path / "no"), other)
    train_crnn(options, replace(loop, out=tmp_path / "same"), replace(later, width=0.05))


def test_a_backbone_from_random_numbers_learns_as_fast_as_the_rest() -> None:
    told = [("vgg16", None), ("lcnet", "scratch"), ("vgg16", "runs/one"), ("lcnet", None)]
    inits = [initial(name, "ctpn", form) for form, name in [*told, ("lcnet", "shipped")]]
    shares = [paced(LoopOptions(), init).shares["backbone"] for init in inits]
    assert shares == [1.0, 1.0, 0.2, 0.2, 0.2]
    for share in (0.0, 0.5):
        assert paced(LoopOptions(backbone_lr=share), inits[0]).shares["backbone"] == share


def test_combinations_that_cannot_be_are_refused(tmp_path: Path) -> None:
    detector = VGGCTPN(DETECTOR)
    before = {k: v.clone() for k, v in detector.state_dict().items()}
    for name in ("pp-ocrv6", "shipped"):
        with pytest.raises(WeightsError, match="no weights for the published vgg16"):
            initial(name, "ctpn", "vgg16")
    initialise(detector, initial("scratch", "ctpn", "vgg16"))
    initialise(detector, initial(None, "ctpn", "vgg16"))  # the published form's default
    assert all(torch.equal(v, before[k]) for k, v in detector.state_dict().items())
    with pytest.raises(WeightsError, match="does not begin with"):
        initialise(CRNN(CRNNSpec(3)), initial("shipped", "crnn", "lcnet"), Charset("ab"))
    for name in ("broken.onnx", "broken.safetensors"):
        (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(WeightsError, match=f"cannot start from .*{name}"):
            initialise(detector, initial(str(tmp_path / name), "ctpn", "vgg16"))
    with pytest.raises(DataError, match="are for vgg"):
        train_crnn(CRNNOptions(data=()), LoopOptions(), CRNNInitOptions(rnn="lstm"))
