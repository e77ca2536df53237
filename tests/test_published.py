"""Weights of other projects: ours say what theirs say, on random numbers, in every framework."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny import line_set
from torch import Tensor, nn

from shizi.charset import Charset
from shizi.errors import WeightsError
from shizi.nets.keras import build as build_keras
from shizi.nets.keras.convert import to_keras
from shizi.nets.keras.runtime import KerasRuntime
from shizi.nets.spec import VGGCTPNSpec, VGGOrientationSpec
from shizi.nets.torch import build
from shizi.train import published
from shizi.train.card import read_card
from shizi.train.init import ALPHABET, initial, initialise
from shizi.train.loop.schedule import LoopOptions
from shizi.train.start import CRNNInitOptions, train_crnn
from shizi.train.tasks.crnn import CRNNOptions

# Keras 3.15 hands its variables to NumPy 2 by the old protocol.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WIDTHS = (6, 6, 8, 8, 10, 10, 10, 12, 12, 12, 14, 14, 14)
"""A VGG16 as narrow as a test can bear."""

NAMES = [f"{s + 1}_{i + 1}" for s, i in published._CONVS]


class VGG16(nn.Module):
    """torchvision's ``features``, up to the last ReLU."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place, (a, b) in enumerate(zip((3, *WIDTHS), WIDTHS, strict=False)):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]
            if place in (1, 3, 6, 9, 12):
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)


def vgg16() -> VGG16:
    torch.manual_seed(3)
    net = VGG16()
    for conv in net.features:
        if isinstance(conv, nn.Conv2d):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.normal_(conv.bias, 0, 0.3)
    return net


def convs_of(net: VGG16) -> list[tuple[np.ndarray, np.ndarray]]:
    """Kernels (h, w, in, out) and biases, as TensorFlow has them."""
    found = [layer for layer in net.features if isinstance(layer, nn.Conv2d)]
    return [
        (c.weight.detach().numpy().transpose(2, 3, 1, 0), c.bias.detach().numpy()) for c in found
    ]


def write_torchvision(path: Path) -> Any:
    net = vgg16()
    torch.save({**net.state_dict(), "classifier.0.weight": torch.zeros(2, 2)}, path)

    def see(images: Tensor) -> Tensor:
        x = images.permute(0, 3, 1, 2).float() / 255
        mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        return net.features((x - mean[:, None, None]) / spread[:, None, None])

    return see


def write_safetensors(path: Path) -> Any:
    see = write_torchvision(path.with_suffix(".pth"))
    state = torch.load(path.with_suffix(".pth"), weights_only=True)
    save_file({k: v.contiguous() for k, v in state.items()}, path)
    return see


def bgr(net: VGG16, mean: tuple[float, float, float]) -> Any:
    """What a net says of BGR less a mean that is given as RGB; its kernels are small then."""
    with torch.no_grad():
        net.features[0].weight.mul_(0.02)  # type: ignore[union-attr]

    def see(images: Tensor) -> Tensor:
        x = images.permute(0, 3, 1, 2).float() - torch.tensor(mean)[:, None, None]
        return net.features(x[:, [2, 1, 0]])

    return see


def write_keras(path: Path) -> Any:
    h5py = pytest.importorskip("h5py")
    net = vgg16()
    see = bgr(net, (123.68, 116.779, 103.939))
    with h5py.File(path, "w") as file:
        for name, (kernel, bias) in zip(NAMES, convs_of(net), strict=True):
            layer = "block{}_conv{}".format(*name.split("_"))
            group = file.create_group(layer)
            group[f"{layer}_W_1:0"], group[f"{layer}_b_1:0"] = kernel, bias
    return see


def write_imagenet(path: Path) -> Any:
    net = vgg16()
    see = bgr(net, (122.7717, 115.9465, 102.9801))
    layers = {
        f"conv{name}": {"weights": kernel, "biases": bias}
        for name, (kernel, bias) in zip(NAMES, convs_of(net), strict=True)
    }
    layers["fc6"] = {"weights": np.zeros((2, 2), np.float32), "biases": np.zeros(2, np.float32)}
    np.save(path, np.array(layers, dtype=object), allow_pickle=True)
    return see


FILES = {
    "vgg16.pth": write_torchvision,
    "vgg16.safetensors": write_safetensors,
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5": write_keras,
    "VGG_imagenet.npy": write_imagenet,
}


@pytest.mark.parametrize("name", FILES)
def test_vgg16_of_imagenet_says_what_it_said(name: str, tmp_path: Path) -> None:
    see = FILES[name](tmp_path / name)
    init = initial(str(tmp_path / name), "orientation", "vgg16")
    spec = init.spec
    assert isinstance(spec, VGGOrientationSpec)
    net = build(spec).eval()
    initialise(net, init)
    images = torch.randint(0, 256, (2, spec.height, spec.width, 3), dtype=torch.uint8)
    with torch.no_grad():
        wanted = see(images)  # (N, C, 7, 7)
        x = images.permute(0, 3, 1, 2).float()
        x = (x - torch.tensor(spec.backbone.mean)[:, None, None]) / 127.5
        got = net.backbone(x)  # type: ignore[operator]
        said = net(images).numpy()
    assert wanted.abs().max() > 0.1
    assert torch.allclose(got, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))
    state = {k: v.numpy() for k, v in net.state_dict().items()}
    assert np.allclose(KerasRuntime(spec, state)(images.numpy()), said, atol=1e-5)


