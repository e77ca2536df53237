"""Training with Keras 3: ``model.fit`` on the batches, targets and metrics of PyTorch.

``KERAS_BACKEND`` chooses tensorflow, jax or torch. A run folder looks as one of PyTorch does,
and its weights have the names of PyTorch, so every tool reads them.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import nn

from shizi.charset import BLANK
from shizi.engine import MANY, Session
from shizi.errors import DataError, OptionError
from shizi.nets.keras import build
from shizi.nets.keras.convert import from_keras, to_keras
from shizi.nets.keras.runtime import ModelRuntime
from shizi.nets.spec import CRNNSpec, CTPNSpec, Spec, VGGCRNNSpec, VGGCTPNSpec
from shizi.page import Image
from shizi.train.loop.run import RunFolder, checkpoint, forget_after, goes_on, plot_curves
from shizi.train.loop.schedule import (
    Interrupt,
    LoopOptions,
    better_than,
    check_astray,
    check_frozen,
    progress,
    rate,
)
from shizi.train.loop.stream import Position, Sampler, batches, prefetch
from shizi.train.loop.torch import Progress
from shizi.train.losses.keras import ctc_loss, line_loss, paper_loss

Pair = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""Pictures and what the loss compares with the net's output."""

LABELS = 16
"""Labels are filled up to a multiple of this: few shapes, so few compilations."""


class KerasTask(Sampler, Protocol):
    """What training needs of a network's task; those of PyTorch have it."""

    metric: str

    @property
    def net(self) -> nn.Module:
        """The PyTorch net, whose spec and first weights the Keras net takes."""

    def figures(self, session: Session) -> dict[str, float]:
        """Return the validation figures of a net."""

    def picture(self, session: Session) -> Image | None:
        """Show some validation samples: input, target and prediction."""


def train_keras(task: KerasTask, options: LoopOptions) -> dict[str, float]:
    """Train the Keras twin of ``task.net`` from its weights; return its best figures.

    As :func:`shizi.train.loop.torch.fit`, but for this: an epoch of Keras is the ``validate_every``
    steps between two validations; gradients are clipped by the norm of each group of layers
    that has a learning rate of its own; the statistics of batch normalisation are not
    averaged over steps; arithmetic is in float32; the number of threads is the backend's own
    affair; and all state is in keras.safetensors, not in last.pt.

    Raises:
        DataError: the run folder already holds a run and ``resume`` is not given, or the
            options or the task are such that PyTorch alone can train.
    """
    if options.precision not in ("auto", "f32"):
        raise DataError("Keras trains in f32; drop --precision")
    all_state = options.out / "keras.safetensors"
    resumed = goes_on(options, all_state.name, "last.pt")
    spec: Any = task.net.spec
    with device(options.device):
        model = build(spec)
        to_keras({k: v.cpu().numpy() for k, v in task.net.state_dict().items()}, model)
        groups = optimizers(model, options)
        optimizer = keras.optimizers.MultiOptimizer(lambda variable: groups[_group(variable.path)])
        model.compile(optimizer, loss_of(spec), jit_compile=keras.backend.backend() == "jax")
        optimizer.build(model.trainable_variables)
        at = load(all_state, model) if resumed else Progress(0, 0.0, {}, 0, Position())
        forget_after(options.out / "metrics.jsonl", at.step)
        workers = options.preparers(options.device != "cpu" and _has_gpu())
        made = prefetch(batches(task, options.seed, at.position, workers))
        taken: deque[Position] = deque()
        with (
            closing(made) as stream,
            RunFolder(options.out, asdict(options), progress(at.step, at.elapsed, options)) as run,
            Interrupt() as interrupt,
        ):
            pace = Pace(at, options, groups, run, interrupt, taken)
            validate = Validate(at, options, task, run, Session(ModelRuntime(model), MANY))
            model.fit(
                feed(pairs(spec, stream, taken)),
                steps_per_epoch=options.validate_every * options.accumulate,
                epochs=math.ceil((options.steps - at.step) / options.validate_every),
                verbose=0,
                shuffle=False,
                callbacks=[pace, validate],
            )
    plot_curves(options.out)
    return at.best


def device(name: str) -> Any:
    """Return the context in which Keras computes on ``auto``, ``cpu`` or ``cuda``.

    Raises:
        OptionError: the backend has no GPU, and it must be one.
    """
    if name == "cuda" and not _has_gpu():
        backend = keras.backend.backend()
        raise OptionError(f"device cuda: {backend} finds none here; choose cpu, or auto")
    return nullcontext() if name == "auto" else keras.device({"cuda": "gpu"}.get(name, name))


