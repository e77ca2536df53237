"""Weights that people have of the published nets, renamed into ours.

Nothing is approximated: what a file's net says of a picture, ours says too. Where two linear
layers follow each other with nothing between them they are multiplied; images that are grey, BGR
or of another scale are dealt with in the first convolution; the mean that ImageNet weights
subtract is kept in the spec, for it is also what their convolutions pad with.
"""

from __future__ import annotations

import pickle
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from shizi.errors import WeightsError
from shizi.extras import needed
from shizi.nets.spec import VGGCRNNSpec, VGGSpec

Array = NDArray[np.float32]
State = dict[str, Array]

RGB = (0.485 * 255, 0.456 * 255, 0.406 * 255)
"""The mean that torchvision subtracts, of ImageNet."""

SPREAD = (0.229 * 255, 0.224 * 255, 0.225 * 255)
"""The deviation that it divides by."""

CAFFE = (123.68, 116.779, 103.939)
"""The mean that Keras subtracts, as Simonyan & Zisserman did."""

FASTER = (122.7717, 115.9465, 102.9801)
"""The mean of Faster R-CNN and of text-detection-ctpn."""

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in Pillow's grey."""

HALF = 127.5
"""Our nets divide by it."""


@dataclass(frozen=True)
class Published:
    """Arrays by our names.

    Attributes:
        source: whose they are, for the card.
        state: of the backbone, or of a whole recogniser.
        vgg: the spec of a VGG16 backbone; None for a recogniser.
        crnn: the spec of a recogniser; None for a backbone.
    """

    source: str
    state: State
    vgg: VGGSpec | None = None
    crnn: VGGCRNNSpec | None = None


def read(path: Path) -> Published | None:
    """Read a file of another project; None where it may be one of ours.

    Known are VGG16 of torchvision (.pth, .safetensors), of Keras (notop.h5) and of
    text-detection-ctpn (VGG_imagenet.npy), and the recognisers of crnn.pytorch and
    deep-text-recognition-benchmark (None-VGG-BiLSTM-CTC).

    Raises:
        WeightsError: the file cannot be read, or is of no project that is known here.
        MissingExtraError: an .h5 file is read and h5py is not installed.
    """
    arrays = _arrays(path)
    for first, convert in KNOWN.items():
        if first in arrays:
            try:
                return convert(arrays)
            except (KeyError, ValueError, IndexError) as error:
                reason = textwrap.shorten(str(error), 120)
                raise WeightsError(f"{path} lacks a part of its net: {reason}") from error
    if path.suffix.lower() not in (".safetensors", ".onnx"):
        raise WeightsError(
            f"{path} is of no net that is known: VGG16 of torchvision, Keras or "
            "text-detection-ctpn, crnn.pytorch, or None-VGG-BiLSTM-CTC"
        )
    return None


# Files


def _arrays(path: Path) -> Mapping[str, Array]:
    """Every array of a file by its name."""
    try:
        match path.suffix.lower():
            case ".pth" | ".pt" | ".tar":
                return _of_torch(path)
            case ".safetensors":
                return dict(load_file(path))
            case ".npy":
                return _of_npy(path)
            case ".h5" | ".hdf5":
                with needed("an .h5 file"):
                    return _of_keras(path)
            case _:
                return {}
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError, SafetensorError) as error:
        reason = textwrap.shorten(str(error), 200)
        raise WeightsError(f"cannot start from {path}: {reason}") from error