def test_the_detector_begins_with_the_same_backbone(tmp_path: Path) -> None:
    write_torchvision(tmp_path / "vgg16.pth")
    inits = [initial(str(tmp_path / "vgg16.pth"), n, "vgg16") for n in ("ctpn", "orientation")]
    spec = inits[0].spec
    assert isinstance(spec, VGGCTPNSpec)
    assert spec.backbone.pools == 4
    nets = [build(init.spec) for init in inits if init.spec]
    for net, init in zip(nets, inits, strict=True):
        initialise(net, init)
        assert init.learnt
    key = "backbone.stages.4.2.weight"
    assert torch.equal(nets[0].state_dict()[key], nets[1].state_dict()[key])
    assert "torchvision" in inits[0].told


class BidirectionalLSTM(nn.Module):
    """That of both projects, whose second layer has another name in either."""

    def __init__(self, name: str, width: int, hidden: int, out: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(width, hidden, bidirectional=True, batch_first=True)
        self.add_module(name, nn.Linear(2 * hidden, out))
        self._name = name

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self, self._name)(self.rnn(x)[0])


class CRNNPyTorch(nn.Module):
    """models/crnn.py of crnn.pytorch, narrow."""

    def __init__(self, classes: int, hidden: int = 9) -> None:
        super().__init__()
        widths = (4, 6, 8, 8, 10, 10, 12)
        cnn = nn.Sequential()
        kernels, pads = (3, 3, 3, 3, 3, 3, 2), (1, 1, 1, 1, 1, 1, 0)
        for i, (a, b) in enumerate(zip((1, *widths), widths, strict=False)):
            cnn.add_module(f"conv{i}", nn.Conv2d(a, b, kernels[i], 1, pads[i]))
            if i in (2, 4, 6):
                cnn.add_module(f"batchnorm{i}", nn.BatchNorm2d(b))
            cnn.add_module(f"relu{i}", nn.ReLU())
            if i in (0, 1):
                cnn.add_module(f"pooling{i}", nn.MaxPool2d(2, 2))
            if i in (3, 5):
                cnn.add_module(f"pooling{i}", nn.MaxPool2d((2, 2), (2, 1), (0, 1)))
        self.cnn = cnn
        self.rnn = nn.Sequential(
            BidirectionalLSTM("embedding", widths[-1], hidden, hidden),
            BidirectionalLSTM("embedding", hidden, hidden, classes),
        )

    def forward(self, grey: Tensor) -> Tensor:
        return self.rnn(self.cnn(grey).squeeze(2).transpose(1, 2))


class DeepText(nn.Module):
    """None-VGG-BiLSTM-CTC of deep-text-recognition-benchmark, narrow."""

    def __init__(self, classes: int, hidden: int = 9) -> None:
        super().__init__()
        a, b, c, d = 4, 6, 8, 10

        def conv(i: int, o: int, bias: bool = True) -> nn.Conv2d:
            return nn.Conv2d(i, o, 3, 1, 1, bias=bias)

        self.FeatureExtraction = nn.Module()
        self.FeatureExtraction.ConvNet = nn.Sequential(
            conv(1, a), nn.ReLU(), nn.MaxPool2d(2, 2),
            conv(a, b), nn.ReLU(), nn.MaxPool2d(2, 2),
            conv(b, c), nn.ReLU(), conv(c, c), nn.ReLU(), nn.MaxPool2d((2, 1), (2, 1)),
            conv(c, d, False), nn.BatchNorm2d(d), nn.ReLU(),
            conv(d, d, False), nn.BatchNorm2d(d), nn.ReLU(), nn.MaxPool2d((2, 1), (2, 1)),
            nn.Conv2d(d, d, 2, 1, 0), nn.ReLU(),
        )  # fmt: skip
        self.SequenceModeling = nn.Sequential(
            BidirectionalLSTM("linear", d, hidden, hidden),
            BidirectionalLSTM("linear", hidden, hidden, hidden),
        )
        self.Prediction = nn.Linear(hidden, classes)

    def forward(self, grey: Tensor) -> Tensor:
        x = self.FeatureExtraction.ConvNet(grey).squeeze(2).transpose(1, 2)
        return self.Prediction(self.SequenceModeling(x))


def written(kind: type[nn.Module], path: Path, classes: int = len(ALPHABET) + 1) -> nn.Module:
    torch.manual_seed(4)
    net = kind(classes).eval()
    for name, value in net.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(0, 0.2)
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
    parallel = {f"module.{k}": v for k, v in net.state_dict().items()}
    torch.save(parallel if kind is DeepText else net.state_dict(), path)
    return net