def _has_gpu() -> bool:
    """Ask the backend in use for a GPU."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return bool(tf.config.list_physical_devices("GPU"))
        case "jax":
            import jax

            return any(device.platform == "gpu" for device in jax.devices())
        case _:
            return torch.cuda.is_available()


def pairs(
    spec: Spec, stream: Iterator[tuple[Any, Position]], taken: deque[Position]
) -> Iterator[Pair]:
    """Yield what ``model.fit`` takes; note the positions, for it takes some in advance."""
    for batch, position in stream:
        taken.append(position)
        yield pair(spec, batch)


def pair(spec: Spec, batch: Any) -> Pair:
    """Turn a task's batch into what ``model.fit`` takes.

    Raises:
        DataError: the batch holds kept features, not pictures.
    """
    if not hasattr(batch, "images"):
        raise DataError("Keras trains the whole net; add --stage whole")
    match spec:
        case CRNNSpec() | VGGCRNNSpec():
            longest = max(1, *map(len, batch.labels))
            size = (len(batch.labels), math.ceil(longest / LABELS) * LABELS)
            target = np.full(size, BLANK, np.float32)  # (N, L)
            for row, label in zip(target, batch.labels, strict=True):
                row[: len(label)] = label
        case CTPNSpec() | VGGCTPNSpec():
            label, vertical, ends, offsets = batch.targets
            target = np.concatenate(
                [label[..., None].astype(np.float32), vertical, ends, offsets], -1
            )  # (N, R, C, K, 7)
        case _:
            target = np.eye(spec.classes, dtype=np.float32)[batch.labels]  # (N, classes)
    return batch.images, target


def loss_of(spec: Spec) -> Any:
    """Return the loss that PyTorch trains a net with."""
    match spec:
        case CRNNSpec() | VGGCRNNSpec():
            return ctc_loss
        case CTPNSpec():
            return line_loss
        case VGGCTPNSpec():
            return paper_loss
        case _:
            return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05)


def feed(pairs: Iterator[Pair]) -> Any:
    """Return a dataset whose pictures may differ in size; TensorFlow wants to be told."""
    if keras.backend.backend() != "tensorflow":
        return pairs
    import tensorflow as tf

    first = next(pairs)
    signature = tuple(tf.TensorSpec([None] * part.ndim, part.dtype) for part in first)

    def items() -> Iterator[Pair]:
        yield first
        yield from pairs

    return tf.data.Dataset.from_generator(items, output_signature=signature)


def optimizers(model: keras.Model, options: LoopOptions) -> dict[str, Any]:
    """Return one AdamW for each group of layers with its own share of the learning rate.

    Layers that are frozen, or whose share is nothing, are made not trainable.

    Raises:
        DataError: ``freeze`` names a part that the net lacks.
    """
    weighty = {layer.name.replace("-", "."): layer for layer in model.layers if layer.weights}
    check_frozen(options, weighty)
    shares = {**options.shares, "rest": 1.0}
    for name, layer in weighty.items():
        if options.frozen(name) or shares[_group(layer.name)] == 0:
            layer.trainable = False
    groups = {}
    for name, share in shares.items():
        groups[name] = AveragingAdamW(
            options.lr * share,
            weight_decay=0.0 if name == "classify" else options.decay,  # as PyTorch's
            epsilon=1e-8,
            global_clipnorm=5.0,
            use_ema=True,
            ema_momentum=options.ema,
            gradient_accumulation_steps=options.accumulate if options.accumulate > 1 else None,
            name=f"adamw_{name}",
        )
        groups[name].exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return groups


class AveragingAdamW(keras.optimizers.AdamW):
    """AdamW whose averages move faster in the first steps, so the start is forgotten.

    As :class:`shizi.train.loop.torch.Average`: otherwise a run of a few hundred steps validates
    weights that are still largely the first ones. Batches whose gradients only add up leave them.
    """

    @property
    def ema_momentum(self) -> Any:
        """Decay of the averages at the step in hand."""
        done = keras.ops.cast(self.iterations, "float32")
        decay = keras.ops.minimum(self._decay, (1 + done) / (10 + done))
        batches = self.gradient_accumulation_steps or 1
        moves = keras.ops.equal((self._iterations + 1) % batches, 0)
        return keras.ops.where(moves, decay, 1.0)

    @ema_momentum.setter
    def ema_momentum(self, decay: float) -> None:
        self._decay = decay


def _group(path: str) -> str:
    """Name the group of a layer or variable by the first part of its path."""
    first = path.replace("-", "/").partition("/")[0]
    return first if first in ("backbone", "classify") else "rest"


class Pace(keras.callbacks.Callback):
    """Learning rate, time budget, interruption, and the rows of metrics.jsonl."""

    def __init__(
        self,
        at: Progress,
        options: LoopOptions,
        groups: dict[str, Any],
        run: RunFolder,
        interrupt: Interrupt,
        taken: deque[Position],
    ) -> None:
        super().__init__()
        self._at, self._options, self._groups = at, options, groups
        self._run, self._interrupt, self._taken = run, interrupt, taken
        self._rate = 0.0
        self._clock = 0.0
        self._mean = 0.0
        self._astray = 0  # steps in a row whose loss was no number

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._clock = time.monotonic()  # validation does not count against the budget

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        at = self._at
        if batch % self._options.accumulate:
            return
        self._rate = rate(at.step, progress(at.step, at.elapsed, self._options), self._options)
        assert self.model is not None  # asking for it makes JAX's state the optimizers' own
        for name, optimizer in self._groups.items():
            optimizer.learning_rate = self._rate * self._options.shares.get(name, 1.0)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        at = self._at
        now = time.monotonic()
        at.elapsed, self._clock = at.elapsed + now - self._clock, now
        at.position = self._taken.popleft()
        done, together = batch + 1, self._options.accumulate  # batches
        if done % together:
            return
        at.step += 1
        mean = float(logs["loss"])  # since the epoch began
        loss = (mean * done - self._mean * (done - together)) / together
        self._mean = mean
        share = progress(at.step, at.elapsed, self._options)
        self._run.step(at.step, {"loss": loss}, self._rate, at.elapsed, share)
        self._astray = 0 if math.isfinite(loss) else self._astray + 1
        check_astray(self._astray, at.step)
        if share >= 1 or self._interrupt.wanted:
            self.model.stop_training = True


class Validate(keras.callbacks.Callback):
    """Validates the averaged weights, keeps them if they are the best, saves all state."""

    def __init__(
        self,
        at: Progress,
        options: LoopOptions,
        task: KerasTask,
        run: RunFolder,
        session: Session,
    ) -> None:
        super().__init__()
        self._at, self._options = at, options
        self._task, self._run, self._session = task, run, session

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Swap the averages in, look at them, swap back and save."""
        at, task = self._at, self._task
        average = keras.callbacks.SwapEMAWeights()
        average.set_model(self.model)
        average.on_test_begin()
        figures = task.figures(self._session)
        self._run.validation(at.step, figures, at.elapsed, task.picture(self._session))
        better = better_than(at.best, figures, task.metric)
        at.stale = 0 if better else at.stale + 1
        weights = from_keras(self.model)
        save(weights, self._run.out / "last.safetensors")
        if better:
            at.best = figures
            save(weights, self._run.out / "best.safetensors")
        average.on_test_end()
        save_all(self.model, at, self._run.out / "keras.safetensors")
        if 0 < self._options.patience <= at.stale:
            self.model.stop_training = True


def save(arrays: dict[str, NDArray[Any]], path: Path, notes: dict[str, str] | None = None) -> None:
    """Write a safetensors file, whole or not at all."""
    with checkpoint(path) as part:
        save_file(arrays, part, notes)


def save_all(model: keras.Model, at: Progress, path: Path) -> None:
    """Write weights, the optimizers' variables and the progress of a run."""
    arrays = from_keras(model)
    for i, variable in enumerate(model.optimizer.variables):
        arrays[f"optimizer.{i}"] = np.asarray(keras.ops.convert_to_numpy(variable))
    save(arrays, path, {"progress": json.dumps(asdict(at))})


def load(path: Path, model: keras.Model) -> Progress:
    """Give a compiled model what :func:`save_all` wrote; return the progress."""
    with safe_open(path, "numpy") as file:
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        values = json.loads(file.metadata()["progress"])
    count = sum(key.startswith("optimizer.") for key in arrays)
    model.optimizer.set_weights([arrays.pop(f"optimizer.{i}") for i in range(count)])
    to_keras(arrays, model)
    drawn, waiting = values.pop("position")
    return Progress(**values, position=Position(drawn, tuple(waiting)))