def _of_torch(path: Path) -> Mapping[str, Array]:
    """A state dict, perhaps within a checkpoint, perhaps of DataParallel."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError("it holds more than numbers; save the state_dict() of the net") from error
    if not isinstance(state, dict):
        raise ValueError("it holds no state_dict() of a net")
    for key in ("state_dict", "model"):
        state = state.get(key, state)
    tensors = {k: v for k, v in state.items() if isinstance(v, torch.Tensor)}
    return {k.removeprefix("module."): v.float().numpy() for k, v in tensors.items()}


class _Plain(pickle.Unpickler):
    """Unpickles arrays, lists and dictionaries; a file can have nothing else run."""

    def find_class(self, module: str, name: str) -> Any:
        known = {"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"}
        if module.partition(".")[0] == "numpy" and name in known:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it wants {module}.{name}, which no array needs")


def _of_npy(path: Path) -> Mapping[str, Array]:
    """A dictionary ``{layer: {weights, biases}}`` that NumPy pickled, under Python 2 perhaps."""
    with path.open("rb") as file:
        layers = _unpickled(file)
    return {
        f"{layer}/{part}": np.asarray(value, np.float32)
        for layer, parts in layers.items()
        for part, value in parts.items()
    }


def _unpickled(file: BinaryIO) -> Any:
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    header(file)
    content = _Plain(file, encoding="latin1").load()
    return content.item() if isinstance(content, np.ndarray) else content


def _of_keras(path: Path) -> Mapping[str, Array]:
    """Arrays of Keras' legacy format: a group a layer, kernel (h, w, in, out) and bias."""
    import h5py

    found: dict[str, Array] = {}

    def note(name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset):
            part = "kernel" if thing.ndim > 1 else "bias"
            found[f"{name.split('/')[-2]}/{part}"] = np.asarray(thing, np.float32)

    with h5py.File(path) as file:
        file.get("model_weights", file).visititems(note)
    return found


# VGG16

_CONVS = [(stage, i) for stage, (_, count) in enumerate(VGGSpec().stages) for i in range(count)]
"""Stage and number of the thirteen convolutions."""

_TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Their places in torchvision's ``features``."""


def _backbone(
    source: str,
    convs: list[tuple[Array, Array]],
    mean: tuple[float, float, float],
    spread: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Published:
    """Name thirteen (kernel (out, in, h, w), bias); the first sees (RGB - mean) / spread."""
    state: State = {}
    stages: list[tuple[int, int]] = []
    for (stage, i), (kernel, bias) in zip(_CONVS, convs, strict=True):
        if stage == i == 0:
            kernel = kernel * (HALF / np.array(spread, np.float32))[:, None, None]
        state[f"backbone.stages.{stage}.{i}.weight"] = np.ascontiguousarray(kernel)
        state[f"backbone.stages.{stage}.{i}.bias"] = bias
        stages = [*stages[:stage], (len(bias), i + 1)]
    return Published(source, state, vgg=VGGSpec(tuple(stages), mean=mean))


def _torchvision(arrays: Mapping[str, Array]) -> Published:
    names = [f"features.{i}" for i in _TORCHVISION]
    convs = [(arrays[f"{name}.weight"], arrays[f"{name}.bias"]) for name in names]
    return _backbone("VGG16 of torchvision, BSD-3-Clause", convs, RGB, SPREAD)


def _channels_last(arrays: Mapping[str, Array], first: str, kernel: str, bias: str) -> list[Any]:
    """Convolutions of a framework with kernels (h, w, in, out) that sees BGR."""
    convs = []
    for stage, i in _CONVS:
        name = first.format(stage + 1, i + 1)
        convs.append((arrays[f"{name}/{kernel}"].transpose(3, 2, 0, 1), arrays[f"{name}/{bias}"]))
    return [(convs[0][0][:, ::-1], convs[0][1]), *convs[1:]]


def _keras(arrays: Mapping[str, Array]) -> Published:
    convs = _channels_last(arrays, "block{}_conv{}", "kernel", "bias")
    return _backbone("VGG16 of Keras, CC BY 4.0 (Simonyan & Zisserman)", convs, CAFFE)


def _imagenet(arrays: Mapping[str, Array]) -> Published:
    convs = _channels_last(arrays, "conv{}_{}", "weights", "biases")
    return _backbone("VGG_imagenet.npy, CC BY 4.0 (Simonyan & Zisserman)", convs, FASTER)


# Recognisers


def _crnn_pytorch(arrays: Mapping[str, Array]) -> Published:
    norms = (2, 4, 6)
    convs = {i: f"cnn.conv{i}" for i in range(7)}
    state = _convolutions(arrays, convs, {i: f"cnn.batchnorm{i}" for i in norms})
    recurrent = [("rnn.0.rnn", "rnn.0.embedding"), ("rnn.1.rnn", "rnn.1.embedding")]
    state |= _recurrent(arrays, recurrent, None)
    spec = _crnn_spec(state, norms, overlap=True)
    return Published("crnn.pytorch, MIT", state, crnn=spec)


def _deep_text(arrays: Mapping[str, Array]) -> Published:
    places = (0, 3, 6, 8, 11, 14, 18)
    names = {i: f"FeatureExtraction.ConvNet.{place}" for i, place in enumerate(places)}
    norms = {4: "FeatureExtraction.ConvNet.12", 5: "FeatureExtraction.ConvNet.15"}
    state = _convolutions(arrays, names, norms)
    layers = [f"SequenceModeling.{i}" for i in (0, 1)]
    recurrent = [(f"{layer}.rnn", f"{layer}.linear") for layer in layers]
    state |= _recurrent(arrays, recurrent, "Prediction")
    return Published(
        "deep-text-recognition-benchmark, Apache-2.0", state, crnn=_crnn_spec(state, (4, 5), False)
    )


def _convolutions(
    arrays: Mapping[str, Array], convs: dict[int, str], norms: dict[int, str]
) -> State:
    """Rename convolutions and batch norms; the first sees grey as we see it, in shares."""
    state: State = {}
    for i, name in convs.items():
        kernel = arrays[f"{name}.weight"]
        if i == 0 and kernel.shape[1] == 1:
            kernel = kernel * np.array(LUMA, np.float32)[:, None, None]
        none = np.zeros(len(kernel), np.float32)
        state[f"backbone.convs.{i}.weight"] = kernel
        state[f"backbone.convs.{i}.bias"] = arrays.get(f"{name}.bias", none)
    for place, name in enumerate(norms.values()):
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"backbone.norms.{place}.{part}"] = arrays[f"{name}.{part}"]
        state[f"backbone.norms.{place}.num_batches_tracked"] = np.array(0)
    return state


