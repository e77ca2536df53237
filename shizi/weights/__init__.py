"""The networks that reading uses and their cards: what each expects, where it comes from.

A folder of exported networks may stand in for the shipped ones; what it lacks is taken from
these.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from shizi.charset import Charset
from shizi.errors import WeightsError
from shizi.nets.spec import Spec, parse_spec

FOLDER = Path(__file__).parent

Network = Literal["orientation", "ctpn", "crnn"]
NETWORKS: tuple[Network, ...] = ("orientation", "ctpn", "crnn")


@dataclass(frozen=True)
class Card:
    """JSON beside each weights file.

    Attributes:
        network: which network.
        form: of the network: a key of ``shizi.nets.spec.FORMS``.
        sha256: of the weights file.
        input: shape and meaning of the input; normalisation is inside the file.
        spec: the spec dataclass, as plain values.
        charset: hash of the charset; empty where the network has none.
        initial: source and licence of the initial weights.
        data: what it was trained on.
        command: how it was trained.
        date: when.
        metrics: figures of its last validation.
        squeeze: factor on the width of the crops that it was validated on, and is read at (crnn).
    """

    network: str
    form: str
    sha256: str
    input: str
    spec: dict[str, Any]
    charset: str
    initial: str
    data: str
    command: str
    date: str
    metrics: dict[str, float]
    squeeze: float = 1.0

    def write(self, path: Path) -> None:
        """Write the card as JSON."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def file(network: Network, folder: Path | None = None) -> Path:
    """Return the path of a network's ONNX file."""
    return _home(network, folder) / f"{network}.onnx"


def card(network: Network, folder: Path | None = None) -> Card:
    """Read a network's card.

    Raises:
        WeightsError: it is missing or not a card.
    """
    path = _home(network, folder) / f"{network}.json"
    try:
        return Card(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"cannot read {path}: {error}; export it, or reinstall shizi") from error


def spec(network: Network, folder: Path | None = None) -> Spec:
    """Return what a network is made of.

    Raises:
        WeightsError: its card is missing or of another version.
    """
    found = card(network, folder)
    return parse_spec(network, found.form, found.spec)


@cache
def charset(folder: Path | None = None) -> Charset:
    """Return the charset that the recogniser spells with.

    Raises:
        WeightsError: the file is missing, or the recogniser was made for another charset.
    """
    home = _home("crnn", folder)
    found = Charset.load(home / "charset.txt")
    if card("crnn", home).charset != found.hash:
        raise WeightsError(f"{home / 'crnn.onnx'} was made for another charset; export it again")
    return found


def _home(network: Network, folder: Path | None) -> Path:
    return folder if folder and (folder / f"{network}.onnx").exists() else FOLDER


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, as hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(network: Network) -> None:
    """Check a network's file against its card.

    Raises:
        WeightsError: the file is missing or differs.
    """
    path = file(network)
    if not path.exists():
        raise WeightsError(f"{path} is missing; reinstall shizi")
    if digest(path) != card(network).sha256:
        raise WeightsError(f"{path} differs from its card; reinstall shizi")
