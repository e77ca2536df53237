"""Random convolutions fit the data before training begins; learnt ones stay as they are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from shizi.nets.spec import VGGCRNNSpec
from shizi.nets.torch import build
from shizi.nets.torch.crnn import VGGCRNN
from shizi.train.card import read_card
from shizi.train.even import even_out
from shizi.train.loop.schedule import LoopOptions
from shizi.train.options import CRNNInitOptions, CRNNOptions
from shizi.train.start import train_crnn

NARROW = VGGCRNNSpec(5, widths=(8, 8, 12, 12, 16, 16, 16), hidden=8)


def bright(count: int) -> np.ndarray:
    """Light paper with some strokes on it."""
    rng = np.random.default_rng(0)
    paper = np.full((count, 32, 96, 3), 230, np.uint8)
    for image in paper:
        for x, y in rng.integers(0, (80, 24), (6, 2)).tolist():
            cv2.rectangle(image, (x, y), (x + 12, y + 3), (20, 20, 20), -1)
    return paper


def bright_set(folder: Path) -> Path:
    folder.mkdir()
    for i, image in enumerate(bright(8)):
        cv2.imwrite(str(folder / f"{i}.png"), image)
    rows = "".join(f"{i}.png\t识字\n" for i in range(8))
    (folder / "labels.tsv").write_text(rows, encoding="utf-8")
    return folder


def said(net: nn.Module, images: np.ndarray) -> list[Tensor]:
    """What the convolutions say one after the other, each (N, C, H, W)."""
    seen: list[Tensor] = []
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_hook(lambda *about: seen.append(about[2])) for layer in layers]
    with torch.no_grad():
        net.eval()(torch.from_numpy(images))
    for hook in hooks:
        hook.remove()
    return seen


def unevenness(out: Tensor) -> float:
    """The largest difference of a channel's mean from 0 or its deviation from 1."""
    mean, spread = out.mean((0, 2, 3)), out.std((0, 2, 3), correction=0)
    return float(torch.cat([mean.abs(), (spread - 1).abs()]).max())


def test_every_channel_is_even_and_convolutions_not_named_stay() -> None:
    torch.manual_seed(0)
    net = VGGCRNN(NARROW).train()
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    kept = layers[0].weight.clone()
    even_out(net, layers[1:], bright(6))
    assert net.training
    assert torch.equal(layers[0].weight, kept)
    first, *others = said(net, bright(6))
    assert unevenness(first) > 0.5
    assert max(map(unevenness, others)) < 0.01


def test_a_channel_that_is_the_same_everywhere_stays_finite() -> None:
    net = VGGCRNN(NARROW)
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    nn.init.zeros_(layers[0].weight)
    even_out(net, layers, np.full((2, 32, 64, 3), 127, np.uint8))
    assert all(torch.isfinite(layer.weight).all() for layer in layers)
    assert max(float(layer.weight.detach().abs().max()) for layer in layers) < 100


def test_a_run_from_random_numbers_begins_even_and_one_that_goes_on_as_it_was(
    tmp_path: Path,
) -> None:
    data = CRNNOptions((bright_set(tmp_path / "set"),), batch_width=1024, squeeze=(1, 1))
    loop = LoopOptions(tmp_path / "a", steps=1, lr=1e-9, device="cpu", precision="f32", threads=1)
    train_crnn(data, loop, CRNNInitOptions("vgg", width=0.05, charset="data"))
    card, state = read_card(tmp_path / "a"), load_file(tmp_path / "a" / "last.safetensors")
    assert isinstance(card.spec, VGGCRNNSpec)
    net = build(card.spec)
    net.load_state_dict(state)
    assert max(map(unevenness, said(net, bright(8)))) < 1  # of other pictures: roughly
    later = LoopOptions(tmp_path / "b", steps=1, lr=1e-9, device="cpu", precision="f32", threads=1)
    train_crnn(data, later, CRNNInitOptions("vgg", str(tmp_path / "a")))
    for key, value in load_file(tmp_path / "b" / "last.safetensors").items():
        if value.is_floating_point() and "running" not in key:
            assert torch.allclose(value, state[key], atol=1e-5), key
