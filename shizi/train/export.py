"""From a run folder, or a file exported before, to what reads or trains elsewhere."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from shizi import weights
from shizi.charset import Charset
from shizi.engine.openvino import openvino
from shizi.errors import DataError
from shizi.extras import keras_needed
from shizi.nets.onnx import build, load_state
from shizi.nets.spec import Spec, form_of, parse_spec
from shizi.train.card import read_card
from shizi.train.measure import measure, rounded
from shizi.train.options import ExportOptions, Target
from shizi.weights import OUTPUTS, Card, Network

INPUTS: dict[Network, str] = {
    "orientation": "lines of the spec's size (N, H, W, 3), RGB uint8",
    "ctpn": "pictures (N, H, W, 3), RGB uint8, H and W multiples of 32",
    "crnn": "line crops of the spec's height (N, height, W, 3), RGB uint8, W a multiple of 8",
}

SUFFIX: dict[Target, str] = {
    "onnx": ".onnx",
    "openvino": ".xml",
    "torch": ".safetensors",
    "keras": ".keras",
}

_LOG = logging.getLogger("shizi.train")

State = dict[str, NDArray[np.float32]]


def export(source: Path, options: ExportOptions) -> Path:
    """Write a network, its card and, for the recogniser, its charset; return the network's path.

    Args:
        source: a run folder, or an ONNX file that shizi exported, its card beside it.
        options: what to write.

    Raises:
        DataError: there are no weights at ``source``.
        WeightsError: its card is missing or damaged.
        MissingExtraError: the framework asked for is not installed.
    """
    card, state, charset = read_source(source, options)
    options.out.mkdir(parents=True, exist_ok=True)
    if charset is not None:
        (options.out / "charset.txt").write_text(charset.chars + "\n", encoding="utf-8")
    path = _write(card, state, options)
    if options.measure:
        seen = measure(card.network, options.out, options.measure)
        ranges = {name: layer.range for name, layer in seen.items()}
        _write(replace(card, ranges=ranges), rounded(state, seen), options)
    return path


def _write(card: Card, state: State, options: ExportOptions) -> Path:
    """Write a network and its card; return the network's path."""
    path = (options.out / card.network).with_suffix(SUFFIX[options.to])
    write(parse_spec(card.network, card.form, card.spec), state, path, options.to)
    replace(card, sha256=weights.digest(path)).write(path.with_suffix(".json"))
    return path


def read_source(source: Path, options: ExportOptions) -> tuple[Card, State, Charset | None]:
    """Read weights with all that is known of them; for the arguments see :func:`export`."""
    if source.suffix == ".onnx":
        for network in weights.NETWORKS:
            if source.name == f"{network}.onnx" and source.exists():
                told = weights.card(network, source.parent)
                card = replace(told, input=INPUTS[network], output=OUTPUTS[network])
                charset = weights.charset(source.parent) if network == "crnn" else None
                return card, load_state(source), charset
        raise DataError(f"{source} is not one of {', '.join(weights.NETWORKS)}.onnx")
    best = source / "best.safetensors"
    if not best.exists():
        raise DataError(f"{best} is missing; has the run been validated yet?")
    run, figures = read_card(source), best_figures(source / "metrics.jsonl")
    if "score" not in figures:
        _LOG.warning("%s was validated on nothing: these are its last weights", source)
    card = Card(
        network=run.network,
        form=form_of(run.spec),
        sha256="",
        input=INPUTS[run.network],
        spec=asdict(run.spec),
        charset=run.charset.hash if run.charset else "",
        initial=run.initial,
        data=options.data,
        command=options.command or json.loads((source / "options.json").read_text())["command"],
        date=date.today().isoformat(),
        metrics=figures,
        squeeze=run.squeeze,
        output=OUTPUTS[run.network],
    )
    return card, load_file(best), run.charset


def write(spec: Spec, state: State, path: Path, to: Target) -> None:
    """Write a net's weights in the form that a framework takes."""
    match to:
        case "onnx":
            onnx.save(build(spec, state), str(path))
        case "openvino":
            model = openvino().Core().read_model(build(spec, state).SerializeToString())
            openvino().save_model(model, str(path))
        case "torch":
            save_file(state, path)
        case "keras":
            with keras_needed("an export to Keras"):
                from shizi.nets import keras
                from shizi.nets.keras.convert import to_keras
            net = keras.build(spec)
            to_keras(state, net)
            net.save(path)


def best_figures(path: Path) -> dict[str, float]:
    """Return the best validation row of a metrics file, without step and time.

    Where nothing was validated on, that is the last row, which has no score.
    """
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    validations = [row for row in rows if "lr" not in row]  # a training row tells its rate
    if not validations:
        return {}
    best = max(validations, key=lambda row: row.get("score", row["step"]))
    return {k: v for k, v in best.items() if k not in ("step", "time")}
