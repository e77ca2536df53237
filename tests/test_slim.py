"""Pruning: what is dropped is what the rest can do without; and losses over fewer classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_finetune import loop
from tiny import CRNN as SPEC
from tiny import FINE_CRNN, ROWS, line_set

from shizi.charset import Charset
from shizi.errors import DataError
from shizi.nets.spec import CRNNSpec
from shizi.nets.torch.backbone import LCNet
from shizi.nets.torch.crnn import CRNN
from shizi.train.card import RunCard, read_card
from shizi.train.loop.torch import save_weights
from shizi.train.losses.torch import Rivals, ctc_loss
from shizi.train.options import CRNNInitOptions, CRNNOptions
from shizi.train.prune import eliminate, prune, pruned_spec
from shizi.train.start import train_crnn
from shizi.train.tasks import features
from shizi.train.tasks.crnn import CRNNTask
from shizi.train.tasks.features import Half
from shizi.train.tasks.slim import SlimTask

CHARS = Charset("abcdefghijklmnopqrs")


def pictures(count: int, seed: int = 0) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return [torch.randn(1, 3, 48, 40) for _ in range(count)]


def test_channels_that_others_can_stand_for_are_dropped_first() -> None:
    torch.manual_seed(1)
    own = torch.randn(500, 6, dtype=torch.float64)
    doubled = torch.cat([own, own[:, :3] @ torch.randn(3, 2, dtype=torch.float64)], 1)
    hidden = torch.cat([doubled, torch.ones(500, 1, dtype=torch.float64)], 1)
    target = hidden @ torch.randn(9, 4, dtype=torch.float64)
    gram = hidden.T @ hidden + 1e-9 * torch.eye(9, dtype=torch.float64)
    kept = eliminate(gram, hidden.T @ target, 6)
    rest = torch.cat([hidden[:, kept], hidden[:, -1:]], 1)
    fitted = torch.linalg.lstsq(rest, target).solution
    assert torch.allclose(rest @ fitted, target, atol=1e-4)


def test_a_net_of_which_nothing_is_dropped_sees_the_same() -> None:
    torch.manual_seed(2)
    whole = LCNet(ROWS).eval()
    same = LCNet(pruned_spec(ROWS, 1.0)).eval()
    prune(whole, same, pictures(40))
    (x,) = pictures(1, seed=3)
    with torch.inference_mode():
        expected, got = whole(x)[0], same(x)[0]
    assert (got - expected).abs().max() < 0.02 * expected.abs().max()


def test_what_is_fitted_anew_errs_less_than_what_is_cut() -> None:
    torch.manual_seed(2)
    whole = LCNet(ROWS).eval()
    spec = pruned_spec(ROWS, 0.5)
    fitted, cut = LCNet(spec).eval(), LCNet(spec).eval()
    prune(whole, fitted, pictures(40))
    cut.load_state_dict(fitted.state_dict())
    for old, new in zip(whole.blocks, cut.blocks, strict=True):
        keep = len(new.expand.weight)
        new.expand.load_state_dict({k: v[:keep] for k, v in old.expand.state_dict().items()})
        new.project.weight.data = old.project.weight.data[:, :keep]
        new.project.bias.data = old.project.bias.data
    (x,) = pictures(1, seed=3)
    with torch.inference_mode():
        errors = [(net(x)[0] - whole(x)[0]).square().mean() for net in (fitted, cut)]
    assert errors[0] < 0.5 * errors[1]


def test_half_the_hidden_channels_halve_the_pointwise_work() -> None:
    assert [b.hidden for b in pruned_spec(ROWS, 0.5).blocks] == [8, 8, 8]
    assert all(b.width == a.width for a, b in zip(ROWS.blocks, pruned_spec(ROWS, 0.5).blocks))  # noqa: B905


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(1, 19), max_size=5), min_size=1, max_size=4))
def test_few_classes_among_rivals_are_all_of_them(labels: list[list[int]]) -> None:
    torch.manual_seed(3)
    layer, seen = torch.nn.Linear(6, 20), torch.randn(len(labels), 12, 6)
    ours = ctc_loss(*Rivals(layer.weight).logits(layer, seen, labels))
    assert torch.allclose(ours, ctc_loss(layer(seen), labels), atol=1e-4)


def test_rivals_stand_for_thousands_of_classes() -> None:
    torch.manual_seed(4)
    layer, seen = torch.nn.Linear(24, 5000), torch.randn(4, 12, 24)
    labels = [[7, 8, 9], [9, 9], [4999], []]
    got = ctc_loss(*Rivals(layer.weight).logits(layer, seen, labels))
    assert got.item() == pytest.approx(ctc_loss(layer(seen), labels).item(), rel=0.02)


def test_a_slim_net_learns_to_see_what_the_whole_one_sees(tmp_path: Path) -> None:
    lines = line_set(tmp_path / "lines", [(f"{i}.png", "ab") for i in range(12)])
    torch.manual_seed(5)
    whole = CRNN(replace(SPEC, classes=len(CHARS)))
    spec = replace(whole.spec, backbone=pruned_spec(ROWS, 0.5))
    task = SlimTask(CRNN(spec), whole, CHARS, CRNNOptions(data=(lines,), val=(lines,)))
    with torch.no_grad():
        for weight in task.net.backbone.parameters():  # pruning alone is nearly right here
            weight += 0.2 * weight.std() * torch.randn_like(weight) if weight.ndim > 1 else 0
    batch = task.collate([task.sample(1, 0)])
    optimizer = torch.optim.Adam([p for p in task.net.parameters() if p.requires_grad], 1e-3)
    losses = []
    for _ in range(60):
        loss = torch.stack(list(task.loss(batch, torch.device("cpu")).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert torch.equal(task.net.classify.weight, whole.classify.weight)


def test_slim_says_what_it_needs(tmp_path: Path) -> None:
    lines = line_set(tmp_path / "lines", [("a.png", "ab")])
    options = CRNNOptions(data=(lines,), stage="slim")
    with pytest.raises(DataError, match="which share"):
        train_crnn(options, loop(tmp_path / "run"), CRNNInitOptions(init="scratch"))


def test_a_narrow_step_makes_more_of_a_line() -> None:
    images = torch.zeros((1, 48, 64, 3), dtype=torch.uint8)
    wide, fine = (CRNN(CRNNSpec(20, ROWS, step=step)) for step in (8, 4))
    fine.load_state_dict(wide.state_dict())
    coarse, dense = wide.features(images), fine.features(images)
    assert (coarse.shape[1], dense.shape[1]) == (8, 16)
    assert torch.allclose(dense.unflatten(1, (8, 2)).mean(2), coarse, atol=1e-5)
    assert np.isfinite(fine(images).detach().numpy()).all()


def test_training_goes_on_with_the_step_and_the_channels_of_the_weights(tmp_path: Path) -> None:
    lines = line_set(tmp_path / "lines", [("a.png", "ab")])
    spec = replace(FINE_CRNN, classes=len(CHARS))
    run = tmp_path / "run"
    RunCard("crnn", spec, CHARS).write(run)
    save_weights(CRNN(spec).state_dict(), run / "best.safetensors")
    for step in (None, 8):
        init = CRNNInitOptions(init=str(run), step=step)  # type: ignore[arg-type]
        more = tmp_path / f"more{step}"
        train_crnn(CRNNOptions(data=(lines,), batch_width=64), loop(more), init)
        assert read_card(more).spec == replace(spec, step=step or 4)


class FakeTeacher:
    """Sees column numbers; its neck says class 1 at the first step and blank after."""

    def __call__(self, images: NDArray[np.uint8]) -> tuple[Half, Half]:
        n, _, width, _ = images.shape
        columns = np.arange(width // 4, dtype=np.float16)[None, :, None].repeat(n, 0)
        neck = np.zeros((n, width // 8, 3), np.float16)
        neck[:, 1:, 0], neck[:, 0, 1] = 1, 1
        return columns.repeat(16, 2), neck


def says(neck: Half) -> list[int]:
    return [int(c) for c in neck.argmax(1) if c]


def test_the_teacher_is_trusted_where_it_reads_the_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "Teacher", FakeTeacher)
    crop = np.zeros((48, 64, 3), np.uint8)
    kept = features.FeatureSet(8, says)
    for label in ([1], [1, 1]):
        kept.add(crop, label)
    kept.finish()
    assert [kept[i].trusted for i in (0, 1)] == [True, False]
    assert kept[0].features[:, 0].tolist() == [0.5 + 2 * i for i in range(8)]


def test_a_teacher_that_errs_is_no_anchor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(features, "Teacher", FakeTeacher)
    lines = line_set(tmp_path / "lines", [(f"{i}.png", "ab") for i in range(4)])
    net = CRNN(replace(FINE_CRNN, classes=len(CHARS), embed=3))
    task = CRNNTask(net, CHARS, CRNNOptions(data=(lines,), stage="head", batch_width=64))
    batch = task.collate([task.sample(1, 0)])
    assert isinstance(batch, features.FeatureBatch)
    for trusted in (False, True):
        batch = batch._replace(trusted=np.array([trusted]))
        losses = task.loss(batch, torch.device("cpu"))
        assert bool(losses["anchor"] > 0) == trusted
        assert losses["ctc"] > 0
