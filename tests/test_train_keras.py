"""Training in Keras: the losses are PyTorch's, nets learn, a run resumes."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import pytest
import tiny
import torch
from safetensors import safe_open
from safetensors.numpy import load_file

from shizi import ctc
from shizi.engine import Session
from shizi.errors import DataError
from shizi.nets.spec import (
    CRNNSpec,
    CTPNSpec,
    OrientationSpec,
    Spec,
    VGGCRNNSpec,
    VGGCTPNSpec,
)
from shizi.nets.torch import build
from shizi.nets.torch.runtime import ModuleRuntime, TorchRuntime
from shizi.train.loop import torch as loop
from shizi.train.loop.keras import pair, train_keras
from shizi.train.loop.schedule import LoopOptions
from shizi.train.losses import torch as losses
from shizi.train.losses.keras import ctc_loss, line_loss, paper_loss
from shizi.train.targets import Targets
from shizi.train.tasks import crnn, ctpn, orientation

# Keras 3.15 hands its variables to NumPy 2 by the old protocol.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def tensor(array: Any) -> Any:
    return keras.ops.convert_to_tensor(np.asarray(array, np.float32))


def number(value: Any) -> float:
    return float(keras.ops.convert_to_numpy(value))


def fill(labels: list[list[int]], length: int) -> np.ndarray:
    rows = np.zeros((len(labels), length))
    for row, label in zip(rows, labels, strict=True):
        row[: len(label)] = label
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_the_ctc_loss_is_pytorchs(seed: int) -> None:
    """Repeats, an empty label, and labels that do not fit or only just do."""
    labels = [[1, 1, 2], [], [1, 2, 3, 4, 5, 6, 1, 2], [1, 1, 1, 1, 1], [6], [1] * 12]
    logits = np.random.default_rng(seed).normal(0, 2, (len(labels), 8, 7)).astype(np.float32)
    ours = keras.ops.convert_to_numpy(ctc_loss(tensor(fill(labels, 16)), tensor(logits)))
    theirs = [
        losses.ctc_loss(torch.from_numpy(r[None]), [t]) for r, t in zip(logits, labels, strict=True)
    ]
    assert np.allclose(ours, [loss.item() for loss in theirs], rtol=1e-5, atol=1e-5)
    assert ours[3] == ours[5] == 0  # five equal characters need nine steps
    assert ours[2] > 0  # eight different ones need eight


def anchors(seed: int, text: float) -> tuple[Targets, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.choice([-2, -1, 0, 1], (2, 6, 5, 10), p=[0.1, 0.1, 0.8 - text, text]).astype(
        np.int8
    )
    label = label.astype(np.int8)
    vertical, offsets = rng.normal(0, 2, (2, 2, 6, 5, 10, 2)).astype(np.float32)
    ends = (rng.random((2, 6, 5, 10, 2)) < 0.3).astype(np.float32)
    return Targets(label, vertical, ends, offsets), rng.normal(0, 1, (2, 6, 5, 10, 7)).astype("f")


@pytest.mark.parametrize("text", [0.0, 0.02, 0.4])
def test_the_detectors_losses_are_pytorchs(text: float) -> None:
    targets, output = anchors(1, text)
    images = np.zeros((2, 48, 80, 3), np.uint8)
    truth = tensor(pair(CTPNSpec(), ctpn.Batch(images, targets, np.arange(2)))[1])
    parts = [torch.from_numpy(t) for t in targets]
    theirs = losses.line_loss(torch.from_numpy(output), *parts)
    assert number(line_loss(truth, tensor(output))) == pytest.approx(
        sum(v.item() for v in theirs.values()), rel=1e-5
    )
    no, yes, centre, height, side = np.moveaxis(output[..., :5], -1, 0)
    label, vertical, _, offsets = parts
    theirs = losses.paper_loss(torch.from_numpy(output[..., :5]), label, vertical, offsets)
    common = np.stack([yes - no, centre, height, no, no, side, side], -1)
    assert number(paper_loss(truth, tensor(common))) == pytest.approx(
        sum(v.item() for v in theirs.values()), rel=1e-5
    )


class Task:
    """A few samples, to be learnt by heart, always together."""

    metric = "score"
    _ctc, _rivals, _early = crnn.CRNNTask._ctc, None, None

    def __init__(self, spec: Spec, batch: Any, truth: Any, read: Any) -> None:
        torch.manual_seed(0)
        self.net = build(spec)
        self.batch, self._truth, self._read = batch, truth, read

    def __len__(self) -> int:
        return len(self.batch.images)

    def sample(self, seed: int, position: int) -> int:
        return position % len(self)

    def refuse(self, error: DataError) -> None:
        raise error

    def group(self, sample: int) -> tuple[int, int]:
        return 0, len(self)

    def collate(self, samples: list[int]) -> Any:
        return self.batch

    _once = None

    def loss(self, batch: Any, device: torch.device) -> dict[str, torch.Tensor]:
        """As the task of the network has it, which needs nothing but the net."""
        kind = {
            crnn.Batch: crnn.CRNNTask,
            ctpn.Batch: ctpn.CTPNTask,
            orientation.Batch: orientation.OrientationTask,
        }[type(batch)]
        return kind.loss(self, batch, device)  # type: ignore[arg-type]

    def figures(self, session: Session) -> dict[str, float]:
        output = np.stack(session(self.batch.images))
        return {"score": float(np.mean(self._read(output) == self._truth))}

    def picture(self, session: Session) -> None:
        return None


def lines(height: int) -> crnn.Batch:
    """Two bars, each of the colour of its class."""
    labels = [[1, 2], [2, 1], [1, 3], [3, 1], [2, 3], [3, 2]]
    images = np.zeros((6, height, 32, 3), np.uint8)
    for image, (left, right) in zip(images, labels, strict=True):
        image[:, :16, left - 1] = image[:, 16:, right - 1] = 255
    return crnn.Batch(images, labels)


def strings(logits: np.ndarray) -> np.ndarray:
    return np.array(["".join(str(s.id) for s in ctc.greedy(line)) for line in logits])


def recogniser(spec: CRNNSpec | VGGCRNNSpec) -> Task:
    batch = lines(spec.height)
    return Task(spec, batch, ["".join(map(str, label)) for label in batch.labels], strings)


def detector(spec: CTPNSpec | VGGCTPNSpec) -> Task:
    """Two pictures, each with two columns of one anchor of text."""
    label = np.zeros((2, 64 // spec.row, 6, 2), np.int8)
    images = np.full((2, 64, 96, 3), 255, np.uint8)
    for i, column in enumerate((1, 3)):
        label[i, label.shape[1] // 2, column : column + 2, 0] = 1
        images[i, 28:40, 16 * column : 16 * column + 32] = 0
    zeros = np.zeros((*label.shape, 2), np.float32)
    batch = ctpn.Batch(images, Targets(label, zeros, zeros, zeros), np.arange(2))
    return Task(spec, batch, label == 1, lambda output: output[..., 0] > 0)


def classifier(spec: OrientationSpec) -> Task:
    images = np.zeros((8, 32, 64, 3), np.uint8)
    labels = np.arange(8) % 4
    for image, label in zip(images, labels, strict=True):
        image[:, : 14 * label] = 255
    batch = orientation.Batch(images, labels, np.arange(8))
    return Task(spec, batch, labels, lambda logits: logits.argmax(-1))


TASKS = {
    "crnn": lambda: recogniser(replace(tiny.CRNN, classes=4, height=16)),
    "vgg_crnn": lambda: recogniser(replace(tiny.VGG_CRNN, classes=4)),
    "ctpn": lambda: detector(replace(tiny.CTPN, heights=(11, 23))),
    "vgg_ctpn": lambda: detector(replace(tiny.VGG_CTPN, heights=(11, 23))),
    "orientation": lambda: classifier(tiny.ORIENTATION),
}


def options(out: Path, **more: Any) -> LoopOptions:
    given = {"out": out, "lr": 0.02, "backbone_lr": 1.0, "warmup": 5, "ema": 0.5, "threads": 1}
    return LoopOptions(**{**given, "precision": "f32", "device": "cpu", **more})


def validated(out: Path) -> list[float]:
    """The steps at which a run was validated."""
    rows = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [row["step"] for row in rows if "loss" not in row]


@pytest.mark.parametrize("name", TASKS)
def test_it_trains_as_pytorch_does(name: str, tmp_path: Path) -> None:
    """The same batches, losses and steps: after ten, the nets say the same."""
    told = {"steps": 10, "validate_every": 10, "lr": 0.003, "backbone_lr": 0.5}
    task = TASKS[name]()
    images = task.batch.images[:1]
    before = ModuleRuntime(task.net.eval(), torch.device("cpu"))(images)
    train_keras(task, options(tmp_path / "keras", **told))
    spec, state = task.net.spec, load_file(tmp_path / "keras" / "keras.safetensors")
    trained = {k: v for k, v in state.items() if not k.startswith("optimizer.")}
    keras_says = TorchRuntime(spec, trained)(images)
    loop.fit(task, options(tmp_path / "torch", **told))
    torch_says = ModuleRuntime(task.net.eval(), torch.device("cpu"))(images)
    moved = np.abs(torch_says - before).max()
    # PyTorch's LSTM has two biases, which together learn twice as fast as the one of Keras.
    assert np.abs(torch_says - keras_says).max() < (0.15 if "lstm" in str(spec) else 0.02) * moved


class Halves(Task):
    """The samples of a task in two batches by turns."""

    def group(self, sample: int) -> tuple[int, int]:
        return sample % 2, len(self) // 2

    def collate(self, samples: list[int]) -> Any:
        return orientation.Batch(*(part[samples] for part in self.batch))


def test_batches_add_up_to_a_step_as_in_pytorch(tmp_path: Path) -> None:
    """Also their average: what is kept is the same, and so is the place in the data."""
    told = {"steps": 8, "validate_every": 4, "lr": 0.003, "accumulate": 2, "ema": 0.9}
    task = TASKS["orientation"]()
    task.__class__ = Halves
    images, spec = task.batch.images, task.net.spec
    before = ModuleRuntime(task.net.eval(), torch.device("cpu"))(images)
    train_keras(task, options(tmp_path / "keras", **told))
    loop.fit(task, options(tmp_path / "torch", **told))
    said = [
        TorchRuntime(spec, load_file(tmp_path / name / "last.safetensors"))(images)
        for name in ("keras", "torch")
    ]
    assert np.abs(said[0] - said[1]).max() < 0.005 * np.abs(said[1] - before).max()
    with safe_open(tmp_path / "keras" / "keras.safetensors", "numpy") as file:
        place = json.loads(file.metadata()["progress"])["position"]
    state = torch.load(tmp_path / "torch" / "last.pt", weights_only=True)
    assert [tuple(place)] == state["positions"]
    assert validated(tmp_path / "keras") == [4, 8]


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="is the second process")
@pytest.mark.skipif(not importlib.util.find_spec("tensorflow"), reason="needs TensorFlow")
def test_batches_add_up_on_tensorflow() -> None:
    test = f"{__file__}::{test_batches_add_up_to_a_step_as_in_pytorch.__name__}"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("name", ["crnn", "orientation"])
def test_tiny_nets_learn_by_heart(name: str, tmp_path: Path) -> None:
    """Sixty steps, which a plain average of 0.998 would hardly notice."""
    task = TASKS[name]()
    figures = train_keras(task, options(tmp_path, steps=60, validate_every=30, ema=0.998))
    assert figures == {"score": 1}
    state = load_file(tmp_path / "best.safetensors")
    said_by_torch = task.figures(Session(TorchRuntime(task.net.spec, state)))
    assert said_by_torch == figures
    assert {"best.safetensors", "last.safetensors", "options.json", "curves.png"} <= {
        path.name for path in tmp_path.iterdir()
    }


def test_a_run_resumes_as_if_never_stopped(tmp_path: Path) -> None:
    class Stopped(Task):
        def figures(self, session: Session) -> dict[str, float]:
            signal.raise_signal(signal.SIGINT)  # stops the run after the next batch
            return super().figures(session)

    task, told = TASKS["orientation"](), {"steps": 6, "validate_every": 3}
    train_keras(task, options(tmp_path / "whole", **told))
    task.__class__ = Stopped
    train_keras(task, options(tmp_path / "cut", **told))
    with pytest.raises(DataError, match="--resume"):
        train_keras(task, options(tmp_path / "cut", **told))
    task.__class__ = Task
    train_keras(task, options(tmp_path / "cut", resume=True, **told))
    assert validated(tmp_path / "cut") == [3, 4, 6]
    whole, cut = (load_file(tmp_path / run / "keras.safetensors") for run in ("whole", "cut"))
    assert whole.keys() == cut.keys()
    # The bias before a softmax has no gradient but rounding, which Adam makes a small step of.
    assert all(np.allclose(whole[key], cut[key], atol=1e-3) for key in whole)


def test_a_budget_ends_a_run_and_patience_too(tmp_path: Path) -> None:
    task = TASKS["orientation"]()
    train_keras(task, options(tmp_path / "time", time_budget="1s", steps=10_000))
    assert validated(tmp_path / "time")[-1] < 10_000
    told = {"lr": 1e-9, "validate_every": 1, "patience": 2}
    train_keras(task, options(tmp_path / "patience", **told))
    assert validated(tmp_path / "patience") == [1, 2, 3]


def test_frozen_parts_stay(tmp_path: Path) -> None:
    task = TASKS["orientation"]()
    train_keras(task, options(tmp_path / "run", steps=2, freeze=("backbone", "attend")))
    state = load_file(tmp_path / "run" / "last.safetensors")
    for name, value in task.net.state_dict().items():
        same = np.array_equal(state[name], value.numpy())
        assert same == name.startswith(("backbone.", "attend.")), name
    with pytest.raises(DataError, match="this net has"):
        train_keras(task, options(tmp_path / "other", freeze=("neck",)))
    part = "backbone.stem"
    train_keras(task, options(tmp_path / "part", steps=2, freeze=(part,)))
    state = load_file(tmp_path / "part" / "last.safetensors")
    for name, value in task.net.state_dict().items():
        if name.endswith("weight"):
            assert np.array_equal(state[name], value.numpy()) == name.startswith(part), name


def test_what_pytorch_alone_can_train_is_refused(tmp_path: Path) -> None:
    task = TASKS["orientation"]()
    with pytest.raises(DataError, match="--precision"):
        train_keras(task, options(tmp_path, precision="bf16"))
    with pytest.raises(DataError, match="--stage whole"):
        pair(CRNNSpec(4), object())
