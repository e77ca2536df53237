"""From a run folder to the files that reading uses: ONNX and card."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import onnx
from safetensors.numpy import load_file

from shizi import weights
from shizi.charset import Charset
from shizi.errors import DataError
from shizi.nets import onnx as graphs
from shizi.nets.spec import CRNNSpec, CTPNSpec, OrientationSpec
from shizi.weights import Card, Network

INPUTS = {
    "orientation": "tiles (N, 192, 192, 3), RGB uint8",
    "ctpn": "one picture (1, H, W, 3), RGB uint8, H and W multiples of 32",
    "crnn": "line crops (N, 48, W, 3), RGB uint8, W a multiple of 8",
}

INITIAL = {
    "orientation": "backbone: first blocks of PP-OCRv6 small detection, from the PyPI wheel "
    "rapidocr 3.10.0, Apache-2.0; head from scratch",
    "ctpn": "backbone: PP-OCRv6 small detection, from the PyPI wheel rapidocr 3.10.0, "
    "Apache-2.0; head from scratch",
    "crnn": "backbone and classifier rows: PP-OCRv6 small recognition, from the PyPI wheel "
    "rapidocr 3.10.0, Apache-2.0; neck regressed onto its neck, then CTC",
}


@dataclass(frozen=True)
class ExportOptions:
    """What to export.

    Attributes:
        network: orientation, ctpn or crnn.
        run: run folder that holds best.safetensors.
        out: folder to write to.
        data: what it was trained on, for the card.
        command: how it was trained, for the card; by default as the run folder noted it.
    """

    network: Network
    run: Path
    out: Path = weights.FOLDER
    data: str = ""
    command: str = ""


def export(options: ExportOptions) -> Path:
    """Write ``<network>.onnx`` and ``<network>.json``; return the ONNX file's path.

    Raises:
        DataError: the run folder holds no weights.
    """
    best = options.run / "best.safetensors"
    if not best.exists():
        raise DataError(f"{best} is missing; has the run been validated yet?")
    state = load_file(best)
    charset_hash = ""
    spec: Any
    match options.network:
        case "orientation":
            spec = OrientationSpec()
            model = graphs.orientation(spec, state)
        case "ctpn":
            spec = CTPNSpec()
            model = graphs.ctpn(spec, state)
        case "crnn":
            spec = CRNNSpec(classes=len(state["classify.bias"]))
            model = graphs.crnn(spec, state)
            charset_hash = Charset.load(weights.FOLDER / "charset.txt").hash
    noted = json.loads((options.run / "options.json").read_text())
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{options.network}.onnx"
    onnx.save(model, str(path))
    Card(
        network=options.network,
        sha256=weights.digest(path),
        input=INPUTS[options.network],
        spec=asdict(spec),
        charset=charset_hash,
        initial=INITIAL[options.network],
        data=options.data,
        command=options.command or noted["command"],
        date=date.today().isoformat(),
        metrics=best_figures(options.run / "metrics.jsonl"),
    ).write(path.with_suffix(".json"))
    return path


def best_figures(path: Path) -> dict[str, float]:
    """Return the best validation row of a metrics file, without step and time."""
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    validations = [row for row in rows if "lr" not in row]  # a training row tells its rate
    if not validations:
        return {}
    best = max(validations, key=lambda row: row["score"])
    return {k: v for k, v in best.items() if k not in ("step", "time")}