@pytest.mark.parametrize("kind", [CRNNPyTorch, DeepText])
def test_a_recogniser_says_what_it_said(kind: type[nn.Module], tmp_path: Path) -> None:
    source = written(kind, tmp_path / "crnn.pth")
    init = initial(str(tmp_path / "crnn.pth"), "crnn", "vgg")
    assert init.spec is not None
    charset = init.charset
    assert charset == Charset(ALPHABET)
    net = build(init.spec).eval()
    initialise(net, init, charset)
    grey = torch.randint(0, 256, (3, 32, 100, 1), dtype=torch.uint8)
    images = grey.expand(-1, -1, -1, 3).contiguous()
    with torch.no_grad():
        wanted = source(grey.permute(0, 3, 1, 2).float() / 127.5 - 1)
        got = net(images)
    assert got.shape == wanted.shape
    assert torch.allclose(got, wanted, atol=1e-5)
    model = build_keras(init.spec)
    to_keras({k: v.numpy() for k, v in net.state_dict().items()}, model)
    keras = np.asarray(model.predict_on_batch(images.numpy()))
    assert np.allclose(keras, wanted.numpy(), atol=2e-5)


def test_colours_are_seen_as_the_grey_that_pillow_makes(tmp_path: Path) -> None:
    source = written(DeepText, tmp_path / "crnn.pth")
    init = initial(str(tmp_path / "crnn.pth"), "crnn", "vgg")
    assert init.spec is not None
    net = build(init.spec).eval()
    initialise(net, init, init.charset)
    images = torch.randint(0, 256, (1, 32, 64, 3), dtype=torch.uint8)
    grey = (images.float() * torch.tensor([0.299, 0.587, 0.114])).sum(-1)[:, None]
    with torch.no_grad():
        assert torch.allclose(net(images), source(grey / 127.5 - 1), atol=1e-5)


def test_training_goes_on_from_another_projects_file(tmp_path: Path) -> None:
    written(CRNNPyTorch, tmp_path / "crnn.pth")
    data = line_set(tmp_path / "lines", [("a.png", "ab"), ("b.png", "c9")])
    loop = LoopOptions(tmp_path / "run", steps=1, warmup=1, device="cpu", threads=1)
    init = CRNNInitOptions(net="vgg", init=str(tmp_path / "crnn.pth"))
    train_crnn(CRNNOptions((data,), val=(data,), batch_width=64), loop, init)
    card = read_card(tmp_path / "run")
    assert card.charset == Charset(ALPHABET)
    assert card.spec == initial(init.init, "crnn", "vgg").spec
    assert initial(str(tmp_path / "run"), "crnn", "vgg").spec == card.spec


def test_characters_that_a_file_does_not_name_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "chinese.pth"
    written(CRNNPyTorch, path, classes=4)
    data = line_set(tmp_path / "lines", [("a.png", "字"), ("b.png", "识我")])
    loop = LoopOptions(tmp_path / "run", steps=1, warmup=1, device="cpu", threads=1)
    options = CRNNOptions((data,), val=(data,), batch_width=64)
    for name in (None, "data"):
        with pytest.raises(WeightsError, match="does not say which characters"):
            train_crnn(options, loop, CRNNInitOptions("vgg", str(path), charset=name))
    (tmp_path / "chars.txt").write_text("识字我\n", encoding="utf-8")
    told = CRNNInitOptions("vgg", str(path), charset=str(tmp_path / "chars.txt"))
    train_crnn(options, loop, told)
    assert read_card(tmp_path / "run").charset == Charset("识字我")
    (tmp_path / "chars.txt").write_text("识字\n", encoding="utf-8")
    with pytest.raises(WeightsError, match="tells 3 characters apart"):
        train_crnn(options, loop, told)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    written(CRNNPyTorch, tmp_path / "crnn.pth")
    with pytest.raises(WeightsError, match="is for recognisers of the VGG form"):
        initial(str(tmp_path / "crnn.pth"), "ctpn", "vgg16")
    write_torchvision(tmp_path / "vgg16.pth")
    with pytest.raises(WeightsError, match="is for detectors and angle nets"):
        initial(str(tmp_path / "vgg16.pth"), "crnn", "vgg")
    state = torch.load(tmp_path / "vgg16.pth", weights_only=True)
    del state["features.7.bias"]
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match="lacks a part of its net: 'features\\.7\\.bias'"):
        initial(str(tmp_path / "part.pth"), "ctpn", "vgg16")
    (tmp_path / "broken.pth").write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="cannot start from"):
        initial(str(tmp_path / "broken.pth"), "ctpn", "vgg16")


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("hacked",)


def test_a_pickle_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("evil.npy", np.array({"conv1_1": Evil()}, dtype=object), allow_pickle=True)
    Path("evil.pth").write_bytes(pickle.dumps({"cnn.conv0.weight": Evil()}, 2))
    for name in ("evil.npy", "evil.pth"):
        with pytest.raises(WeightsError, match="cannot start from"):
            initial(name, "ctpn", "vgg16")
    assert not Path("hacked").exists()