def _recurrent(
    arrays: Mapping[str, Array], layers: list[tuple[str, str]], classify: str | None
) -> State:
    """Rename two LSTMs, each with a linear layer after it, and multiply these into what follows.

    The second linear layer is the classifier, or goes into one.
    """
    state: State = {}
    into, shift = None, None  # the linear layer before
    for i, (rnn, linear) in enumerate(layers):
        for end in ("", "_reverse"):
            parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ih, hh, bias, bias_hh = (arrays[f"{rnn}.{part}_l0{end}"] for part in parts)
            if into is not None and shift is not None:
                ih, bias = ih @ into, bias + ih @ shift
            for part, value in zip(parts, (ih, hh, bias, bias_hh), strict=True):
                state[f"rnns.{i}.{part}_l0{end}"] = value
        into, shift = arrays[f"{linear}.weight"], arrays[f"{linear}.bias"]
    assert into is not None and shift is not None
    if classify:
        weight = arrays[f"{classify}.weight"]
        into, shift = weight @ into, arrays[f"{classify}.bias"] + weight @ shift
    return {**state, "classify.weight": into, "classify.bias": shift}


def _crnn_spec(state: State, norms: tuple[int, ...], overlap: bool) -> VGGCRNNSpec:
    widths = tuple(len(state[f"backbone.convs.{i}.bias"]) for i in range(7))
    hidden = state["rnns.0.weight_hh_l0"].shape[1]
    classes = len(state["classify.bias"])
    return replace(VGGCRNNSpec(classes, widths, hidden=hidden), norms=norms, overlap=overlap)


KNOWN: dict[str, Callable[[Mapping[str, Array]], Published]] = {
    "features.0.weight": _torchvision,
    "block1_conv1/kernel": _keras,
    "conv1_1/weights": _imagenet,
    "cnn.conv0.weight": _crnn_pytorch,
    "FeatureExtraction.ConvNet.0.weight": _deep_text,
}
"""How a net is told by the name of its first array."""
